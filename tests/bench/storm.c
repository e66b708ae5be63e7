/* storm.c -- kill -9 of a worker under its clients, which come back all at once and resume. */
#include "tests/bench/storm.h"

#include <signal.h>
#include <stdio.h>

#define MS	 UINT64_C(1000000)
#define STALL_NS (30000 * MS)
#define CALM_NS	 (300 * MS)	/* nobody else is lost any more */

static struct storm_figures *storm;
static bool has_failed;

void
storm_on_lost(struct peer *peer)
{
	if (storm == NULL)
		return;
	storm->lost++;
	if (!login_start(peer))
		has_failed = true;
}

bool
storm_run(const struct login_options *options, pid_t worker, struct storm_figures *figures)
{
	uint64_t start = peer_now_ns();
	uint64_t news = start;

	storm = figures;
	login_begin(options);
	if (kill(worker, SIGKILL) != 0) {
		perror("load: the worker to be killed");
		return false;
	}
	while (!has_failed && !login_has_failed() && peer_now_ns() - news < STALL_NS &&
	       (figures->lost == 0 || figures->resumed < figures->lost ||
		peer_now_ns() - news < CALM_NS)) {
		unsigned before = figures->resumed;

		peer_turn(10);
		figures->resumed = login_count();
		if (figures->resumed == before)
			continue;
		news = peer_now_ns();
		figures->last_ns = news - start;
		if (before == 0)
			figures->first_ns = figures->last_ns;
	}
	storm = NULL;
	return figures->lost > 0 && figures->resumed == figures->lost;
}
