/* pending.c -- stanzas that wait for a store: kept whole, found again by the request's number. */
#include "routing/pending.h"

#include <uthash.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "net/timer.h"
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
	enum store_kind kind;
	struct waiting *next;		/* drafted behind it */
	bool	       is_refused;
	struct timer   timer;		/* of pending_wait() */
	UT_hash_handle hh;
};

struct pending {
	struct router  *router;
	struct waiting *by_key;
	struct waiting *drafted;	/* requests of the effect that is drafted, in their order */
	struct waiting **drafted_end;
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
	pending->drafted_end = &pending->drafted;
	return pending;
}

static void
forget(struct waiting *waiting)
{
	timer_stop(router_server(waiting->stanza.router)->timers, &waiting->timer);
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

/* A message that waits for the store is done with it; of what is done beside a stanza that cannot be said. */
static struct store_context
context_of(const struct stanza *stanza)
{
	return (struct store_context){ .session = stanza->origin,
		.stanza = stanza->number,
		.tag = stanza->kind == KIND_MESSAGE && !stanza->is_aside ? TAG_DONE : 0 };
}

/* Its request is a step of the effect. */
static void
note_draft(struct pending *pending, struct waiting *waiting, enum store_kind kind)
{
	waiting->kind = kind;
	*pending->drafted_end = waiting;
	pending->drafted_end = &waiting->next;
}

static void
note_request(struct pending *pending, struct waiting *waiting, enum store_kind kind,
    uint64_t request)
{
	waiting->key = key_of(kind, request);
	HASH_ADD(hh, pending->by_key, key, sizeof(waiting->key), waiting);
}

/* Where no stanza is on its way there is no effect to be a step of. */
static int
ask(struct stanza *stanza, enum store_kind kind, const struct store_change *changes, int count,
    bool later, pending_fn *on_answer, const void *data, size_t size)
{
	struct pending *pending = stanza->router->pending;
	struct store_context context = context_of(stanza);
	struct store_client *client = client_of(stanza, kind);
	int64_t request = 0;
	bool is_drafted = stanza->router->busy;

	if (is_drafted ? store_draft(client, &context, changes, count, later) != RESULT_OK
		       : (request = store_ask(client, &context, changes, count)) <= 0)
		return STANZA_RESOURCE_CONSTRAINT;
	if (is_drafted)
		note_draft(pending, keep(stanza, on_answer, data, size), kind);
	else
		note_request(pending, keep(stanza, on_answer, data, size), kind,
		    (uint64_t)request);
	return STANZA_LATER;
}

int
pending_ask(struct stanza *stanza, enum store_kind kind, const struct store_change *changes,
    int count, pending_fn *on_answer, const void *data, size_t size)
{
	return ask(stanza, kind, changes, count, false, on_answer, data, size);
}

int
pending_ask_later(struct stanza *stanza, enum store_kind kind,
    const struct store_change *changes, int count, pending_fn *on_answer, const void *data,
    size_t size)
{
	return ask(stanza, kind, changes, count, true, on_answer, data, size);
}

static void
answer_as_full(struct server *server, void *data)
{
	struct waiting *waiting = *(struct waiting **)data;

	HASH_ADD(hh, server->router->pending->by_key, key, sizeof(waiting->key), waiting);
	pending_release(server, &waiting, RESULT_FULL);
}

/* The sender is refused its stanza by the router; whoever waits is told, and what it answers goes nowhere. */
static void
refuse(struct pending *pending, struct waiting *waiting)
{
	waiting->key = KEY_HELD | pending->holds++;
	waiting->is_refused = true;
	waiting->stanza.is_aside = true;
	waiting->stanza.is_handed_on = false;
	router_after(pending->router, answer_as_full, &waiting, sizeof(waiting));
}

void
pending_on_effect(struct pending *pending, bool has_run)
{
	struct shm *shm = router_server(pending->router)->shm;
	struct waiting *waiting = pending->drafted, *next;

	for (uint32_t i = 0; waiting != NULL; i++, waiting = next) {
		next = waiting->next;
		if (has_run)
			note_request(pending, waiting, waiting->kind, effect_asked(shm, i));
		else
			refuse(pending, waiting);
	}
	pending->drafted = NULL;
	pending->drafted_end = &pending->drafted;
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
	int verdict = waiting->on_answer(stanza, (int)waiting->key, waiting->data);

	return waiting->is_refused && verdict > 0 ? STANZA_DONE : verdict;
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
void
pending_settle(struct server *server, const struct store_answer *answer)
{
	struct slot *slot = slot_find(server->shm, answer->context.session);

	if (slot != NULL && answer->result == RESULT_OK && answer->context.tag == TAG_DONE)
		slot_handled(slot, answer->context.stanza);
}

static void
on_time(struct timer *timer, void *parameter)
{
	struct waiting *waiting = parameter;

	pending_release(router_server(waiting->stanza.router), &waiting, RESULT_OK);
}

int
pending_wait(struct stanza *stanza, uint64_t ms, pending_fn *on_answer)
{
	struct waiting *waiting = pending_hold(stanza, on_answer, NULL, 0);

	timer_start(router_server(stanza->router)->timers, &waiting->timer, ms, on_time, waiting);
	return STANZA_LATER;
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
		pending_settle(server, answer);
		log_debug(LOG_ROUTING, "answer for nobody", "request=%llu result=%d",
		    (unsigned long long)answer->request, answer->result);
		return;
	}
	pending_release(server, &waiting, answer->result);
}
