/* kill_play.h -- one run of the kill test: its processes, their deaths, and what the memory must be in between. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "kill_board.h"

struct master {
	struct play play;
	pid_t	    worker[WORKERS];
	pid_t	    auditor;
	uint64_t    kills;
	uint64_t    stops;
	uint64_t    dice;
	bool	    given_up;	/* something that must happen did not: no use to go on */
};

/* Makes memory, sessions, workers and auditor; ends and removes them. */
void	play_begin(struct master *master, enum broken broken);
void	play_end(struct master *master);

/* Looks for the dead without waiting, seats replacements; true when somebody had died. */
bool	play_reap(struct master *master);
void	play_kill(struct master *master, uint32_t worker);

/* Dies, or stops, at the given passage of a step, whoever comes there first. */
void	play_arm(struct master *master, uint32_t step, uint32_t passage, int signal);
void	play_disarm(struct master *master);

/* False when the condition does not hold and nobody is going to change that; meanwhile the dead are replaced. */
bool	play_wait(struct master *master, bool (*condition)(struct master *master));

/* Stops production, looks at everything that must be true then, and starts it again. */
void	play_settle(struct master *master);

/* Stops a worker that holds a lock: nobody may take it, however long it lasts. */
void	play_stop_holder(struct master *master, const char *step);

uint64_t play_faults(const struct master *master);
uint64_t play_passes(const struct master *master, const char *step);
