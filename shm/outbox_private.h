/* outbox_private.h -- what those who append to an outbox, read it and give back share: one way along its chain. */
#pragma once

#include "shm/blocks.h"
#include "shm/outbox.h"
#include "shm/outbox_place.h"

static inline uint8_t *
outbox_bytes_at(const struct shm *shm, struct spot spot)
{
	return block_at(shm, spot.block - 1)->bytes + spot.offset;
}

/* Says so in the log. Always false. */
bool	outbox_corrupt(uint32_t slot, uint64_t number, const char *what);

/* Moves the spot of a header to where it is: without room for one, to the next block. False: the chain ends before. */
bool	outbox_settle(struct shm *shm, struct spot *spot);

/* Of the entry the cursor stands at, and the spot of it. False: it cannot be. */
bool	outbox_read_header(struct shm *shm, uint32_t slot, struct outbox_cursor *cursor,
	    struct entry *entry, struct spot *spot);

/* At the first entry that was not given back. */
struct outbox_cursor outbox_head(const struct slot *slot);

/* What a walk over entries adds up. */
struct outbox_tally {
	uint64_t octets;
	uint64_t passed;	/* entries passed over */
};

/* From the cursor past entry `number`; its end is where the next one begins, if there is one. False: the chain is broken. */
bool	outbox_walk(struct shm *shm, uint32_t slot, struct outbox_cursor *cursor, uint64_t number,
	    struct outbox_tally *tally);

/* Entries passed over: of those that were given back, and of those that stand, up to number. */
uint64_t outbox_passed_given(const struct slot *slot);
uint64_t outbox_passed_standing(struct shm *shm, uint32_t slot, uint64_t number);
