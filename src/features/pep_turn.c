/* pep_turn.c -- changes of one account's nodes take turns on a worker. */
#include "features/pep_turn.h"

#include <uthash.h>

#include "base/list.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "routing/pending.h"
#include "stream/server.h"

#define TRIES	    64	/* against other workers; each loss is another's success */
#define WAITING_MAX 200

struct turn {
	struct waiting	  *stanza;
	TAILQ_ENTRY(turn) link;
};

/* Of one account whose nodes are being changed; our own ids, so the hash needs no key. */
struct turns {
	uint64_t		     account;
	TAILQ_HEAD(turn_list, turn) waiting;
	unsigned		     count;
	UT_hash_handle		     hh;
};

struct pep_turns {
	struct turns *by_account;
};

static struct pep_turns *
all_of(struct server *server)
{
	if (server->pep_turns == NULL)
		server->pep_turns = NEW(struct pep_turns);
	return server->pep_turns;
}

static struct turns *
find(struct server *server, uint64_t account)
{
	struct turns *turns;

	HASH_FIND(hh, all_of(server)->by_account, &account, sizeof(account), turns);
	return turns;
}

static void
begin(struct server *server, uint64_t account)
{
	struct turns *turns = NEW(struct turns);

	turns->account = account;
	TAILQ_INIT(&turns->waiting);
	HASH_ADD(hh, all_of(server)->by_account, account, sizeof(account), turns);
}

static struct waiting *
take_first(struct turns *turns)
{
	struct turn *turn = TAILQ_FIRST(&turns->waiting);
	struct waiting *stanza = turn->stanza;

	TAILQ_REMOVE(&turns->waiting, turn, link);
	turns->count--;
	memory_free(turn);
	return stanza;
}

static void
on_next(struct server *server, void *data)
{
	struct waiting *stanza = take_first(find(server, *(uint64_t *)data));

	pending_release(server, &stanza, RESULT_OK);
}

static void
end(struct stanza *stanza, uint64_t account)
{
	struct server *server = router_server(stanza->router);
	struct turns *turns = find(server, account);

	if (!TAILQ_EMPTY(&turns->waiting)) {
		router_after(stanza->router, on_next, &account, sizeof(account));
		return;
	}
	HASH_DEL(all_of(server)->by_account, turns);
	memory_free(turns);
}

static int run(struct stanza *stanza, struct pep_op *op);

static int
condition_of(int result)
{
	if (result == RESULT_FULL || result == RESULT_CONFLICT)
		return STANZA_RESOURCE_CONSTRAINT;
	log_error(LOG_FEATURE, "personal node not stored", "reason=%s", result_text(result));
	return STANZA_INTERNAL_SERVER_ERROR;
}

/* Its slices travel behind it. */
static struct slice
flatten(struct arena *arena, const struct pep_op *op)
{
	size_t size = sizeof(*op) + op->node.length + op->also.length;
	char *flat = arena_alloc(arena, size);

	memcpy(flat, op, sizeof(*op));
	if (op->node.length > 0)
		memcpy(flat + sizeof(*op), op->node.data, op->node.length);
	if (op->also.length > 0)
		memcpy(flat + sizeof(*op) + op->node.length, op->also.data, op->also.length);
	return slice_of(flat, size);
}

static struct pep_op *
arrived(void *flat)
{
	struct pep_op *op = flat;

	op->node.data = (const char *)(op + 1);
	op->also.data = op->node.data + op->node.length;
	return op;
}

static int
on_answer(struct stanza *stanza, int result, void *data)
{
	struct pep_op *op = arrived(data);
	int verdict;

	if (result == RESULT_CONFLICT && ++op->tries < TRIES)
		return run(stanza, op);
	if (result == RESULT_OK && op->is_partial) {
		op->is_again = true;
		return run(stanza, op);
	}
	verdict = result == RESULT_OK ? op->done(stanza, op) : condition_of(result);
	end(stanza, op->account);
	return verdict;
}

static int
run(struct stanza *stanza, struct pep_op *op)
{
	struct pep_request *request = arena_alloc(stanza->arena, sizeof(*request));
	struct slice flat;
	int verdict;

	request->count = 0;
	op->is_partial = false;
	verdict = op->compute(stanza, op, request);
	flat = flatten(stanza->arena, op);
	if (verdict == STANZA_PASS)
		verdict = request->count == 0
		    ? op->done(stanza, op)
		    : pending_ask(stanza, STORE_CORE, request->change, request->count, on_answer,
			  flat.data, flat.length);
	if (verdict != STANZA_LATER)
		end(stanza, op->account);
	return verdict;
}

static int
on_turn(struct stanza *stanza, int result, void *data)
{
	return run(stanza, arrived(data));
}

int
pep_turn(struct stanza *stanza, const struct pep_op *op)
{
	struct server *server = router_server(stanza->router);
	struct turns *turns = find(server, op->account);
	struct pep_op own = *op;
	struct turn *turn;

	if (turns == NULL) {
		begin(server, op->account);
		return run(stanza, &own);
	}
	if (turns->count == WAITING_MAX)
		return STANZA_RESOURCE_CONSTRAINT;
	turn = NEW(struct turn);
	turn->stanza = pending_hold(stanza, on_turn, op, sizeof(*op));
	TAILQ_INSERT_TAIL(&turns->waiting, turn, link);
	turns->count++;
	return STANZA_LATER;
}

void
pep_turns_free(struct server *server)
{
	struct turns *turns, *next;

	if (server->pep_turns == NULL)
		return;
	HASH_ITER(hh, server->pep_turns->by_account, turns, next) {
		while (!TAILQ_EMPTY(&turns->waiting))
			take_first(turns);	/* the stanza is freed with all that wait */
		HASH_DEL(server->pep_turns->by_account, turns);
		memory_free(turns);
	}
	memory_free(server->pep_turns);
	server->pep_turns = NULL;
}
