/* kill_watch.h -- whether the processes of the kill test can still get anywhere, and where they are. */
#pragma once

#include <stdint.h>

#include "kill_play.h"

/*
 * No clock on the wall: a busy machine is no fault. Whoever waits for something is stuck
 * when everybody sleeps and nothing can wake them, or when they have used more processor
 * time than anything here needs.
 */
struct watch {
	uint64_t spent_at_start_ms;
	uint64_t switches[PROCESSES]; /* of each process, when it was last seen asleep */
	bool quiet;                   /* all were asleep then */
};

void watch_begin(struct watch *watch, const struct master *master);

/* To be asked again and again; the dead must have been replaced before. */
bool watch_is_stuck(struct watch *watch, struct master *master);

/* A line for each process and for each lock that is held: what they are at. */
void watch_describe(const struct master *master);
