/* ring.h -- records from one process to one other: a circle of bytes with one writer and one reader. */
#pragma once

#include "base/slice.h"
#include "shm/shm.h"

/*
 * Made once by the master; both ends survive their processes: what was pushed and not taken is found by the
 * replacement. A record is at most half the ring.
 */
struct ring;

int	ring_create(struct shm *shm, uint32_t number, uint32_t bytes);
int	ring_attach(struct shm *shm, uint32_t number, struct ring **ring);
void	ring_detach(struct ring **ring);

/*
 * Writer. RESULT_FULL: no room now; nothing happened. RESULT_INVALID: more than half the ring. RESULT_CORRUPT:
 * somebody scribbled on it. Wakes the reader (wake_fd) if it sleeps.
 */
int	ring_push(struct ring *ring, struct slice head, struct slice body);
/* The same of what nobody waits for: a reader that gathers is left asleep, until a quarter of the ring is full. */
int	ring_push_later(struct ring *ring, struct slice head, struct slice body);
/* A push in two halves, for several records and one waking. */
int	ring_put(struct ring *ring, struct slice head, struct slice body);
void	ring_tell(struct ring *ring);
/* Somebody waits for all that was pushed. */
void	ring_hurry(struct ring *ring);
size_t	ring_room(const struct ring *ring);	/* bytes of a record that would fit now */
bool	ring_has_room(const struct ring *ring, uint32_t count, size_t bytes);	/* for so many records of together so many bytes */
uint32_t ring_fits(const struct ring *ring, size_t bytes);	/* records of that size that would fit now */
uint64_t ring_pushed(const struct ring *ring);	/* records ever pushed: the next record's number minus one */

/*
 * Numbers count records from 1 over the life of the ring, whoever pushes. A length that cannot be is never
 * followed: false, and a line in the log.
 *
 * Reader: the next record without taking it, then ring_drop(count) takes `count` from the front.
 */
bool	ring_peek(struct ring *ring, uint32_t skip, struct slice *record, uint64_t *number);
void	ring_drop(struct ring *ring, uint32_t count);
uint32_t ring_waiting(const struct ring *ring);

/*
 * The reader's eventfd, and whether it sleeps. A writer that takes over from a dead one writes the eventfd
 * once (ring_wake): its predecessor may have died between pushing and waking.
 */
void	ring_set_wake_fd(struct ring *ring, int fd);
bool	ring_sleep(struct ring *ring);		/* false: records wait */
/* To sleep for a while though records wait; false: somebody waits for one of them, or they are many. */
bool	ring_gather(struct ring *ring);
void	ring_awake(struct ring *ring);
void	ring_wake(struct ring *ring);
