/* adopt.c -- a worker takes over what is left in its other seat: an effect, blocks, answers of stores, sessions. */
#include "process/adopt.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "net/timer.h"
#include "process/child.h"
#include "routing/pending.h"
#include "session/session.h"
#include "shm/store.h"
#include "stream/server.h"

#define LOOK_MS 5	/* a commit takes about as long */

struct adoption {
	struct server	    *server;
	const struct child  *child;
	uint32_t	     seat;
	struct store_client *client[STORE_COUNT];	/* the seat's, not ours before it is given to us */
	struct timer	     timer;
};

struct adoption *
adopt_prepare(struct server *server, const struct child *child, uint32_t seat)
{
	struct adoption *adoption = NEW(struct adoption);

	adoption->server = server;
	adoption->child = child;
	adoption->seat = seat;
	for (int kind = 0; kind < STORE_COUNT; kind++) {
		int rc = store_client_attach(server->shm, seat, (enum store_kind)kind,
		    &adoption->client[kind]);

		if (rc == RESULT_OK)
			continue;
		log_error(LOG_WORKER, "cannot open the rings of the other seat",
		    "seat=%u reason=\"%s\"", seat, result_text(rc));
		_exit(EX_UNAVAILABLE);
	}
	return adoption;
}

static void
on_answer(void *owner, const struct store_answer *answer)
{
	pending_settle(owner, answer);
}

static bool
is_answered(struct adoption *adoption)
{
	bool is_done = true;

	for (int kind = 0; kind < STORE_COUNT; kind++) {
		struct store_client *client = adoption->client[kind];

		store_answers(client, on_answer, adoption->server);
		is_done = is_done && store_answered(client) >= store_asked(client);
	}
	return is_done;
}

static void
finish(struct adoption *adoption)
{
	struct process_page *page = shm_page(adoption->server->shm, adoption->seat);

	sessions_adopt(adoption->server, adoption->seat);
	/* All it had asked for was committed, or never will be. */
	atomic_store(&page->archive_low, 0);
	talk_wait_send(adoption->child->socket, TALK_ADOPTED,
	    slice_of(&adoption->seat, sizeof(adoption->seat)), -1, 1000);
}

static void
on_look(struct timer *timer, void *parameter)
{
	struct adoption *adoption = parameter;

	/* What is left stays for the next start. */
	if (adoption->server->stopping)
		return;
	if (is_answered(adoption))
		finish(adoption);
	else
		timer_start(adoption->server->timers, timer, LOOK_MS, on_look, adoption);
}

void
adopt_begin(struct adoption *adoption, struct slice seat)
{
	uint32_t number;
	int steps;

	if (seat.length != sizeof(number))
		return;
	memcpy(&number, seat.data, sizeof(number));
	if (number != adoption->seat || timer_is_armed(&adoption->timer) ||
	    adoption->server->stopping)
		return;
	steps = shm_recover_for(adoption->server->shm, number);
	if (steps > 0)
		log_info(LOG_WORKER, "finished what another seat had begun", "seat=%u steps=%d",
		    number, steps);
	for (int kind = 0; kind < STORE_COUNT; kind++) {
		store_client_take_over(adoption->client[kind]);
		store_hurry(adoption->client[kind]);
	}
	on_look(&adoption->timer, adoption);
}
