/* presence.c -- RFC 6121 4: a resource becomes available, tells its priority, and goes. */
#include "features/feature.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "features/presence.h"
#include "features/subscription_change.h"
#include "shm/registry.h"
#include "shm/slots.h"
#include "stream/server.h"
#include "xml/writer.h"
#include "xmpp/delay.h"

#define PRESENCE_BYTES_MAX 8192	/* of what is kept for probes */

/* R25: an integer, clamped; anything else counts as 0. */
static int8_t
priority_of(struct stanza *stanza)
{
	struct element *child = element_child(stanza->element, NS_CLIENT, "priority");
	int64_t priority;

	if (child == NULL ||
	    !slice_to_int(slice_trim(element_text(stanza->arena, child)), INT64_MIN, INT64_MAX,
		&priority))
		return 0;
	return (int8_t)(priority < -128 ? -128 : priority > 127 ? 127 : priority);
}

/* Where all are to be equal, others are told so too. */
static void
level(struct stanza *stanza)
{
	const struct config *config = router_server(stanza->router)->config;
	const struct config_host *host = config_find_host(config, stanza->from.domain);
	struct element *child;

	if (host == NULL || !host->ignore_presence_priority)
		return;
	while ((child = element_child(stanza->element, NS_CLIENT, "priority")) != NULL)
		element_remove(stanza->element, child);
}

static int
keep(struct session *session, int8_t priority, struct slice presence)
{
	struct server *server = session->server;
	uint32_t flags = atomic_load(&session->slot->flags) & ~(uint32_t)SLOT_AVAILABLE;
	bool was_willing = session->available && session->priority >= 0;
	int result;

	if (presence.length > 0)
		flags |= SLOT_AVAILABLE;
	result = registry_set_presence(server->registry, session->account,
	    session->jid.resource, session->ref, priority, flags, presence);

	if (result != RESULT_OK)
		return result;
	session->available = presence.length > 0;
	session->priority = priority;
	atomic_store(&session->slot->priority, priority);
	if (session->available)
		atomic_fetch_or(&session->slot->flags, SLOT_AVAILABLE);
	else
		atomic_fetch_and(&session->slot->flags, ~(uint32_t)SLOT_AVAILABLE);
	if (session->available && priority >= 0 && !was_willing)
		router_available(session);
	return RESULT_OK;
}

/* R28: what is kept for later tells its age. Without "to": whoever gets it has one of his own. */
static bool
write_kept(struct stanza *stanza, struct slice *kept)
{
	struct element *copy = element_copy(stanza->arena, stanza->element);
	size_t size;
	char *bytes;

	element_unset(copy, "to");
	delay_stamp(stanza->arena, copy, stanza->from.domain, clock_wall_us());
	size = writer_write(copy, NS_CLIENT, NULL, 0);
	if (size > PRESENCE_BYTES_MAX)
		return false;
	bytes = arena_alloc(stanza->arena, size);
	writer_write(copy, NS_CLIENT, bytes, size);
	*kept = slice_of(bytes, size);
	return true;
}

int
presence_again(struct stanza *stanza)
{
	struct session *session = stanza->session;
	bool is_initial = !session->available;
	struct slice kept;
	int result;

	level(stanza);
	if (!write_kept(stanza, &kept))
		return STANZA_POLICY_VIOLATION;
	result = keep(session, priority_of(stanza), kept);
	if (result != RESULT_OK)
		return result == RESULT_FULL ? STANZA_RESOURCE_CONSTRAINT
					     : STANZA_INTERNAL_SERVER_ERROR;
	presence_broadcast(stanza, stanza->element, session->account);
	if (is_initial)
		presence_initial(stanza);
	return STANZA_DONE;
}

/* It goes to those that are available before the resource stops being one of them: its sender sees it too (R29). */
static int
presence_unavailable(struct stanza *stanza)
{
	if (stanza->session->available)
		presence_broadcast(stanza, stanza->element, stanza->session->account);
	presence_undirect(stanza, stanza->origin, stanza->element);
	if (!stanza->session->available)
		return STANZA_DONE;
	return keep(stanza->session, 0, SLICE_EMPTY) == RESULT_OK ? STANZA_DONE
								  : STANZA_INTERNAL_SERVER_ERROR;
}

/* A broadcast has no "to"; what has one is routed like any stanza. */
static int
presence_on_submit(struct stanza *stanza)
{
	if (stanza->kind != KIND_PRESENCE || stanza->session == NULL ||
	    stanza->to.domain.length > 0)
		return STANZA_PASS;
	switch (stanza->type) {
	case TYPE_AVAILABLE:
		return presence_again(stanza);
	case TYPE_UNAVAILABLE:
		return presence_unavailable(stanza);
	case TYPE_PROBE:
	case TYPE_ERROR:
		return STANZA_DONE;
	default:
		return STANZA_BAD_REQUEST;
	}
}

/* --- with "to" --- */

static bool
is_ours(struct stanza *stanza)
{
	return config_find_host(router_server(stanza->router)->config, stanza->to.domain) != NULL;
}

/*
 * What is for another server changes nothing here while none can be reached: the router says so. An end of what once
 * was is noted all the same.
 */
static int
subscription(struct stanza *stanza, enum subscription type)
{
	if (slice_equal(stanza->to.bare, stanza->from.bare))
		return STANZA_DONE;
	if (!is_ours(stanza) && (type == SUBSCRIBE || type == SUBSCRIBED))
		return STANZA_PASS;
	return subscription_send(stanza, type);
}

/* On the sender's side: from a client of ours, or from the server in a client's name. */
static int
presence_on_outgoing(struct stanza *stanza)
{
	if (stanza->kind != KIND_PRESENCE || !config_find_host(
						 router_server(stanza->router)->config,
						 stanza->from.domain))
		return STANZA_PASS;
	switch (stanza->type) {
	case TYPE_SUBSCRIBE:
		return subscription(stanza, SUBSCRIBE);
	case TYPE_SUBSCRIBED:
		return subscription(stanza, SUBSCRIBED);
	case TYPE_UNSUBSCRIBE:
		return subscription(stanza, UNSUBSCRIBE);
	case TYPE_UNSUBSCRIBED:
		return subscription(stanza, UNSUBSCRIBED);
	case TYPE_PROBE:
		return is_ours(stanza) ? presence_on_probe(stanza) : STANZA_PASS;
	default:
		return stanza->session == NULL ? STANZA_PASS : presence_direct(stanza);
	}
}

/* --- ends --- */

struct ending {
	struct slot_ref session;
	uint64_t	account;
	bool		was_available;
	const char     *failure;	/* NULL: nothing went wrong */
};

static int
tell_of_end(struct stanza *stanza, void *context)
{
	const struct ending *ending = context;
	struct element *presence = presence_made(stanza, "unavailable", stanza->from.full);

	if (ending->failure != NULL)	/* R31 */
		element_add_text(stanza->arena,
		    element_add(stanza->arena, presence, NS_CLIENT, "status"),
		    arena_printf(stanza->arena, "Disconnected: %s", ending->failure));
	if (ending->was_available)
		presence_broadcast(stanza, presence, ending->account);
	presence_undirect(stanza, ending->session, presence);
	return STANZA_DONE;
}

/* Whoever has the resource now has told of the end when it took it. */
static bool
was_displaced(struct session *session)
{
	struct server *server = session->server;
	struct txn *txn = registry_read(server->registry);
	struct route route;
	bool is_bound = registry_find_resource(server->registry, txn, session->account,
	    session->jid.resource, &route);

	txn_end(&txn);
	return is_bound && (route.session.slot != session->ref.slot ||
			       route.session.epoch != session->ref.epoch);
}

/* RFC 6121 4.5: whoever saw it come sees it go, however it went; those it named, too (R31). */
static void
presence_on_ending(struct session *session)
{
	struct ending ending = { session->ref, session->account, session->available,
		session->failure };

	if (was_displaced(session))
		return;
	if (session->available)
		keep(session, 0, SLICE_EMPTY);
	router_act(session->server, session->jid.full, tell_of_end, &ending);
}

/*
 * The old session's end may come after the new one's first presence, and from another worker: so it is told here, before
 * the new one knows its name.
 */
static void
presence_on_bound(struct session *session)
{
	struct ending ending = { session->displaced, session->account, false,
		"replaced by new connection" };
	struct slot *slot;

	if (session->displaced.slot == UINT32_MAX)
		return;
	slot = slot_find(session->server->shm, session->displaced);
	ending.was_available = slot != NULL && (atomic_load(&slot->flags) & SLOT_AVAILABLE);
	router_act(session->server, session->jid.full, tell_of_end, &ending);
}

static const struct stage_row presence_stages[] = {
	{ STAGE_SUBMIT, "presence", presence_on_submit },
	{ STAGE_OUTGOING, "presence", presence_on_outgoing },
	{ 0 }
};

const struct feature presence_feature = {
	.name = "presence",
	.spec = "RFC 6121 3, 4",
	.about = "Keeps subscriptions and the presence and priority of each resource, and tells those who may see it.",
	.stages = presence_stages,
	.on_bound = presence_on_bound,
	.on_ending = presence_on_ending,
};
