/* turn.c -- changes of what an account has take turns on a worker. */
#include "features/turn.h"

#include <string.h>
#include <uthash.h>

#include "base/ensure.h"
#include "base/list.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "features/roster_store.h"
#include "routing/pending.h"
#include "stream/server.h"

#define TRIES 64	/* against other workers; each loss is another's success */

static const struct {
	const char *what;
	int	    changes;	/* of one request */
	unsigned    waiting;	/* at most, of one account */
} kinds[TURN_KINDS] = {
	[TURN_ROSTER] = { "roster", ROSTER_CHANGES, 1000 },
	[TURN_BLOCKLIST] = { "block list", 1, 200 },
	[TURN_PRIVATE] = { "private element", TURN_PRIVATE_CHANGES, 200 },
	[TURN_PUSH] = { "push service", 1, 200 },
	[TURN_NODES] = { "personal node", 200, 200 },
};

/* Our own numbers, so the hash needs no key. */
struct turn_key {
	uint64_t account;
	uint64_t kind;
};

struct turn {
	struct waiting	  *stanza;
	TAILQ_ENTRY(turn) link;
};

/* Of what is being changed: who comes next. */
struct line {
	struct turn_key		    key;
	TAILQ_HEAD(turn_list, turn) waiting;
	unsigned		    count;
	UT_hash_handle		    hh;
};

struct turns {
	struct line *by_key;
};

static struct turns *
all_of(struct server *server)
{
	if (server->turns == NULL)
		server->turns = NEW(struct turns);
	return server->turns;
}

static struct turn_key
key_of(const struct turn_op *op)
{
	return (struct turn_key){ op->account, (uint64_t)op->kind };
}

static struct line *
find(struct server *server, const struct turn_key *key)
{
	struct line *line;

	HASH_FIND(hh, all_of(server)->by_key, key, sizeof(*key), line);
	return line;
}

static void
open_line(struct server *server, const struct turn_key *key)
{
	struct line *line = NEW(struct line);

	line->key = *key;
	TAILQ_INIT(&line->waiting);
	HASH_ADD(hh, all_of(server)->by_key, key, sizeof(line->key), line);
}

static void
close_line(struct server *server, struct line *line)
{
	HASH_DEL(all_of(server)->by_key, line);
	memory_free(line);
}

static struct waiting *
take_first(struct line *line)
{
	struct turn *turn = TAILQ_FIRST(&line->waiting);
	struct waiting *stanza = turn->stanza;

	TAILQ_REMOVE(&line->waiting, turn, link);
	line->count--;
	memory_free(turn);
	return stanza;
}

static void
on_next(struct server *server, void *data)
{
	struct waiting *stanza = take_first(find(server, data));

	pending_release(server, &stanza, RESULT_OK);
}

static void
end(struct stanza *stanza, const struct turn_op *op)
{
	struct server *server = router_server(stanza->router);
	struct turn_key key = key_of(op);
	struct line *line = find(server, &key);

	if (TAILQ_EMPTY(&line->waiting))
		close_line(server, line);
	else
		router_after(stanza->router, on_next, &key, sizeof(key));
}

/* --- one change --- */

static size_t
size_of(const struct turn_op *op)
{
	return op->size == 0 ? sizeof(*op) : op->size;
}

/* What travels along stands behind it. */
static struct slice
flatten(struct arena *arena, const struct turn_op *op)
{
	size_t own = size_of(op), size = own + op->along.length + op->also.length;
	char *flat = arena_alloc(arena, size);

	memcpy(flat, op, own);
	if (op->along.length > 0)
		memcpy(flat + own, op->along.data, op->along.length);
	if (op->also.length > 0)
		memcpy(flat + own + op->along.length, op->also.data, op->also.length);
	return slice_of(flat, size);
}

static struct turn_op *
arrived(void *flat)
{
	struct turn_op *op = flat;

	op->along.data = (const char *)flat + size_of(op);
	op->also.data = op->along.data + op->along.length;
	return op;
}

static int run(struct stanza *stanza, struct turn_op *op);

static int
condition_of(const struct turn_op *op, int result)
{
	if (result == RESULT_FULL || result == RESULT_CONFLICT)
		return STANZA_RESOURCE_CONSTRAINT;
	log_error(LOG_FEATURE, "a change was not stored", "what=\"%s\" reason=\"%s\"",
	    kinds[op->kind].what, result_text(result));
	return STANZA_INTERNAL_SERVER_ERROR;
}

static int
on_answer(struct stanza *stanza, int result, void *data)
{
	struct turn_op *op = arrived(data);
	int verdict;

	if (result == RESULT_CONFLICT && ++op->tries < TRIES)
		return run(stanza, op);
	if (result == RESULT_OK && op->is_partial) {
		op->is_again = true;
		return run(stanza, op);
	}
	verdict = result == RESULT_OK ? op->done(stanza, op) : condition_of(op, result);
	end(stanza, op);
	return verdict;
}

static int
ask(struct stanza *stanza, const struct turn_op *op, const struct turn_request *request)
{
	struct slice flat = flatten(stanza->arena, op);

	return pending_ask(stanza, STORE_CORE, request->change, request->count, on_answer,
	    flat.data, flat.length);
}

static int
run(struct stanza *stanza, struct turn_op *op)
{
	struct turn_request request = { .most = kinds[op->kind].changes };
	int verdict;

	request.change = arena_alloc(stanza->arena,
	    (size_t)request.most * sizeof(*request.change));
	op->is_partial = false;
	verdict = op->compute(stanza, op, &request);
	ensure(request.count <= request.most);
	if (verdict == STANZA_PASS)
		verdict = request.count == 0 ? op->done(stanza, op)
					     : ask(stanza, op, &request);
	if (verdict != STANZA_LATER)
		end(stanza, op);
	return verdict;
}

static int
on_turn(struct stanza *stanza, int result, void *data)
{
	return run(stanza, arrived(data));
}

int
turn_begin(struct stanza *stanza, const struct turn_op *op)
{
	struct server *server = router_server(stanza->router);
	struct slice flat = flatten(stanza->arena, op);
	struct turn_key key = key_of(op);
	struct line *line = find(server, &key);
	struct turn *turn;

	if (line == NULL) {
		open_line(server, &key);
		return run(stanza, arrived((char *)flat.data));
	}
	if (line->count == kinds[op->kind].waiting)
		return STANZA_RESOURCE_CONSTRAINT;
	turn = NEW(struct turn);
	turn->stanza = pending_hold(stanza, on_turn, flat.data, flat.length);
	TAILQ_INSERT_TAIL(&line->waiting, turn, link);
	line->count++;
	return STANZA_LATER;
}

void
turns_free(struct server *server)
{
	struct line *line, *next;

	if (server->turns == NULL)
		return;
	HASH_ITER(hh, server->turns->by_key, line, next) {
		while (!TAILQ_EMPTY(&line->waiting))
			take_first(line);	/* the stanza is freed with all that wait */
		close_line(server, line);
	}
	memory_free(server->turns);
	server->turns = NULL;
}
