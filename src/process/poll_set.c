/* poll_set.c -- what the master waits for in one turn: descriptors and the nearest deadline. */
#include "process/poll_set.h"

#include "base/ensure.h"
#include "process/heartbeat.h"

void
poll_set_reset(struct poll_set *set, uint64_t due_ms)
{
	set->count = 0;
	set->due_ms = due_ms;
}

void
poll_set_add(struct poll_set *set, int fd, short events, poll_fn *on_ready, void *owner)
{
	ensure(set->count < POLL_SET_MAX);
	set->fds[set->count] = (struct pollfd){ .fd = fd, .events = events };
	set->on_ready[set->count] = on_ready;
	set->owner[set->count] = owner;
	set->count++;
}

void
poll_set_due(struct poll_set *set, uint64_t due_ms)
{
	if (due_ms < set->due_ms)
		set->due_ms = due_ms;
}

void
poll_set_wait(struct poll_set *set)
{
	uint64_t now = heartbeat_now_ms();
	int wait_ms = set->due_ms <= now ? 0 : (int)(set->due_ms - now);

	/* EINTR is a turn in which nothing was ready: signals come through a descriptor. */
	if (poll(set->fds, (nfds_t)set->count, wait_ms) <= 0)
		return;
	for (int i = 0; i < set->count; i++)
		if (set->fds[i].revents != 0)
			set->on_ready[i](set->owner[i], set->fds[i].fd);
}
