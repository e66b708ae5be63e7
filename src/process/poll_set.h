/* poll_set.h -- what the master waits for in one turn: descriptors and the nearest deadline. */
#pragma once

#include <poll.h>
#include <stdint.h>

#define POLL_SET_MAX 256

typedef void poll_fn(void *owner, int fd);

/* Filled anew before each wait, so that nothing has to be taken out of it. */
struct poll_set {
	struct pollfd fds[POLL_SET_MAX];
	poll_fn	     *on_ready[POLL_SET_MAX];
	void	     *owner[POLL_SET_MAX];
	int	      count;
	uint64_t      due_ms;	/* heartbeat_now_ms() */
};

void	poll_set_reset(struct poll_set *set, uint64_t due_ms);

/* events: POLLIN, POLLOUT. on_ready may find nothing to do: another one may have been faster. */
void	poll_set_add(struct poll_set *set, int fd, short events, poll_fn *on_ready, void *owner);
void	poll_set_due(struct poll_set *set, uint64_t due_ms);

/* Waits, then calls back for each that is ready. */
void	poll_set_wait(struct poll_set *set);
