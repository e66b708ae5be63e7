/* core_kit.c -- for tests: the stores in the worker's own process. */
#include "tests/unit/core_kit.h"

#include "base/ensure.h"
#include "base/result.h"
#include "routing/pending.h"

static struct store_server *stores[STORE_COUNT];

void
core_begin(struct worker *worker)
{
	struct server *server = &worker->server;

	store_close(&server->core);
	ensure(store_open(worker->data_dir, STORE_CORE, true, &server->core) == RESULT_OK);
	ensure(store_server_open(server->shm, server->core, STORE_CORE, &stores[STORE_CORE]) ==
	    RESULT_OK);
	if (server->msg != NULL)
		ensure(store_server_open(server->shm, server->msg, STORE_MSG,
			   &stores[STORE_MSG]) == RESULT_OK);
}

void
core_end(struct worker *worker)
{
	store_server_close(&stores[STORE_CORE]);
	store_server_close(&stores[STORE_MSG]);
}

static void
on_core_answer(void *owner, const struct store_answer *answer)
{
	pending_on_answer(owner, STORE_CORE, answer);
}

static void
on_msg_answer(void *owner, const struct store_answer *answer)
{
	pending_on_answer(owner, STORE_MSG, answer);
}

static int
serve(struct worker *worker)
{
	struct server *server = &worker->server;
	int done = store_server_turn(stores[STORE_CORE]) +
	    store_answers(server->core_client, on_core_answer, server);

	return server->msg == NULL
	    ? done
	    : done + store_server_turn(stores[STORE_MSG]) +
		store_answers(server->msg_client, on_msg_answer, server);
}

void
core_commit(struct worker *worker)
{
	do {
		worker_settle(worker);
	} while (serve(worker) > 0);
}

struct until {
	struct worker *worker;
	bool	     (*is_so)(struct worker *worker);
};

static bool
is_so_now(void *owner)
{
	struct until *until = owner;

	serve(until->worker);
	return until->is_so(until->worker);
}

void
core_commit_until(struct worker *worker, bool (*is_so)(struct worker *worker))
{
	struct until until = { worker, is_so };

	worker_wait(worker, is_so_now, &until);
	core_commit(worker);
}

void
core_apply(struct worker *worker, const struct store_change *change)
{
	ensure(store_apply(worker->server.core, change, 1, NULL) >= RESULT_OK);
}
