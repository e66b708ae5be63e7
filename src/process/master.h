/* master.h -- the only process that runs as root: sockets, memory, forks, signals, control. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "process/child.h"
#include "process/image.h"
#include "process/poll_set.h"
#include "process/supervise.h"
#include "process/upgrade.h"

struct control;
struct estate;
struct shm;
struct store_client;

struct arguments {
	const char *file;	/* absolute */
	bool	    is_daemon;
	bool	    test_clock;
	bool	    is_fresh;	/* what the server before left is not taken over */
	struct estate *estate;	/* of the binary that executed this one; NULL: none */
};

enum master_state {
	MASTER_START_STORES, MASTER_START_WORKERS, MASTER_READY, MASTER_STOP_WORKERS,
	MASTER_STOP_STORES, MASTER_END
};

struct master {
	const struct arguments *arguments;
	enum master_state	state;
	int			status;		/* to exit with */
	struct config	       *config;		/* the newest; options of a restart as they were at start */
	struct inheritance	inheritance;
	struct shm	       *shm;
	struct store_client    *core_client;	/* changes of accounts, for rookeryctl */
	struct supervisor	supervisor;
	struct control	       *control;
	struct image		image;		/* of a reload under way */
	bool			reload_again;	/* asked for while one was under way */
	bool			is_applying;	/* workers have an image to apply */
	uint64_t		apply_due_ms;	/* when the reload counts as done though not all have applied it */
	uint64_t		stop_due_ms;	/* those who live then are killed */
	uint64_t		rotate_due_ms;	/* ticket keys */
	uint64_t		watchdog_ms;	/* how often the service manager wants to hear; 0: never */
	uint64_t		watchdog_due_ms;
	int			signal_fd;
	int			pid_fd;
	int			trace_fd;	/* where lines of traces come from */
	bool			begins_anew;	/* all processes end, then start again */
	bool			is_anew;	/* they start again */
	bool			is_taken;	/* the memory had a master before */
	char			program[4096];	/* what an upgrade executes */
	struct upgrade		upgrade;
	struct poll_set		poll_set;
};

/* Runs the server until it is told to stop; returns an exit status of sysexits(3). */
int	master_run(const struct arguments *arguments);

/* From signals and the control socket. */
void	master_stop(struct master *master, int status, const char *why);
void	master_reopen_logs(struct master *master);

/* --- master_start.c --- */

/* Configuration, sockets, memory: all that comes before the first fork. 0, or an exit status; logged. */
int	master_prepare(struct master *master);

/* Steps of it that a master takes too which was executed in the place of another one: until the log, and the last. */
int	master_begin(struct master *master);
int	master_make_sandbox(struct master *master);

/* master_resume.c: all between, out of arguments->estate. */
int	master_resume(struct master *master);

/* Gives back everything and removes control socket and pid file; the memory stays. */
void	master_clear(struct master *master);

/* In a child: what is the master's alone. */
void	master_forget(void *owner);

/* --- reload.c --- */
void	reload_start(struct master *master);
void	reload_watch(struct master *master);
void	reload_turn(struct master *master);	/* what is due */
void	reload_on_applied(void *owner);
