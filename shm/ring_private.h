/* ring_private.h -- a ring as its writer, its reader and their waking see it. */
#pragma once

#include "shm/ring.h"
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

/* Inside the ring whatever the place: whoever has not checked a count may look at it. */
static inline struct record_head *
ring_record_at(const struct ring *ring, uint64_t place)
{
	return (struct record_head *)(void *)(ring->bytes + place % ring->size / RING_UNIT * RING_UNIT);
}

static inline uint64_t
ring_round_up(uint64_t length)
{
	return (length + RING_UNIT - 1) / RING_UNIT * RING_UNIT;
}

static inline uint64_t
ring_bytes_to_end(const struct ring *ring, uint64_t place)
{
	return ring->size - place % ring->size;
}

/* Two counts that can belong to a ring of this size. */
static inline bool
ring_is_sane(const struct ring *ring, uint64_t head, uint64_t tail)
{
	return head % RING_UNIT == 0 && tail % RING_UNIT == 0 && head <= tail &&
	    tail - head <= ring->size - RING_UNIT;
}

/* Says so in the log, once. */
void	ring_say_corrupt(struct ring *ring, const char *what);

/* After the tail has moved. Who gathers goes on sleeping, unless somebody waits for the record or the ring is filling. */
void	ring_wake_reader(struct ring *ring, bool is_awaited);
