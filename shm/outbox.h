/* outbox.h -- the stanzas on their way to one session: appended by any worker, read and given back by the owner. */
#pragma once

#include "shm/shm.h"

enum entry_kind { ENTRY_MESSAGE = 1, ENTRY_PRESENCE, ENTRY_IQ };

/* Where a reader stands: the next byte to read. Zeroed: before anything. */
struct outbox_cursor {
	uint64_t number;	/* entry being read, or the next to come */
	uint64_t place;		/* of its header; 0: not known yet */
	uint32_t offset;	/* payload bytes of it read already */
	uint64_t octets;	/* payload bytes of the entries before it, from outbox_start() on */
	uint64_t stored;	/* the newest of those that stands in a store's queue as well; 0: none */
};

/* Stands at the first entry not given back. Owner only, as all below but the counts. */
void	outbox_start(struct shm *shm, struct slot_ref ref, struct outbox_cursor *cursor);

/*
 * Copies payload bytes, entry after entry, until size is used or nothing is left; the cursor moves.
 * stop_at 0, or the number of the last entry to be read.
 */
size_t	outbox_read(struct shm *shm, struct slot_ref ref, struct outbox_cursor *cursor, char *out,
	    size_t size, uint64_t stop_at);

/* The header of the entry the cursor stands at; false when there is none yet. */
bool	outbox_peek(struct shm *shm, struct slot_ref ref, struct outbox_cursor *cursor,
	    struct entry *entry);

/* To the next entry, whatever was read of this one; false when there is none yet. */
bool	outbox_step(struct shm *shm, struct slot_ref ref, struct outbox_cursor *cursor);

/* The entry the cursor stands at is never read: none of its bytes may have been. Whoever reads after a death knows it too. */
void	outbox_pass_over(struct shm *shm, struct slot_ref ref, struct outbox_cursor *cursor);

/* Passes over bytes without copying. */
void	outbox_skip(struct shm *shm, struct slot_ref ref, struct outbox_cursor *cursor, size_t bytes);

/* Entries up to `number` are no longer needed. RESULT_INVALID: beyond what was appended. */
int	outbox_give(struct shm *shm, struct slot_ref ref, uint64_t number);

/*
 * The same for entries before a cursor that has come to the end of one of them; their bytes are told. Nobody walks,
 * unless some were passed over.
 */
int	outbox_give_before(struct shm *shm, struct slot_ref ref, const struct outbox_cursor *cursor,
	    uint64_t octets);

/* Entries passed over ever, among those up to number. */
uint64_t outbox_passed(struct shm *shm, struct slot_ref ref, uint64_t number);

/*
 * The entry that is the count-th behind entry `after` (at least all that were given back), not counting those passed
 * over; false where there are not so many up to entry `last`. count 0: `after` itself.
 */
bool	outbox_count(struct shm *shm, struct slot_ref ref, uint64_t after, uint64_t count,
	    uint64_t last, uint64_t *number);

/* The newest entry up to `last` that stands in a store's queue as well, and its number there; false when there is none. */
bool	outbox_stored(struct shm *shm, struct slot_ref ref, uint64_t last, uint64_t *number,
	    uint64_t *stored);

/* Any process: entries and bytes appended and not given back. */
uint64_t outbox_entries(const struct slot *slot);
uint64_t outbox_bytes(const struct slot *slot);

/* Appends under the slot's lock; used by effects alone. Blocks were reserved. False: the outbox is broken, and was left so. */
struct effect_step;
bool	outbox_append(struct shm *shm, uint32_t slot, const struct effect_step *step,
	    const char *staging, uint64_t origin);

/* Sets the counts of bytes right, under the lock taken over from the dead. */
void	outbox_recount(struct shm *shm, uint32_t slot);

/* Blocks an entry of that many payload bytes may need at most. */
uint32_t outbox_blocks(uint32_t length);
