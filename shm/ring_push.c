/* ring_push.c -- the writer of a ring: what it puts, and for how much there is room. */
#include "shm/ring_private.h"

#include <string.h>

#include "base/result.h"

/* Of a record of that many bytes: with its head, and with padding where it would span the end. */
static uint64_t
padding_for(const struct ring *ring, uint64_t tail, uint64_t needed)
{
	uint64_t left = ring_bytes_to_end(ring, tail);

	return needed > left ? left : 0;
}

static void
write_record(struct ring *ring, uint64_t place, uint64_t number, struct slice head,
    struct slice body)
{
	struct record_head *record = ring_record_at(ring, place);
	char *bytes = (char *)(record + 1);

	record->length = (uint32_t)(head.length + body.length);
	record->kind = RING_RECORD;
	record->number = number;
	if (head.length > 0)
		memcpy(bytes, head.data, head.length);
	if (body.length > 0)
		memcpy(bytes + head.length, body.data, body.length);
}

static int
put(struct ring *ring, struct slice head, struct slice body, bool is_awaited)
{
	uint64_t tail = atomic_load_explicit(&ring->header->tail, memory_order_relaxed);
	uint64_t front = atomic_load_explicit(&ring->header->head, memory_order_acquire);
	uint64_t needed = RING_UNIT + ring_round_up((uint64_t)head.length + body.length);
	uint64_t padding, number;

	if (needed > ring->size / 2)
		return RESULT_INVALID;
	if (!ring_is_sane(ring, front, tail)) {
		ring_say_corrupt(ring, "counts");
		return RESULT_CORRUPT;
	}
	padding = padding_for(ring, tail, needed);
	/* Behind it stands the head of the record to come. */
	if (tail - front + padding + needed + RING_UNIT > ring->size)
		return RESULT_FULL;
	number = ring_record_at(ring, tail)->number;
	if (padding > 0) {
		*ring_record_at(ring, tail) = (struct record_head){
			.length = (uint32_t)(padding - RING_UNIT),
			.kind = RING_PADDING,
			.number = number,
		};
		SHM_STEP("ring: padded");
	}
	write_record(ring, tail + padding, number, head, body);
	ring_record_at(ring, tail + padding + needed)->number = number + 1;
	SHM_STEP("ring: written");
	if (is_awaited)
		atomic_store_explicit(&ring->header->awaited, number, memory_order_relaxed);
	atomic_store_explicit(&ring->header->tail, tail + padding + needed, memory_order_release);
	SHM_STEP("ring: pushed");
	return RESULT_OK;
}

int
ring_put(struct ring *ring, struct slice head, struct slice body)
{
	return put(ring, head, body, true);
}

int
ring_push(struct ring *ring, struct slice head, struct slice body)
{
	int result = put(ring, head, body, true);

	if (result == RESULT_OK)
		ring_wake_reader(ring, true);
	return result;
}

int
ring_push_later(struct ring *ring, struct slice head, struct slice body)
{
	int result = put(ring, head, body, false);

	if (result == RESULT_OK)
		ring_wake_reader(ring, false);
	return result;
}

size_t
ring_room(const struct ring *ring)
{
	uint64_t tail = atomic_load_explicit(&ring->header->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&ring->header->head, memory_order_acquire);
	uint64_t most = ring->size / 2 - RING_UNIT;
	uint64_t left, end, here, wrapped;

	if (!ring_is_sane(ring, head, tail))
		return 0;
	/* Room for head and bytes, the head behind them paid for. */
	left = ring->size - (tail - head) - RING_UNIT;
	end = ring_bytes_to_end(ring, tail);
	here = left < end ? left : end;
	wrapped = left > end ? left - end : 0;
	left = here > wrapped ? here : wrapped;
	left = left > RING_UNIT ? left - RING_UNIT : 0;
	return left < most ? left : most;
}

/* Where one of all their bytes fits, they fit one after the other: what they leave unused at the end it would leave, too. */
bool
ring_has_room(const struct ring *ring, uint32_t count, size_t bytes)
{
	return bytes + (size_t)count * 2 * RING_UNIT <= ring_room(ring);
}

/* One less than the free bytes hold, for what the end of the ring may leave over. */
uint32_t
ring_fits(const struct ring *ring, size_t bytes)
{
	uint64_t tail = atomic_load_explicit(&ring->header->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&ring->header->head, memory_order_acquire);
	uint64_t needed = RING_UNIT + ring_round_up(bytes);
	uint64_t count;

	if (!ring_is_sane(ring, head, tail))
		return 0;
	count = (ring->size - (tail - head) - RING_UNIT) / needed;
	return count > 0 ? (uint32_t)(count - 1) : 0;
}

uint64_t
ring_pushed(const struct ring *ring)
{
	uint64_t tail = atomic_load_explicit(&ring->header->tail, memory_order_acquire);

	return ring_record_at(ring, tail)->number - 1;
}
