/* lmdb_guard.h -- who may open an environment when: one opener at a time, once a process. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * Held while its environment is open. The file stays open, so that its inode names this
 * directory for as long as the process remembers it.
 */
struct env_guard {
	int   fd;
	pid_t pid;
	int   place;		/* in the table of this process */
};

/* The process that runs now; costs no system call. */
pid_t	env_guard_pid(void);

/* Opens directory/open.lock. Aborts when this process has the same directory open already. */
int	env_guard_init(struct env_guard *guard, const char *directory);
void	env_guard_clear(struct env_guard *guard);

/* Between these no other process opens or closes this environment. */
void	env_guard_lock(struct env_guard *guard);
void	env_guard_unlock(struct env_guard *guard);
