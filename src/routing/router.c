/* router.c -- the way of a stanza: submit, outgoing, owner, incoming, delivery; the only place that writes errors. */
#include "routing/router_private.h"

#include "base/ensure.h"
#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "routing/fenced.h"
#include "routing/handover.h"
#include "routing/router_trace.h"
#include "routing/server_iq.h"
#include "session/resume.h"
#include "session/session.h"
#include "session/session_map.h"
#include "shm/counters.h"
#include "shm/limits.h"
#include "shm/slots.h"
#include "stream/server.h"

#define TRIES 3		/* a target may end while its stanza is on the way; so often it is looked up anew */

struct server *
router_server(struct router *router)
{
	return router->server;
}

const char *
stage_name(enum stage stage)
{
	static const char *const names[] = { "submit", "outgoing", "incoming", "offline",
		"sent", "delivered", "answer" };

	return names[stage];
}

uint64_t
router_account(struct router *router, const struct jid *jid)
{
	return account_ids_find(router->account_ids, jid->bare);
}

int
router_stage(struct stanza *stanza, enum stage stage)
{
	struct router *router = stanza->router;

	for (int i = 0; i < router->stage_count[stage]; i++) {
		int verdict = router->stages[stage][i].handle(stanza);

		router_trace_verdict(stanza, stage_name(stage), router->stages[stage][i].name,
		    verdict);
		if (verdict != STANZA_PASS)
			return verdict;
	}
	return STANZA_PASS;
}

/* --- where it goes --- */

static int
take_answer(struct stanza *stanza)
{
	if (!server_iq_on_answer(stanza))
		router_stage(stanza, STAGE_ANSWER);
	return STANZA_DONE;
}

static int
route_to_host(struct stanza *stanza)
{
	const struct iq_row *row = NULL;

	if (stanza->kind == KIND_PRESENCE)
		return STANZA_DONE;
	if (stanza->kind == KIND_IQ && !stanza_is_request(stanza))
		return take_answer(stanza);
	if (stanza->kind == KIND_IQ && jid_is_bare(&stanza->to))
		row = iq_table_find(stanza->router->iqs, stanza->payload->ns,
		    stanza->payload->name, stanza->type == TYPE_GET ? IQ_GET : IQ_SET,
		    SCOPE_HOST);
	if (row != NULL)
		return row->handle(stanza);
	return stanza->type == TYPE_ERROR ? STANZA_DONE : STANZA_SERVICE_UNAVAILABLE;
}

/* Federation takes this place; until then a foreign domain is not found. */
static int
route_to_remote(struct stanza *stanza)
{
	if (stanza->kind == KIND_PRESENCE && stanza->type != TYPE_SUBSCRIBE)
		return STANZA_DONE;
	return STANZA_REMOTE_SERVER_NOT_FOUND;
}

/* R21: without "to" a stanza is for the own account. */
static void
address_self(struct stanza *stanza)
{
	jid_split(stanza->from.bare, &stanza->to);
}

static int
route(struct stanza *stanza)
{
	struct router *router = stanza->router;

	stanza->host = config_find_host(router->server->config, stanza->to.domain);
	if (stanza->host == NULL)
		return route_to_remote(stanza);
	if (stanza->to.local.length == 0)
		return route_to_host(stanza);
	stanza->account = stanza->session != NULL &&
		slice_equal(stanza->to.bare, stanza->session->jid.bare)
	    ? stanza->session->account
	    : router_account(router, &stanza->to);
	return account_route(stanza);
}

/* --- what a client may send --- */

static int
check_iq(struct stanza *stanza)
{
	if (stanza->id.data == NULL)
		return STANZA_BAD_REQUEST;
	if (!stanza_is_request(stanza))
		return STANZA_PASS;
	if (element_count(stanza->element) != 1)
		return STANZA_BAD_REQUEST;
	stanza->payload = element_first(stanza->element);
	return STANZA_PASS;
}

static int
check(struct stanza *stanza)
{
	struct slice to = element_attribute(stanza->element, "to");

	if (!stanza_classify(stanza))
		return STANZA_BAD_REQUEST;
	if (stanza->type == TYPE_ERROR && element_first(stanza->element) == NULL)
		return STANZA_DONE; /* R20: an error that names none */
	if (to.data != NULL && !jid_parse(stanza->arena, to, &stanza->to))
		return STANZA_JID_MALFORMED;
	if (to.data != NULL)	/* prepared once: whoever gets it sees the prepared form */
		element_set(stanza->arena, stanza->element, "to", stanza->to.full);
	return stanza->kind == KIND_IQ ? check_iq(stanza) : STANZA_PASS;
}

static int
run(struct stanza *stanza)
{
	int verdict = check(stanza);

	router_trace_begin(stanza);
	if (verdict == STANZA_PASS)
		verdict = router_stage(stanza, STAGE_SUBMIT);
	if (verdict == STANZA_PASS && stanza->to.domain.length == 0)
		address_self(stanza);
	if (verdict == STANZA_PASS)
		verdict = router_stage(stanza, STAGE_OUTGOING);
	if (verdict != STANZA_PASS)
		return verdict;
	verdict = route(stanza);
	if (stanza->session != NULL)
		router_stage(stanza, STAGE_SENT);
	return verdict;
}

/* --- what comes back --- */

void
router_answer(struct stanza *stanza, struct element *answer)
{
	element_set(stanza->arena, answer, "to", stanza->from.full);
	if (stanza->origin.slot != UINT32_MAX)
		router_deliver(stanza, answer, stanza->origin);
	else if (stanza->kind == KIND_IQ && jid_is_domain(&stanza->from))
		router_send_later(stanza->router, answer);
}

static void
answer_error(struct stanza *stanza, enum stanza_condition condition)
{
	struct element *error;

	counter_add(stanza->router->server->shm, COUNTER_STANZA_ERRORS, 1);
	error = stanza_error_reply(stanza->arena, stanza->element, condition, NULL);
	if (error == NULL)
		return;
	if (stanza->is_handed_on) {
		handover_bounce(router_server(stanza->router), error);
		return;
	}
	router_answer(stanza, error);
	if (stanza->kind == KIND_MESSAGE && stanza->session != NULL)
		account_bounced(stanza, error);
}

int
router_reply(struct stanza *stanza, struct element *payload)
{
	struct arena *arena = stanza->arena;
	struct element *reply = element_new(arena, NS_CLIENT, "iq");
	struct slice to = element_attribute(stanza->element, "to");

	element_set(arena, reply, "type", SLICE("result"));
	element_set(arena, reply, "id", stanza->id);
	element_set(arena, reply, "to", stanza->from.full);
	if (to.data != NULL)
		element_set(arena, reply, "from", to);
	if (payload != NULL)
		element_append(arena, reply, payload);
	router_answer(stanza, reply);
	return STANZA_DONE;
}

void
router_deliver(struct stanza *stanza, struct element *element, struct slot_ref target)
{
	router_trace_target(stanza, target);
	delivery_add(&stanza->router->delivery, stanza->kind, element, target);
}

struct way {
	int  (*act)(struct stanza *stanza, void *context);
	void  *context;
};

/* Once through: everything that is to happen is gathered, then happens as one effect. */
static int
attempt(struct stanza *stanza, const struct way *way)
{
	struct router *router = stanza->router;
	int verdict;
	int result;

	delivery_begin(&router->delivery, router->server->shm, stanza->origin, stanza->number);
	verdict = way->act(stanza, way->context);
	router_trace_verdict(stanza, "routed", "", verdict);
	stanza->is_later = verdict == STANZA_LATER;
	if (stanza->is_later && !stanza->is_aside)	/* its answer is part of it */
		effect_leaves_open(router->server->shm);
	if (verdict > 0)
		answer_error(stanza, (enum stanza_condition)verdict);
	result = delivery_run(&router->delivery);
	pending_on_effect(router->pending, result >= 0);
	router_trace_end(stanza, result);
	return result;
}

static int
run_way(struct stanza *stanza, void *context)
{
	return run(stanza);
}

static int
refuse_for_memory(struct stanza *stanza, void *context)
{
	effect_take_rest(router_server(stanza->router)->shm);
	return STANZA_RESOURCE_CONSTRAINT;
}

static const struct way usual_way = { run_way, NULL };
static const struct way refusal = { refuse_for_memory, NULL };

static int
begin(struct stanza *stanza, const struct way *way)
{
	ensure(!stanza->router->busy);
	stanza->router->busy = true;
	return attempt(stanza, way);
}

/* R8. */
static void
keep_order(const struct stanza *stanza, struct session *session)
{
	if (stanza->is_aside)
		return;
	if (stanza->is_later)
		session_wait(session, stanza->number);
	else
		session_go_on(session, stanza->number);
}

/* Who sent it may have gone, on its way or while it waited. */
static void
look_at_sender(const struct stanza *stanza)
{
	struct session *session;

	if (stanza->origin.slot == UINT32_MAX)
		return;
	session = session_find(stanza->router->server, stanza->origin);
	if (session == NULL)
		return;
	keep_order(stanza, session);
	share_charge(session, stanza->router->delivery.octets);
}

/*
 * There is no memory even for saying so. The stanza was not handled: a client that resumes sends it again, and any other
 * sees its stream end.
 */
static void
give_up(const struct stanza *stanza)
{
	struct session *session = session_find(router_server(stanza->router), stanza->origin);

	if (session == NULL || session->conn == NULL)
		return;
	if (resume_is_possible(session))
		session_drop(session, "no memory");
	else
		session_close(session, STREAM_RESOURCE_CONSTRAINT,
		    "no memory: try again later");
}

static void
finish(struct stanza *stanza, int result)
{
	struct router *router = stanza->router;
	struct slot *slot = slot_find(router->server->shm, stanza->origin);

	if (result == RESULT_FULL) {
		counter_add(router->server->shm, COUNTER_MEMORY_FULL, 1);
		limit_bite(router->server->shm, LIMIT_ARENA);
		result = attempt(stanza, &refusal);
	}
	if (result == RESULT_FULL)
		give_up(stanza);
	else if (result != 0 && slot != NULL && (!stanza->is_later || stanza->is_aside))
		slot_handled(slot, stanza->number);
	look_at_sender(stanza);
	if (stanza->is_handed_on && !stanza->is_later)
		handover_settled(router->server, stanza->left_by);
	router->busy = false;
	arena_reset(&router->arena);
	router_run_after(router);
}

/*
 * Where every target ended meanwhile the stanza is looked at anew, so that it is not lost between two looks.
 * Where some got it, it has arrived; where a store was asked, it will.
 */
static void
process(struct stanza *stanza)
{
	int result = begin(stanza, &usual_way);

	for (int i = 1; i < TRIES && result > 0 && !stanza->is_later &&
	     (uint32_t)result == stanza->router->delivery.count; i++)
		result = attempt(stanza, &usual_way);
	finish(stanza, result);
}

void
router_continue(struct stanza *stanza, int (*act)(struct stanza *stanza, void *context),
    void *context)
{
	struct way way = { act, context };

	finish(stanza, begin(stanza, &way));
}

void
router_act(struct server *server, struct slice from,
    int (*act)(struct stanza *stanza, void *context), void *context)
{
	struct router *router = server->router;
	struct stanza stanza = { .router = router,
		.arena = &router->arena,
		.element = element_new(&router->arena, NS_CLIENT, "presence"),
		.kind = KIND_PRESENCE,
		.origin = { UINT32_MAX, 0 } };

	jid_split(arena_copy(stanza.arena, from), &stanza.from);
	element_set(stanza.arena, stanza.element, "from", stanza.from.full);
	router_continue(&stanza, act, context);
}

struct delivery *
router_delivery(struct stanza *stanza)
{
	return &stanza->router->delivery;
}

int
router_incoming(struct stanza *stanza)
{
	return router_stage(stanza, STAGE_INCOMING);
}

void
router_on_stanza(struct session *session, struct element *element)
{
	struct router *router = session->server->router;
	struct stanza stanza = { .router = router,
		.arena = &router->arena,
		.element = element,
		.from = session->jid,
		.session = session,
		.origin = session->ref,
		.number = session->received };

	bool is_fenced = !fenced_enter(&stanza);

	element_set(stanza.arena, element, "from", session->jid.full);
	counter_add(router->server->shm, COUNTER_STANZAS_IN, 1);
	if (is_fenced)
		router_continue(&stanza, fenced_refuse, NULL);
	else
		process(&stanza);
	fenced_leave(router);
}

void
router_send(struct server *server, struct element *element)
{
	struct router *router = server->router;
	struct stanza stanza = { .router = router,
		.arena = &router->arena,
		.element = element,
		.origin = { UINT32_MAX, 0 } };
	struct slice from = element_attribute(element, "from");

	if (from.data != NULL && jid_parse(stanza.arena, from, &stanza.from))
		process(&stanza);
}
