/* watchdog.c -- which process has stood still for too long, and which of them is the cause. */
#include "process/watchdog.h"

/* Longer than this between two turns, and the master was not running itself. */
#define RAN_MOST_MS 1000

/* Who waits may have beaten last before the one it waits for did: by so much it is over earlier. */
#define BEATS_APART_MS 1000

static bool
is_over_in(const struct watchdog *watchdog, uint64_t ms)
{
	return watchdog->period_ms != 0 && watchdog->still_ms + ms >= watchdog->period_ms;
}

static bool
is_over(const struct watchdog *watchdog)
{
	return is_over_in(watchdog, 0);
}

/* Its index, or -1. */
static int
oldest_holder(const struct watchdog *all, int count)
{
	int found = -1;

	for (int i = 0; i < count; i++) {
		if (!is_over_in(&all[i], BEATS_APART_MS) || all[i].lock_since_ms == 0)
			continue;
		if (found < 0 || all[i].lock_since_ms < all[found].lock_since_ms)
			found = i;
	}
	return found;
}

void
watchdog_hear(struct watchdog *watchdog, uint64_t heartbeat_ms, uint64_t lock_since_ms)
{
	if (watchdog->heartbeat_ms != heartbeat_ms)
		watchdog->still_ms = 0;
	watchdog->heartbeat_ms = heartbeat_ms;
	watchdog->lock_since_ms = lock_since_ms;
}

bool
watchdog_is_due(const struct watchdog *all, int count, uint64_t ran_ms)
{
	for (int i = 0; i < count; i++)
		if (is_over_in(&all[i], ran_ms))
			return true;
	return false;
}

bool
watchdog_waits_for_nobody(const struct watchdog *all, int count, uint64_t ran_ms)
{
	for (int i = 0; i < count; i++) {
		bool holds = all[i].period_ms != 0 && all[i].lock_since_ms != 0;

		if (holds || (is_over_in(&all[i], ran_ms) && !all[i].waits))
			return false;
	}
	return watchdog_is_due(all, count, ran_ms);
}

int
watchdog_turn(struct watchdog *all, bool *end, int count, uint64_t ran_ms)
{
	int holder, ended = 0;

	if (ran_ms > RAN_MOST_MS)
		ran_ms = RAN_MOST_MS;
	for (int i = 0; i < count; i++)
		if (all[i].period_ms != 0)
			all[i].still_ms += ran_ms;
	holder = oldest_holder(all, count);
	for (int i = 0; i < count; i++) {
		end[i] = is_over(&all[i]) && (holder < 0 || holder == i);
		if (end[i])
			ended++;
	}
	if (ended > 0)
		for (int i = 0; i < count; i++)
			all[i].still_ms = 0;
	return ended;
}
