/* child.h -- what the master hands to its children, and the first steps of each of them. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "process/listeners.h"
#include "process/privileges.h"
#include "process/talk.h"
#include "shm/layout.h"
#include "shm/store.h"

struct config;

/* Made before the first fork. A child owns its copy; the descriptors it does not need are closed by child_start(). */
struct inheritance {
	struct config *config;		/* the master's, for what only a restart changes */
	struct identity identity;
	struct listeners listeners;
	pid_t master;
	int image_fd;			/* the newest configuration */
	int log_fd;			/* or LOGS_SYSLOG */
	int lock_fd;			/* of the runtime directory: held until the last child is gone */
	int trace_fd;			/* where lines of traces go */
	int root_fd;			/* of sandbox_root(), or -1 */
	int wake_fd[WORKERS_MAX];	/* eventfds: dirty slots */
	int answer_fd[PROCESSES_MAX];	/* answers of stores */
	int request_fd[STORE_COUNT];	/* requests to stores */
};

/* The child's part of it. */
struct child {
	const struct inheritance *inheritance;
	enum process_kind kind;
	uint32_t number;	/* of its page */
	uint32_t index;		/* of the worker, or enum store_kind */
	int socket;		/* to the master: struct talk */
	char name[24];		/* "worker 3" */
};

/*
 * Signals, descriptors, rights, limits; from here on nothing of the master is left. Workers end with the
 * master at once (PR_SET_PDEATHSIG), stores see the end of their socket.
 */
void	child_start(const struct child *child);

/*
 * Everything is open: what is not needed any more is given up (sandbox.h). The thread pool starts in there, or NULL.
 */
void	child_enter_sandbox(const struct child *child, struct process_page *page,
	    void (*start_threads)(void *owner), void *owner);

/* Tells the master; where it is gone, so are we. */
void	child_tell(const struct child *child, enum talk_verb verb);

/* Without the handlers of exit(), which are the master's; leaks are looked for. */
_Noreturn void child_end(void);
