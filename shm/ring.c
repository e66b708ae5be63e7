/* ring.c -- records from one process to one other: a circle of bytes with one writer and one reader. */
#include "shm/ring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "shm/ring_record.h"

struct ring {
	struct segment	    segment;
	struct ring_header *header;
	char		   *bytes;
	uint64_t	    size;
	uint32_t	    number;
	int		    wake_fd;
	bool		    is_corrupt;		/* said so in the log */
	/* The reader's: where the record behind `passed` ones stands, as long as the head does not move. */
	uint64_t	    place;
	uint32_t	    passed;
};

static void
ring_name(uint32_t number, char *name, size_t size)
{
	snprintf(name, size, "ring.%u", number);
}

static struct segment_identity
identity_of(struct shm *shm, uint32_t number, uint64_t size)
{
	return (struct segment_identity){ .kind = SEGMENT_RING,
		.number = number,
		.unit = RING_UNIT,
		.size = size,
		.instance = shm->instance->header.instance };
}

/* Inside the ring whatever the place: whoever has not checked a count may look at it. */
static struct record_head *
record_at(const struct ring *ring, uint64_t place)
{
	return (struct record_head *)(void *)(ring->bytes + place % ring->size / RING_UNIT * RING_UNIT);
}

static uint64_t
round_up(uint64_t length)
{
	return (length + RING_UNIT - 1) / RING_UNIT * RING_UNIT;
}

static void
say_corrupt(struct ring *ring, const char *what)
{
	if (!ring->is_corrupt)
		log_error(LOG_SHM, "corrupt ring", "ring=%u wrong=%s", ring->number, what);
	ring->is_corrupt = true;
}

int
ring_create(struct shm *shm, uint32_t number, uint32_t bytes)
{
	uint64_t size = sizeof(struct ring_header) + ((uint64_t)bytes + 4095) / 4096 * 4096;
	struct segment_identity identity = identity_of(shm, number, size);
	struct segment segment;
	struct record_head *first;
	char name[32];
	int result;

	ensure(bytes > 0);
	ring_name(number, name, sizeof(name));
	result = segment_create(&segment, shm->directory, name, &identity, size);
	if (result != RESULT_OK)
		return result;
	first = (struct record_head *)(void *)((char *)segment.memory + sizeof(struct ring_header));
	first->number = 1;
	segment_detach(&segment);
	return RESULT_OK;
}

int
ring_attach(struct shm *shm, uint32_t number, struct ring **out)
{
	struct segment_identity identity = identity_of(shm, number, 0);
	struct ring *ring = NEW(struct ring);
	char name[32];
	int result;

	ring_name(number, name, sizeof(name));
	result = segment_attach(&ring->segment, shm->directory, name, &identity, false);
	if (result == RESULT_OK && (ring->segment.size <= sizeof(struct ring_header) ||
		ring->segment.size % 4096 != 0)) {
		segment_detach(&ring->segment);
		result = RESULT_LAYOUT;
	}
	if (result != RESULT_OK) {
		memory_free(ring);
		return result;
	}
	ring->header = ring->segment.memory;
	ring->bytes = (char *)ring->segment.memory + sizeof(struct ring_header);
	ring->size = ring->segment.size - sizeof(struct ring_header);
	ring->number = number;
	ring->wake_fd = -1;
	ring->place = atomic_load(&ring->header->head);
	*out = ring;
	return RESULT_OK;
}

void
ring_detach(struct ring **pointer)
{
	struct ring *ring = *pointer;

	if (ring == NULL)
		return;
	segment_detach(&ring->segment);
	memory_free(ring);
	*pointer = NULL;
}

void
ring_set_wake_fd(struct ring *ring, int fd)
{
	ring->wake_fd = fd;
}

/* Two counts that can belong to a ring of this size. */
static bool
are_sane(const struct ring *ring, uint64_t head, uint64_t tail)
{
	return head % RING_UNIT == 0 && tail % RING_UNIT == 0 && head <= tail &&
	    tail - head <= ring->size - RING_UNIT;
}

/* --- writer --- */

static void
write_wake_fd(struct ring *ring)
{
	uint64_t one = 1;

	if (ring->wake_fd >= 0 && write(ring->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_error(LOG_SHM, "cannot wake", "ring=%u reason=\"%s\"", ring->number,
		    strerror(errno));
}

/* So full that a reader which gathers had better begin. */
static bool
is_filling(const struct ring *ring)
{
	return atomic_load(&ring->header->tail) - atomic_load(&ring->header->head) >
	    ring->size / 4;
}

static void
wake_reader(struct ring *ring, bool is_awaited)
{
	uint32_t sleeping;

	/* The tail is visible before the flag is read; the reader does it the other way round. */
	atomic_thread_fence(memory_order_seq_cst);
	sleeping = atomic_load_explicit(&ring->header->sleeping, memory_order_relaxed);
	if (sleeping == RING_AWAKE ||
	    (sleeping == RING_GATHERS && !is_awaited && !is_filling(ring)) ||
	    atomic_exchange(&ring->header->sleeping, RING_AWAKE) == RING_AWAKE)
		return;
	SHM_STEP("ring: sleeper found");
	write_wake_fd(ring);
}

static uint64_t
bytes_to_end(const struct ring *ring, uint64_t place)
{
	return ring->size - place % ring->size;
}

/* Of a record of that many bytes: with its head, and with padding where it would span the end. */
static uint64_t
padding_for(const struct ring *ring, uint64_t tail, uint64_t needed)
{
	uint64_t left = bytes_to_end(ring, tail);

	return needed > left ? left : 0;
}

static void
write_record(struct ring *ring, uint64_t place, uint64_t number, struct slice head,
    struct slice body)
{
	struct record_head *record = record_at(ring, place);
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
	uint64_t needed = RING_UNIT + round_up((uint64_t)head.length + body.length);
	uint64_t padding, number;

	if (needed > ring->size / 2)
		return RESULT_INVALID;
	if (!are_sane(ring, front, tail)) {
		say_corrupt(ring, "counts");
		return RESULT_CORRUPT;
	}
	padding = padding_for(ring, tail, needed);
	/* Behind it stands the head of the record to come. */
	if (tail - front + padding + needed + RING_UNIT > ring->size)
		return RESULT_FULL;
	number = record_at(ring, tail)->number;
	if (padding > 0) {
		*record_at(ring, tail) = (struct record_head){
			.length = (uint32_t)(padding - RING_UNIT),
			.kind = RING_PADDING,
			.number = number,
		};
		SHM_STEP("ring: padded");
	}
	write_record(ring, tail + padding, number, head, body);
	record_at(ring, tail + padding + needed)->number = number + 1;
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

void
ring_tell(struct ring *ring)
{
	wake_reader(ring, true);
}

int
ring_push(struct ring *ring, struct slice head, struct slice body)
{
	int result = put(ring, head, body, true);

	if (result == RESULT_OK)
		wake_reader(ring, true);
	return result;
}

int
ring_push_later(struct ring *ring, struct slice head, struct slice body)
{
	int result = put(ring, head, body, false);

	if (result == RESULT_OK)
		wake_reader(ring, false);
	return result;
}

void
ring_hurry(struct ring *ring)
{
	atomic_store(&ring->header->awaited, ring_pushed(ring));
	wake_reader(ring, true);
}

size_t
ring_room(const struct ring *ring)
{
	uint64_t tail = atomic_load_explicit(&ring->header->tail, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&ring->header->head, memory_order_acquire);
	uint64_t most = ring->size / 2 - RING_UNIT;
	uint64_t left, end, here, wrapped;

	if (!are_sane(ring, head, tail))
		return 0;
	/* Room for head and bytes, the head behind them paid for. */
	left = ring->size - (tail - head) - RING_UNIT;
	end = bytes_to_end(ring, tail);
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
	uint64_t needed = RING_UNIT + round_up(bytes);
	uint64_t count;

	if (!are_sane(ring, head, tail))
		return 0;
	count = (ring->size - (tail - head) - RING_UNIT) / needed;
	return count > 0 ? (uint32_t)(count - 1) : 0;
}

uint64_t
ring_pushed(const struct ring *ring)
{
	uint64_t tail = atomic_load_explicit(&ring->header->tail, memory_order_acquire);

	return record_at(ring, tail)->number - 1;
}

/* --- reader --- */

/* The head of the record at *place, which moves past padding. NULL: none yet, or not to be believed. */
static const struct record_head *
find_record(struct ring *ring, uint64_t *place, uint64_t tail, uint64_t expected)
{
	for (;;) {
		const struct record_head *record = record_at(ring, *place);
		struct record_head copy;

		if (*place == tail)
			return NULL;
		memcpy(&copy, record, sizeof(copy));
		if (copy.number != expected ||
		    (copy.kind != RING_RECORD && copy.kind != RING_PADDING)) {
			say_corrupt(ring, "record");
			return NULL;
		}
		if (RING_UNIT + round_up(copy.length) > tail - *place ||
		    RING_UNIT + round_up(copy.length) > bytes_to_end(ring, *place)) {
			say_corrupt(ring, "length");
			return NULL;
		}
		if (copy.kind == RING_RECORD)
			return record;
		*place += RING_UNIT + round_up(copy.length);
	}
}

/* Moves the reader's place to the record behind `count` ones; NULL where there are not so many. */
static const struct record_head *
go_to(struct ring *ring, uint32_t count)
{
	uint64_t tail = atomic_load_explicit(&ring->header->tail, memory_order_acquire);
	uint64_t head = atomic_load_explicit(&ring->header->head, memory_order_relaxed);
	uint64_t first;

	if (!are_sane(ring, head, tail)) {
		say_corrupt(ring, "counts");
		return NULL;
	}
	first = record_at(ring, head)->number;
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
		ring->place += RING_UNIT + round_up(record->length);
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
	if (RING_UNIT + (uint64_t)length > bytes_to_end(ring, ring->place)) {
		say_corrupt(ring, "length");
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
		say_corrupt(ring, "dropped more than there is");
		return;
	}
	ring->place += RING_UNIT + round_up(record_at(ring, ring->place)->length);
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

	if (!are_sane(ring, head, tail))
		return 0;
	return (uint32_t)(record_at(ring, tail)->number - record_at(ring, head)->number);
}

bool
ring_sleep(struct ring *ring)
{
	struct ring_header *header = ring->header;

	atomic_store(&header->sleeping, RING_SLEEPS);
	if (atomic_load(&header->tail) == atomic_load(&header->head))
		return true;
	atomic_store(&header->sleeping, RING_AWAKE);
	return false;
}

/* Who died before its push has left a number in `awaited` that is not there yet. */
static bool
has_awaited(const struct ring *ring)
{
	uint64_t awaited = atomic_load(&ring->header->awaited);
	uint64_t head = atomic_load_explicit(&ring->header->head, memory_order_relaxed);

	return awaited >= record_at(ring, head)->number && awaited <= ring_pushed(ring);
}

bool
ring_gather(struct ring *ring)
{
	atomic_store(&ring->header->sleeping, RING_GATHERS);
	if (!has_awaited(ring) && !is_filling(ring))
		return true;
	atomic_store(&ring->header->sleeping, RING_AWAKE);
	return false;
}

void
ring_awake(struct ring *ring)
{
	if (atomic_load_explicit(&ring->header->sleeping, memory_order_relaxed) != RING_AWAKE)
		atomic_store(&ring->header->sleeping, RING_AWAKE);
}

void
ring_wake(struct ring *ring)
{
	atomic_store(&ring->header->sleeping, RING_AWAKE);
	write_wake_fd(ring);
}
