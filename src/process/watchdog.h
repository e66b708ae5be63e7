/* watchdog.h -- which process has stood still for too long, and which of them is the cause. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define WATCHDOG_PERIOD_MS	 10000
#define WATCHDOG_STORE_PERIOD_MS 60000	/* a disk may take its time for one fsync */

/* Zeroed: nothing known. */
struct watchdog {
	uint64_t period_ms;	/* 0: not watched */
	uint64_t heartbeat_ms;	/* last seen */
	uint64_t still_ms;	/* time the master itself ran since it was seen to move */
	uint64_t lock_since_ms;	/* 0: holds no lock */
	bool	 waits;		/* to write in an environment, or to open it */
};

/*
 * Adds ran_ms, the time that passed since the last call, to all whose heartbeat stands; a long gap
 * (the master was stopped, or the machine slept) counts as little. Then marks in `end` who is to be
 * ended: of those whose period is over, or will be in a moment, the one that has held a lock for longest, and then the
 * others get a fresh period, for they may only have waited for it; all of them when none holds a lock. Returns how many.
 */
int	watchdog_turn(struct watchdog *all, bool *end, int count, uint64_t ran_ms);

/* True: the next turn may end somebody. So it is worth asking who holds what. */
bool	watchdog_is_due(const struct watchdog *all, int count, uint64_t ran_ms);

/*
 * True: the next turn will end somebody, all of them wait for a lock, and nobody holds one. Once that is chance, for who has
 * just got a lock does not say so yet; their replacements do the same where the lock is broken.
 */
bool	watchdog_waits_for_nobody(const struct watchdog *all, int count, uint64_t ran_ms);

/* What the page says now. */
void	watchdog_hear(struct watchdog *watchdog, uint64_t heartbeat_ms, uint64_t lock_since_ms);
