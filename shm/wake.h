/* wake.h -- dirty bits and eventfds: how a worker learns that a session of its own has news. */
#pragma once

#include "shm/shm.h"

/* The slot has news for its owner. */
void	wake_mark(struct shm *shm, uint32_t slot);

/* Writes the eventfd of each sleeping worker that got bits since the last call: one a loop iteration. */
void	wake_flush(struct shm *shm);

/* Before sleeping: false when there is work already, and then this worker does not count as asleep. */
bool	wake_sleep(struct shm *shm);
void	wake_awake(struct shm *shm);	/* after it has slept; does not read the eventfd */
void	wake_drain_fd(int fd);		/* reads an eventfd */

/* Calls back for each dirty slot that is mine, passes on the others; returns how many. */
int	wake_take(struct shm *shm, void (*each)(void *owner, uint32_t slot), void *owner);

/* Writes every worker's eventfd: after a death. */
void	wake_all(struct shm *shm);
