/* supervise_private.h -- what the two files of supervision share. */
#pragma once

#include "process/supervise.h"

static inline bool
supervise_is_living(const struct process *process)
{
	return process->state == PROCESS_STARTING || process->state == PROCESS_RUNNING;
}

/* supervise.c */

/* Forks it; where that fails, it waits for another try. */
void	supervise_seat(struct supervisor *supervisor, struct process *process);
void	supervise_wait(struct process *process, uint64_t due_ms);

/* supervise_death.c */

void	supervise_forget_socket(struct process *process);
void	supervise_on_death(void *owner, int pidfd);

/* A store has cleared what the process of the number in the talk left. */
void	supervise_checked(struct supervisor *supervisor, const struct process *store,
	    const struct talk *talk);

/* Takes the dead one's status, frees its number, and seats the replacement or lets it wait. */
void	supervise_reap(struct supervisor *supervisor, struct process *process);

/* The watchdog's turn. */
void	supervise_heartbeats(struct supervisor *supervisor, uint64_t now);
