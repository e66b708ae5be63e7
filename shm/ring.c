/* ring.c -- records from one process to one other: a circle of bytes whose reader sleeps until its writer wakes it. */
#include "shm/ring_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"

void
ring_say_corrupt(struct ring *ring, const char *what)
{
	if (!ring->is_corrupt)
		log_error(LOG_SHM, "corrupt ring", "ring=%u wrong=%s", ring->number, what);
	ring->is_corrupt = true;
}

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

/* --- sleeping and waking --- */

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

void
ring_wake_reader(struct ring *ring, bool is_awaited)
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

void
ring_tell(struct ring *ring)
{
	ring_wake_reader(ring, true);
}

void
ring_hurry(struct ring *ring)
{
	atomic_store(&ring->header->awaited, ring_pushed(ring));
	ring_wake_reader(ring, true);
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

	return awaited >= ring_record_at(ring, head)->number && awaited <= ring_pushed(ring);
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
