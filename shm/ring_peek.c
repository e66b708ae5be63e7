/* ring_peek.c -- the reader of a ring: what it looks at and takes, and what it does not believe. */
#include "shm/ring_private.h"

#include <string.h>

/* The head of the record at *place, which moves past padding. NULL: none yet, or not to be believed. */
static const struct record_head *
find_record(struct ring *ring, uint64_t *place, uint64_t tail, uint64_t expected)
{
	for (;;) {
		const struct record_head *record = ring_record_at(ring, *place);
		struct record_head copy;

		if (*place == tail)
			return NULL;
		memcpy(&copy, record, sizeof(copy));
		if (copy.number != expected ||
		    (copy.kind != RING_RECORD && copy.kind != RING_PADDING)) {
			ring_say_corrupt(ring, "record");
			return NULL;
		}
		if (RING_UNIT + ring_round_up(copy.length) > tail - *place ||
		    RING_UNIT + ring_round_up(copy.length) > ring_bytes_to_end(ring, *place)) {
			ring_say_corrupt(ring, "length");
			return NULL;
		}
		if (copy.kind == RING_RECORD)
			return record;
		*place += RING_UNIT + ring_round_up(copy.length);
	}
}

/* Moves the reader's place to the record behind `count` ones; NULL where there are not so many. */
static const struct record_head *
go_to(struct ring *ring, uint32_t count)
{
	uint64_t tail = atomic_load_explicit(&ring->header->tail, memory_order_acquire);
	uint64_t head = atomic_load_explicit(&ring->header->head, memory_order_relaxed);
	uint64_t first;

	if (!ring_is_sane(ring, head, tail)) {
		ring_say_corrupt(ring, "counts");
		return NULL;
	}
	first = ring_record_at(ring, head)->number;
	if (ring->passed > count || ring->place - head > tail - head) {
		ring->passed = 0;
		ring->place = head;
	}
	for (;;) {
		uint64_t place = ring->place;
		const struct record_head *record = find_record(ring, &place, tail,
		    first + ring->passed);

		if (record == NULL)
			return NULL;
		ring->place = place;
		if (ring->passed == count)
			return record;
		ring->place += RING_UNIT + ring_round_up(record->length);
		ring->passed++;
	}
}

bool
ring_peek(struct ring *ring, uint32_t skip, struct slice *record, uint64_t *number)
{
	const struct record_head *found = go_to(ring, skip);
	uint32_t length;

	if (found == NULL)
		return false;
	/* Read once more than checked it might be another: what is handed out fits the ring. */
	length = found->length;
	if (RING_UNIT + (uint64_t)length > ring_bytes_to_end(ring, ring->place)) {
		ring_say_corrupt(ring, "length");
		return false;
	}
	*record = slice_of(found + 1, length);
	*number = found->number;
	return true;
}

void
ring_drop(struct ring *ring, uint32_t count)
{
	if (count == 0)
		return;
	if (go_to(ring, count - 1) == NULL) {
		ring_say_corrupt(ring, "dropped more than there is");
		return;
	}
	ring->place += RING_UNIT + ring_round_up(ring_record_at(ring, ring->place)->length);
	ring->passed = 0;
	SHM_STEP("ring: before drop");
	atomic_store_explicit(&ring->header->head, ring->place, memory_order_release);
	SHM_STEP("ring: dropped");
}

uint32_t
ring_waiting(const struct ring *ring)
{
	uint64_t tail = atomic_load_explicit(&ring->header->tail, memory_order_acquire);
	uint64_t head = atomic_load_explicit(&ring->header->head, memory_order_relaxed);

	if (!ring_is_sane(ring, head, tail))
		return 0;
	return (uint32_t)(ring_record_at(ring, tail)->number - ring_record_at(ring, head)->number);
}
