/* storm.h -- kill -9 of a worker under its clients, which come back all at once and resume. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "tests/bench/login.h"

struct storm_figures {
	unsigned lost;		/* connections that went with it */
	unsigned resumed;
	uint64_t first_ns;	/* from the kill until the first of them had resumed */
	uint64_t last_ns;
};

/* Peers are logged in and managed. False: not all that were lost have resumed. */
bool	storm_run(const struct login_options *options, pid_t worker, struct storm_figures *figures);

/* The connection of a peer is gone, and closed here. */
void	storm_on_lost(struct peer *peer);
