/* timer.c -- timers in an indexed binary heap, run once a turn of the loop. */
#include "net/timer.h"

#include "base/clock.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "net/loop.h"

#define TIMERS_LEAST 64

/* The key stands beside the pointer: comparing touches no timer. */
struct timer_slot {
	uint64_t due_ms;
	uint64_t order; /* of arming: what is due at one time fires in that order */
	struct timer *timer;
};

struct timers {
	struct loop *loop;
	struct timer_slot *heap;
	uint32_t count;
	uint32_t capacity;
	uint64_t next_order;
	uint64_t longest_wait_ms;
};

static bool
slot_is_before(const struct timer_slot *a, const struct timer_slot *b)
{
	return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static void
heap_put(struct timers *timers, uint32_t index, struct timer_slot slot)
{
	timers->heap[index] = slot;
	slot.timer->position = index + 1;
}

static void
heap_rise(struct timers *timers, uint32_t index, struct timer_slot slot)
{
	while (index > 0) {
		uint32_t parent = (index - 1) / 2;

		if (!slot_is_before(&slot, &timers->heap[parent]))
			break;
		heap_put(timers, index, timers->heap[parent]);
		index = parent;
	}
	heap_put(timers, index, slot);
}

static void
heap_sink(struct timers *timers, uint32_t index, struct timer_slot slot)
{
	for (;;) {
		uint32_t child = 2 * index + 1;

		if (child >= timers->count)
			break;
		if (child + 1 < timers->count &&
		    slot_is_before(&timers->heap[child + 1], &timers->heap[child]))
			child++;
		if (!slot_is_before(&timers->heap[child], &slot))
			break;
		heap_put(timers, index, timers->heap[child]);
		index = child;
	}
	heap_put(timers, index, slot);
}

/* The slot may belong above or below where it is put. */
static void
heap_settle(struct timers *timers, uint32_t index, struct timer_slot slot)
{
	if (index > 0 && slot_is_before(&slot, &timers->heap[(index - 1) / 2]))
		heap_rise(timers, index, slot);
	else
		heap_sink(timers, index, slot);
}

static void
heap_add(struct timers *timers, struct timer_slot slot)
{
	if (timers->count == timers->capacity) {
		timers->capacity = timers->capacity ? 2 * timers->capacity : TIMERS_LEAST;
		timers->heap = memory_resize(timers->heap, timers->capacity *
							       sizeof(struct timer_slot));
	}
	heap_rise(timers, timers->count++, slot);
}

static void
on_loop_run(void *owner)
{
	timers_run(owner);
}

static uint64_t
on_loop_wait(void *owner)
{
	struct timers *timers = owner;
	uint64_t now_ms;
	uint64_t wait_ms;

	if (timers->count == 0)
		return LOOP_FOREVER;
	now_ms = clock_ms();
	if (timers->heap[0].due_ms <= now_ms)
		return 0;
	wait_ms = timers->heap[0].due_ms - now_ms;
	return wait_ms < timers->longest_wait_ms ? wait_ms : timers->longest_wait_ms;
}

static const struct loop_timeouts timers_timeouts = {
	.run = on_loop_run,
	.wait_ms = on_loop_wait,
};

struct timers *
timers_new(struct loop *loop)
{
	struct timers *timers = NEW(struct timers);

	timers->loop = loop;
	timers->longest_wait_ms = LOOP_FOREVER;
	loop_set_timeouts(loop, &timers_timeouts, timers);
	return timers;
}

void
timers_free(struct timers **timers)
{
	if (*timers == NULL)
		return;
	for (uint32_t i = 0; i < (*timers)->count; i++)
		(*timers)->heap[i].timer->position = 0;
	loop_set_timeouts((*timers)->loop, NULL, NULL);
	memory_free((*timers)->heap);
	memory_free(*timers);
	*timers = NULL;
}

void
timer_start(struct timers *timers, struct timer *timer, uint64_t delay_ms,
	    void (*on_fire)(struct timer *timer, void *parameter), void *parameter)
{
	timer->on_fire = on_fire;
	timer->parameter = parameter;
	timer_move(timers, timer, delay_ms);
}

void
timer_move(struct timers *timers, struct timer *timer, uint64_t delay_ms)
{
	uint64_t now_ms = clock_ms();
	struct timer_slot slot = { .order = timers->next_order++, .timer = timer };

	ensure(timer->on_fire != NULL);
	slot.due_ms = delay_ms < UINT64_MAX - now_ms ? now_ms + delay_ms : UINT64_MAX;
	timer->due_ms = slot.due_ms;
	if (timer->position == 0)
		heap_add(timers, slot);
	else
		heap_settle(timers, timer->position - 1, slot);
}

void
timer_stop(struct timers *timers, struct timer *timer)
{
	uint32_t index;

	if (timer->position == 0)
		return;
	index = timer->position - 1;
	timer->position = 0;
	timers->count--;
	if (index < timers->count)
		heap_settle(timers, index, timers->heap[timers->count]);
}

void
timers_watch_clock(struct timers *timers, uint64_t every_ms)
{
	timers->longest_wait_ms = every_ms == 0 ? LOOP_FOREVER : every_ms;
}

void
timers_run(struct timers *timers)
{
	uint64_t first_new = timers->next_order;
	uint64_t now_ms;

	if (timers->count == 0)
		return;
	/*
	 * The clock never goes back, so what is armed from here on sorts behind all that
	 * is due now, and the first of it ends the turn.
	 */
	now_ms = clock_ms();
	while (timers->count > 0 && timers->heap[0].due_ms <= now_ms &&
	       timers->heap[0].order < first_new) {
		struct timer *timer = timers->heap[0].timer;

		timer_stop(timers, timer);
		timer->on_fire(timer, timer->parameter);
	}
}

uint32_t
timers_count(const struct timers *timers)
{
	return timers->count;
}
