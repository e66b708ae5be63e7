/* fence.h -- stanzas that killed a worker: who sends one again is refused, and the next worker lives. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/shm.h"

/* A worker notes what it handles, by a number that names the stanza's content; 0: nothing. */
void	fence_enter(struct shm *shm, uint64_t stanza);
void	fence_leave(struct shm *shm);

/* The number is among those that worker processes died of, FENCED_MAX at most: the oldest is forgotten for a new one. */
bool	fence_is_closed(const struct shm *shm, uint64_t stanza);

/*
 * The master's, of a process that crashed or was ended because it hung, before it is reaped: fences what it handled. The
 * number, 0 where it was handling nothing.
 */
uint64_t fence_close(struct shm *shm, uint32_t process);
