/* archive_order.c -- one counter gives out ids to all workers; how far their messages are committed. */
#include "features/archive_order.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "shm/shm.h"
#include "stream/server.h"

#define FIRST_CAPACITY 64

static struct process_page *
page_of(const struct archive_order *order)
{
	return shm_page(order->server->shm, order->server->number);
}

static _Atomic uint64_t *
counter_of(const struct archive_order *order)
{
	return &order->server->shm->instance->archive_next;
}

/* The counter becomes at least that; returns what it became. */
static uint64_t
raise(_Atomic uint64_t *counter, uint64_t least, uint64_t step)
{
	uint64_t seen = atomic_load(counter), next;

	do
		next = seen + step < least ? least : seen + step;
	while (!atomic_compare_exchange_weak(counter, &seen, next));
	return next;
}

static void
publish(struct archive_order *order)
{
	if (order->is_settled)
		atomic_store(&page_of(order)->archive_low,
		    order->count > 0 ? order->open[order->first] : 0);
}

void
archive_order_init(struct archive_order *order, struct server *server, uint64_t last)
{
	*order = (struct archive_order){ .server = server };
	order->is_settled = atomic_load(&page_of(order)->archive_low) == 0;
	raise(counter_of(order), last, 0);
}

void
archive_order_clear(struct archive_order *order)
{
	memory_free(order->open);
	order->open = NULL;
}

void
archive_order_settle(struct archive_order *order)
{
	order->is_settled = true;
	publish(order);
}

static void
grow(struct archive_order *order)
{
	size_t capacity = order->capacity == 0 ? FIRST_CAPACITY : order->capacity * 2;
	uint64_t *open = memory_new(capacity * sizeof(*open));

	for (size_t i = 0; i < order->count; i++)
		open[i] = order->open[(order->first + i) % order->capacity];
	memory_free(order->open);
	order->open = open;
	order->capacity = capacity;
	order->first = 0;
}

/* Who dies between the two stores has published an id that nobody has: its replacement settles that. */
uint64_t
archive_order_take(struct archive_order *order)
{
	uint64_t id;

	if (order->count == order->capacity)
		grow(order);
	if (order->count == 0 && order->is_settled)
		atomic_store(&page_of(order)->archive_low,
		    atomic_load(counter_of(order)) + 1);
	id = raise(counter_of(order), clock_wall_us(), 1);
	order->open[(order->first + order->count++) % order->capacity] = id;
	return id;
}

void
archive_order_drop(struct archive_order *order)
{
	ensure(order->count > 0);
	order->count--;
	publish(order);
}

static uint64_t *
open_at(struct archive_order *order, size_t i)
{
	return &order->open[(order->first + i) % order->capacity];
}

/* Nearly always the oldest. */
void
archive_order_done(struct archive_order *order, uint64_t id)
{
	size_t at = 0;

	while (at < order->count && *open_at(order, at) != id)
		at++;
	ensure(at < order->count);
	for (; at > 0; at--)
		*open_at(order, at) = *open_at(order, at - 1);
	order->first = (order->first + 1) % order->capacity;
	order->count--;
	publish(order);
}

uint64_t
archive_order_newest(const struct archive_order *order)
{
	return atomic_load(counter_of(order));
}

uint64_t
archive_order_horizon(const struct archive_order *order)
{
	struct shm *shm = order->server->shm;
	uint64_t horizon = archive_order_newest(order);

	for (uint32_t i = 0; i < shm->workers; i++) {
		uint64_t low = atomic_load(&shm_page(shm, i)->archive_low);

		if (low != 0 && low <= horizon)
			horizon = low - 1;
	}
	return horizon;
}
