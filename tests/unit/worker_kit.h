/* worker_kit.h -- for tests: a whole worker in this process, its loop taken turn by turn. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "session/session.h"
#include "shm/counters.h"
#include "stream/server.h"

#define WORKER_SESSIONS 64
#define WORKER_PASSWORD "secret"

/* What a test may change; all zero is one worker, host "localhost" in clear. */
struct worker_options {
	const char  *config;		/* text of a rookery.conf */
	uint32_t     workers;
	uint32_t     sessions;		/* at most WORKER_SESSIONS */
	uint64_t     arena_bytes;
	struct slice chain_pem, key_pem;	/* of the first host */
	bool	     has_limits;	/* rates and counts of addresses and accounts are as the config says */
	bool	     has_msg;		/* a store of messages, too: core_begin() serves both */
};

/* Uses ensure() alone, so that fuzz targets can have it too. */
struct worker {
	struct server server;		/* number 0 */
	char	      runtime_dir[64];
	char	      data_dir[64];
	int	      log;		/* what was logged since worker_begin() */
	int	      wake_fd;
	bool	      has_limits;
	uint32_t      own_timers;	/* of features, which run for ever */
	bool	    (*is_there)(void *owner);	/* of worker_wait() */
	void	     *is_there_owner;
	uint32_t      known[WORKER_SESSIONS];	/* epochs of slots that callers have */
};

/* Accounts romeo, juliet, nurse and tybalt at localhost; all directories below /dev/shm. */
void	worker_begin(struct worker *worker, const struct worker_options *options);

/* Ends what is left, checks that nothing stays behind, removes the directories. */
void	worker_end(struct worker *worker);

/* Iterations of the loop that do not sleep; settle: as many as any exchange of a few stanzas needs. */
void	worker_turns(struct worker *worker, int count);
void	worker_settle(struct worker *worker);

/* Runs the loop, asleep between events, until it is there. */
void	worker_wait(struct worker *worker, bool (*is_there)(void *owner), void *owner);

/* Moves the clock and fires what is due. */
void	worker_pass(struct worker *worker, uint64_t ms);

/* No slot, no block of any arena, no timer but those of features is in use. */
bool	worker_is_clean(struct worker *worker);

bool	worker_logged(struct worker *worker, const char *text);
uint64_t worker_counter(struct worker *worker, enum counter counter);

/* Another configuration from the next turn on, as a reload gives it. */
void	worker_reload(struct worker *worker, const char *config);
