/* sandbox.h -- what a worker or a store can no longer do once everything is open. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum sandbox_role { SANDBOX_WORKER = 1 << 0, SANDBOX_STORE = 1 << 1 };

/*
 * Each wall stands by itself, so that a hole in one is not a way out. Builds with sanitizers leave SANDBOX_BUILD
 * away: their reports read /proc and start a symbolizer.
 */
enum sandbox_wall {
	SANDBOX_ROOT = 1 << 0,	/* the root is an empty directory without a name */
	SANDBOX_PATHS = 1 << 1,	/* Landlock: no path, no port, no abstract socket, no signal to others */
	SANDBOX_CALLS = 1 << 2,	/* seccomp: the system calls of sandbox_calls.c alone */
};

#ifdef ROOKERY_SANITIZERS
#define SANDBOX_BUILD 0
#else
#define SANDBOX_BUILD (SANDBOX_ROOT | SANDBOX_PATHS | SANDBOX_CALLS)
#endif

struct sandbox {
	enum sandbox_role role;
	unsigned	  walls;	/* enum sandbox_wall */
	int		  root_fd;	/* of sandbox_root(), closed here; -1: the root stays */
	_Atomic uint32_t *denied;	/* gets the number of a denied call, plus one, before it kills; or NULL */
	/* Threads that are to come: started here, behind all walls but the last, which stops new ones; or NULL. */
	void (*start_threads)(void *owner);
	void *owner;
};

/*
 * For good, for all threads. A call that is not on the list ends the process by SIGSYS, a few are refused instead, since
 * libraries try them and go on without. What the kernel lacks is passed over (sandbox_tell()).
 */
void	sandbox_enter(const struct sandbox *sandbox);

/* Root's: makes an empty directory under `directory`, opens it and takes its name away. -1: not root, or logged. */
int	sandbox_root(const char *directory);

/* The master's, once: one line that says which walls stand, and warns of those the kernel does not have. */
void	sandbox_tell(bool is_on, bool has_root);

/* The name of a system call, for the log; "?" where libseccomp does not know it. */
const char *sandbox_call_name(uint32_t call, char *out, unsigned size);
