/* supervise.h -- the master's processes: seated, watched, buried and seated again. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "process/child.h"
#include "process/poll_set.h"
#include "process/seats.h"
#include "process/watchdog.h"
#include "shm/layout.h"

struct estate_process;
struct shm;
struct supervisor;

enum process_state {
	PROCESS_NONE,		/* not started yet, or for good */
	PROCESS_STARTING,	/* has not said that it is ready */
	PROCESS_RUNNING,
	PROCESS_DEAD,		/* not reaped: stores clear what it left */
	PROCESS_WAITING,	/* its replacement waits for due_ms */
};

struct process {
	struct child	   child;
	enum process_state state;
	pid_t		   pid;
	int		   pidfd;
	int		   socket;	/* our end */
	uint64_t	   started_ms;
	uint64_t	   due_ms;	/* DEAD: reaped then at the latest; WAITING: started then; a leaver: killed then */
	uint32_t	   checks;	/* DEAD: bits of stores that have not answered */
	uint32_t	   restarts;
	unsigned	   young;	/* deaths in a row soon after the start */
	bool		   is_pending;	/* was sent an image and has not applied it */
	bool		   is_hung;	/* ended by the watchdog */
	enum seat_role	   role;	/* of a worker's seat */
	bool		   is_asked;	/* of an orphan: who serves was told to adopt it; of a store: to stop, for another one */
	bool		   is_foreign;	/* of another binary than this one */
};

struct supervisor_events {
	/* The first word of a process; what it says otherwise is handled here. */
	void (*on_ready)(void *owner, struct process *process);
	/* A process that had an image to apply has applied it, or died: its replacement begins with it. */
	void (*on_applied)(void *owner);
	/*
	 * It ended and was reaped. Returns whether there is to be a replacement: not while the server stops,
	 * nor when it failed to start for the first time.
	 */
	bool (*on_end)(void *owner, struct process *process, int status);
	/* This one waited for a lock that nobody holds, and then its replacement did, or another one; or LMDB named it broken. */
	void (*on_broken_lock)(void *owner, const struct process *process, enum write_lock lock);
};

struct supervisor {
	struct process		       process[PROCESSES_MAX];
	uint32_t		       count;	/* seats, then stores: by their page number */
	uint32_t		       seats;	/* of workers: two for each */
	uint32_t		       workers;
	struct shm		      *shm;
	struct inheritance	      *inheritance;
	struct watchdog		       watchdog[PROCESSES_MAX];
	uint64_t		       watched_ms;
	uint64_t		       waited_ms;	/* when the watchdog last ended only those who waited for nobody */
	const struct process	      *waiter;		/* one of them, and for what; NULL: none has said it */
	enum write_lock		       waits_for;
	const struct supervisor_events *events;
	void			      *owner;
	void (*on_fork)(void *owner);	/* in the child: gives up what is the master's */
};

/* is_taken: the memory had another master before. */
void	supervise_init(struct supervisor *supervisor, struct shm *shm, bool is_taken,
	    struct inheritance *inheritance, const struct supervisor_events *events,
	    void (*on_fork)(void *owner), void *owner);

void	supervise_start_stores(struct supervisor *supervisor);
void	supervise_start_workers(struct supervisor *supervisor);

/* Of a child: so that another binary takes it over; and there. It stays the child of the same process. */
void	supervise_hand_over(const struct supervisor *supervisor, uint32_t number,
	    struct estate_process *out);
void	supervise_take(struct supervisor *supervisor, const struct estate_process *from,
	    bool is_foreign);

/* Descriptors and deadlines of this turn, and what is due in it. */
void	supervise_watch(struct supervisor *supervisor, struct poll_set *set);
void	supervise_turn(struct supervisor *supervisor);

/* To all of a kind (0: to all) that live; marks those that are to apply an image. */
void	supervise_tell(struct supervisor *supervisor, enum process_kind kind,
	    enum talk_verb verb, int fd);
void	supervise_kill(struct supervisor *supervisor, enum process_kind kind);

/* Whether one is dead and not reaped yet. */
bool	supervise_has_dead(const struct supervisor *supervisor);

/* How many of a kind (0: of all) live, or are to come back; are ready; have an image to apply. */
uint32_t supervise_living(const struct supervisor *supervisor, enum process_kind kind);
uint32_t supervise_ready(const struct supervisor *supervisor, enum process_kind kind);
uint32_t supervise_pending(const struct supervisor *supervisor);

const char *supervise_state_text(const struct process *process);
