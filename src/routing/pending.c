/* pending.c -- stanzas that wait for a store: kept whole, found again by the request's number. */
#include "routing/pending.h"

#include <uthash.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "routing/router_private.h"
#include "session/session.h"
#include "shm/slots.h"
#include "stream/server.h"

/* Our own numbers, so the hash needs no key. */
struct waiting {
	uint64_t       key;		/* request << 1 | store */
	struct arena   arena;
	struct stanza  stanza;
	pending_fn    *on_answer;
	void	      *data;
	UT_hash_handle hh;
};

struct pending {
	struct router  *router;
	struct waiting *by_key;
	uint64_t	holds;		/* ever: numbers of those that wait for no store */
};

#define KEY_HELD (UINT64_C(1) << 63)
#define TAG_DONE 1		/* with this request all of its stanza is done */

static uint64_t
key_of(enum store_kind kind, uint64_t request)
{
	return request << 1 | (uint64_t)kind;
}

struct pending *
pending_new(struct router *router)
{
	struct pending *pending = NEW(struct pending);

	pending->router = router;
	return pending;
}

static void
forget(struct waiting *waiting)
{
	arena_clear(&waiting->arena);
	memory_free(waiting);
}

void
pending_free(struct pending **pointer)
{
	struct waiting *waiting, *next;

	if (*pointer == NULL)
		return;
	HASH_ITER(hh, (*pointer)->by_key, waiting, next) {
		HASH_DEL((*pointer)->by_key, waiting);
		forget(waiting);
	}
	memory_free(*pointer);
	*pointer = NULL;
}

/* The copy needs nothing of the stanza's arena, session or parser. */
static struct waiting *
keep(const struct stanza *stanza, pending_fn *on_answer, const void *data, size_t size)
{
	struct waiting *waiting = NEW(struct waiting);
	struct arena *arena = &waiting->arena;

	arena_init(arena);
	waiting->stanza = *stanza;
	waiting->stanza.arena = arena;
	waiting->stanza.session = NULL;
	waiting->stanza.element = element_copy(arena, stanza->element);
	waiting->stanza.id = element_attribute(waiting->stanza.element, "id");
	if (stanza->payload != NULL)
		waiting->stanza.payload = element_first(waiting->stanza.element);
	jid_copy(arena, &stanza->from, &waiting->stanza.from);
	if (stanza->to.domain.length > 0)
		jid_copy(arena, &stanza->to, &waiting->stanza.to);
	waiting->on_answer = on_answer;
	if (size > 0) {
		waiting->data = arena_alloc(arena, size);
		memcpy(waiting->data, data, size);
	}
	return waiting;
}

static struct store_client *
client_of(const struct stanza *stanza, enum store_kind kind)
{
	const struct server *server = router_server(stanza->router);

	return kind == STORE_CORE ? server->core_client : server->msg_client;
}

static struct store_context
context_of(const struct stanza *stanza)
{
	return (struct store_context){ .session = stanza->origin,
		.stanza = stanza->number,
		.tag = stanza->kind == KIND_MESSAGE && !stanza->is_aside ? TAG_DONE : 0 };
}

/* request: what the store's client said. */
static int
wait_for(struct stanza *stanza, enum store_kind kind, int64_t request, pending_fn *on_answer,
    const void *data, size_t size)
{
	struct pending *pending = stanza->router->pending;
	struct waiting *waiting;

	if (request <= 0)
		return STANZA_RESOURCE_CONSTRAINT;
	waiting = keep(stanza, on_answer, data, size);
	waiting->key = key_of(kind, (uint64_t)request);
	HASH_ADD(hh, pending->by_key, key, sizeof(waiting->key), waiting);
	return STANZA_LATER;
}

int
pending_ask(struct stanza *stanza, enum store_kind kind, const struct store_change *changes,
    int count, pending_fn *on_answer, const void *data, size_t size)
{
	struct store_context context = context_of(stanza);

	return wait_for(stanza, kind,
	    store_ask(client_of(stanza, kind), &context, changes, count), on_answer, data, size);
}

int
pending_ask_later(struct stanza *stanza, enum store_kind kind,
    const struct store_change *changes, int count, pending_fn *on_answer, const void *data,
    size_t size)
{
	struct store_context context = context_of(stanza);

	return wait_for(stanza, kind,
	    store_ask_later(client_of(stanza, kind), &context, changes, count), on_answer, data,
	    size);
}

struct waiting *
pending_hold(struct stanza *stanza, pending_fn *on_answer, const void *data, size_t size)
{
	struct pending *pending = stanza->router->pending;
	struct waiting *waiting = keep(stanza, on_answer, data, size);

	waiting->key = KEY_HELD | pending->holds++;
	HASH_ADD(hh, pending->by_key, key, sizeof(waiting->key), waiting);
	return waiting;
}

static int
answer_now(struct stanza *stanza, void *context)
{
	struct waiting *waiting = context;

	return waiting->on_answer(stanza, (int)waiting->key, waiting->data);
}

void
pending_release(struct server *server, struct waiting **pointer, int result)
{
	struct waiting *waiting = *pointer;

	*pointer = NULL;
	HASH_DEL(server->router->pending->by_key, waiting);
	waiting->key = (uint64_t)(int64_t)result;
	if (waiting->stanza.is_aside)	/* nothing that is still to come counts for it */
		waiting->stanza.number = 0;
	waiting->stanza.session = session_find(server, waiting->stanza.origin);
	/* A reload may have come in between. */
	waiting->stanza.host = config_find_host(server->config, waiting->stanza.to.domain);
	router_continue(&waiting->stanza, answer_now, waiting);
	forget(waiting);
}

/*
 * A predecessor asked, and died. A message that the store keeps now was handled: its client, when it resumes, is told so
 * and does not send it again. Requests it does send again, and they are answered.
 */
static void
settle(struct server *server, const struct store_answer *answer)
{
	struct slot *slot = slot_find(server->shm, answer->context.session);

	if (slot != NULL && answer->result == RESULT_OK && answer->context.tag == TAG_DONE)
		slot_handled(slot, answer->context.stanza);
}

void
pending_on_answer(struct server *server, enum store_kind kind,
    const struct store_answer *answer)
{
	struct pending *pending = server->router->pending;
	uint64_t key = key_of(kind, answer->request);
	struct waiting *waiting;

	HASH_FIND(hh, pending->by_key, &key, sizeof(key), waiting);
	if (waiting == NULL) {
		settle(server, answer);
		log_debug(LOG_ROUTING, "answer for nobody", "request=%llu result=%d",
		    (unsigned long long)answer->request, answer->result);
		return;
	}
	pending_release(server, &waiting, answer->result);
}
