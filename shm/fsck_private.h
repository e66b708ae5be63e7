/* fsck_private.h -- what the files of the checker share. */
#pragma once

#include "shm/fsck.h"

#define FSCK_TRIES 100	/* of reading a moment in which nothing changes */

/* Somebody works with the memory. */
bool	fsck_is_in_use(const struct fsck *fsck);

/* A process that has died, or its replacement that has not finished what it found: what it holds is in motion. */
bool	fsck_is_recovering(const struct shm *shm, uint32_t process);

/* Some process gives blocks of that slot back, or died over it. */
bool	fsck_is_freeing(const struct shm *shm, uint32_t slot);

void	fsck_slots(struct fsck *fsck, const struct shm *shm);		/* with outboxes and arenas */
void	fsck_processes(struct fsck *fsck, const struct shm *shm);	/* with effects and dirty bits */
void	fsck_rings(struct fsck *fsck, const struct shm *shm);
