/* effect.h -- what one stanza does to the shared memory, written down before its first step. */
#pragma once

/*
 * A worker's replacement finishes what it had begun: each step happens exactly once, or none did.
 */

#include "shm/outbox.h"
#include "shm/store.h"

/*
 * Draft: origin is the session that sent the stanza (slot UINT32_MAX: the server itself), stanza its
 * number. finishes: h_in of the origin becomes that number when all steps are done.
 */
void	effect_draft(struct shm *shm, struct slot_ref origin, uint64_t stanza, bool finishes);

/* The draft may take the last blocks, which are kept for it: it tells somebody that there was no memory. */
void	effect_take_rest(struct shm *shm);

/* The draft does not finish its stanza after all: a later one will. */
void	effect_leaves_open(struct shm *shm);

/*
 * Room for bytes of payload, at the end of what was staged; RESULT_FULL past EFFECT_STAGING_MAX or when
 * tmpfs is full. *offset names them in pieces. Valid until the next effect_stage().
 */
int	effect_stage(struct shm *shm, uint32_t size, char **memory, uint32_t *offset);

/* Gives unused bytes at the end of the last effect_stage() back. */
void	effect_stage_cut(struct shm *shm, uint32_t offset, uint32_t used);

/* An append of the pieces, in order, to one session. RESULT_FULL past EFFECT_STEPS_MAX, or
 * where the pieces together are longer than EFFECT_STAGING_MAX. */
int	effect_add(struct shm *shm, struct slot_ref target, enum entry_kind kind, uint8_t flags,
	    const struct effect_piece *pieces, int count);

/*
 * Of the step added last: with its append the session has been told all up to that version of its roster
 * (STEP_TELLS_ALL), or the next one after what it knows, without which nothing is appended (STEP_TELLS_NEXT). So
 * however many workers tell one session of versions, it hears each once, in their order. STEP_TELLS_STORED: told is the
 * number that a message has in the queue it was kept in; outbox_stored() finds it.
 */
void	effect_tells(struct shm *shm, enum step_tells tells, uint64_t told);

/*
 * A request to a store, staged whole as the ring is to have it (store_draft() makes it), pushed behind all that this worker
 * has pushed; later: nobody waits for it. RESULT_FULL: the ring has no room for it. Of those drafted, in their order,
 * effect_asked() tells the numbers once the effect has run.
 */
int	effect_ask(struct shm *shm, enum store_kind kind, bool later, struct effect_piece record);
int	effect_open_ring(struct shm *shm, enum store_kind kind);	/* before the process closes itself in */
uint64_t effect_asked(const struct shm *shm, uint32_t ask);

/*
 * Does it. RESULT_FULL: no memory for it, nothing has happened. Otherwise all of it happened: returns
 * the number of steps whose target had ended meanwhile (effect_is_gone() tells which, by their order
 * in this draft). With such steps h_in did not move and the effect goes on standing: the caller routes them
 * anew, drafting for the same stanza number, and both together count as one. A draft for another stanza,
 * and a death, drop them.
 * Marks the targets dirty; wake_flush() tells their workers.
 */
int	effect_run(struct shm *shm);
bool	effect_is_gone(const struct shm *shm, uint32_t step);

/* The replacement's half: finishes the effect that stands in this worker's record. Returns steps done. */
int	effect_finish(struct shm *shm);

/* Called with the slot locked by one who took the lock from the dead: settles the last append. */
void	effect_settle(struct shm *shm, uint32_t slot);
