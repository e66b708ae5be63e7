/* account.c -- stanzas for a local account: its own answers, and its resources (RFC 6121 8.5). */
#include "routing/router_private.h"

#include <string.h>

#include "config/config.h"
#include "routing/rules.h"
#include "session/session.h"
#include "shm/counters.h"
#include "shm/limits.h"
#include "shm/registry.h"
#include "shm/slots.h"
#include "stream/server.h"

static void
read_recipients(struct registry *registry, struct txn *txn, uint64_t account,
    struct recipients *recipients)
{
	recipients->count = registry_find(registry, txn, account, recipients->route,
	    RECIPIENTS_MAX);
	memset(recipients->got, 0, sizeof(recipients->got));
}

static void
find_recipients(struct stanza *stanza, struct recipients *recipients)
{
	struct registry *registry = router_server(stanza->router)->registry;
	struct txn *txn = registry_read(registry);

	read_recipients(registry, txn, stanza->account, recipients);
	txn_end(&txn);
}

/* The resource the stanza names, and, where they are asked for, all of them: in one read. */
static enum rule_target
find_target(struct stanza *stanza, struct route *named, struct recipients *recipients)
{
	struct registry *registry = router_server(stanza->router)->registry;
	enum rule_target target = TARGET_ACCOUNT;
	struct txn *txn;

	*named = (struct route){ 0 };	/* an epoch that no session has */
	if (jid_is_bare(&stanza->to) && recipients == NULL)
		return target;
	txn = registry_read(registry);
	if (!jid_is_bare(&stanza->to))
		target = registry_find_resource(registry, txn, stanza->account,
			     stanza->to.resource, named)
		    ? TARGET_RESOURCE
		    : TARGET_ABSENT;
	if (recipients != NULL)
		read_recipients(registry, txn, stanza->account, recipients);
	txn_end(&txn);
	return target;
}

/* One that has ended is for the delivery to find. */
static bool
is_full(struct stanza *stanza, struct slot_ref target)
{
	struct server *server = router_server(stanza->router);
	struct slot *slot = slot_find(server->shm, target);

	if (slot == NULL || outbox_bytes(slot) < (uint64_t)server->config->outbox_bytes)
		return false;
	counter_add(server->shm, COUNTER_OUTBOX_FULL, 1);
	limit_bite(server->shm, LIMIT_OUTBOX);
	return true;
}

bool
router_has_room(struct router *router, struct slot_ref target)
{
	struct stanza stanza = { .router = router };

	return slot_find(router->server->shm, target) != NULL && !is_full(&stanza, target);
}

static bool
is_available(const struct route *route)
{
	return (route->flags & SLOT_AVAILABLE) != 0;
}

/* --- messages --- */

/* To each of the recipients that is available and has at least that priority. */
static int
deliver_from(struct stanza *stanza, struct recipients *recipients, int priority)
{
	int count = 0;
	int full = 0;

	for (int i = 0; i < recipients->count; i++) {
		const struct route *route = &recipients->route[i];

		if (!is_available(route) || route->priority < priority)
			continue;
		if (is_full(stanza, route->session)) {
			full++;
			continue;
		}
		router_deliver(stanza, stanza->element, route->session);
		recipients->got[i] = true;
		count++;
	}
	return count == 0 && full > 0 ? STANZA_RESOURCE_CONSTRAINT : STANZA_DONE;
}

static int
highest_priority(const struct recipients *recipients)
{
	int highest = INT8_MIN;

	for (int i = 0; i < recipients->count; i++)
		if (is_available(&recipients->route[i]) &&
		    recipients->route[i].priority > highest)
			highest = recipients->route[i].priority;
	return highest;
}

static enum rule_resources
resources_of(const struct recipients *recipients)
{
	for (int i = 0; i < recipients->count; i++)
		if (is_available(&recipients->route[i]))
			return highest_priority(recipients) >= 0 ? RESOURCES_WILLING
								 : RESOURCES_NEGATIVE;
	return RESOURCES_NONE;
}

/* A message that a client has no room for is refused: it may be sent again. Anything else is dropped. */
static int
deliver_to(struct stanza *stanza, struct slot_ref session)
{
	if (is_full(stanza, session))
		return stanza->kind == KIND_PRESENCE ? STANZA_DONE : STANZA_RESOURCE_CONSTRAINT;
	router_deliver(stanza, stanza->element, session);
	return STANZA_DONE;
}

static int
message_to_resource(struct stanza *stanza, struct recipients *recipients,
    struct slot_ref session)
{
	int verdict = deliver_to(stanza, session);

	for (int i = 0; verdict == STANZA_DONE && i < recipients->count; i++)
		recipients->got[i] = recipients->route[i].session.slot == session.slot;
	return verdict;
}

static int
keep(struct stanza *stanza)
{
	int verdict = router_stage(stanza, STAGE_OFFLINE);

	return verdict == STANZA_PASS ? STANZA_SERVICE_UNAVAILABLE : verdict;
}

static int
message_to_account(struct stanza *stanza, struct recipients *recipients,
    enum rule_action action)
{
	switch (action) {
	case RULE_BEST:
		return deliver_from(stanza, recipients, highest_priority(recipients));
	case RULE_WILLING:	/* a headline is lost where it does not fit */
		deliver_from(stanza, recipients, 0);
		return STANZA_DONE;
	case RULE_KEEP:
		return keep(stanza);
	case RULE_REFUSE:
		return STANZA_SERVICE_UNAVAILABLE;
	default:
		return STANZA_DONE;
	}
}

static int
route_message(struct stanza *stanza)
{
	struct recipients recipients;
	struct route named;
	enum rule_target target = find_target(stanza, &named, &recipients);
	enum rule_action action = rules_find(KIND_MESSAGE, stanza->type, target,
	    resources_of(&recipients));
	int verdict;

	verdict = action == RULE_RESOURCE
	    ? message_to_resource(stanza, &recipients, named.session)
	    : message_to_account(stanza, &recipients, action);
	if (action == RULE_IGNORE || verdict > 0)
		return verdict;
	stanza->recipients = &recipients;
	router_stage(stanza, STAGE_DELIVERED);
	stanza->recipients = NULL;
	return verdict;
}

/*
 * One for the bare JID went to all of the best resources at once, and carbons to those that want them: where such a one
 * is, the account has it. R58: else the others may have it, or it is kept.
 */
int
account_hand_on(struct stanza *stanza)
{
	bool was_for_one = !jid_is_bare(&stanza->to);
	struct recipients recipients;
	bool is_there = false;

	jid_split(stanza->to.bare, &stanza->to);
	find_recipients(stanza, &recipients);
	for (int i = 0; i < recipients.count; i++)
		if (is_available(&recipients.route[i]) &&
		    (recipients.route[i].flags & SLOT_CARBONS))
			return STANZA_DONE;
	is_there = resources_of(&recipients) == RESOURCES_WILLING;
	if (is_there && !was_for_one)
		return STANZA_DONE;
	return is_there ? deliver_from(stanza, &recipients, highest_priority(&recipients))
			: keep(stanza);
}

void
account_bounced(const struct stanza *stanza, struct element *error)
{
	struct stanza bounce = *stanza;
	struct recipients recipients;

	bounce.element = error;
	bounce.type = TYPE_ERROR;
	bounce.from = stanza->to;
	bounce.to = stanza->from;
	bounce.account = stanza->session->account;
	bounce.recipients = &recipients;
	find_recipients(&bounce, &recipients);
	for (int i = 0; i < recipients.count; i++)
		recipients.got[i] = recipients.route[i].session.slot == stanza->origin.slot;
	router_stage(&bounce, STAGE_DELIVERED);
}

/* --- presence and iq --- */

static int
answer_iq(struct stanza *stanza)
{
	struct session *session = stanza->session;
	enum iq_scope scope = session != NULL && session->account == stanza->account
	    ? SCOPE_SELF
	    : SCOPE_ACCOUNT;
	const struct iq_row *row = iq_table_find(stanza->router->iqs, stanza->payload->ns, stanza->payload->name,
	    stanza->type == TYPE_GET ? IQ_GET : IQ_SET, scope);
	return row == NULL ? STANZA_SERVICE_UNAVAILABLE : row->handle(stanza);
}

static int
route_other(struct stanza *stanza)
{
	struct route named;
	enum rule_target target = find_target(stanza, &named, NULL);

	switch (rules_find(stanza->kind, stanza->type, target, RESOURCES_NONE)) {
	case RULE_RESOURCE:
		return deliver_to(stanza, named.session);
	case RULE_AVAILABLE:
		router_deliver_available(stanza, stanza->element, stanza->account);
		return STANZA_DONE;
	case RULE_ANSWER:
		return answer_iq(stanza);
	case RULE_REFUSE:
		return STANZA_SERVICE_UNAVAILABLE;
	default:
		return STANZA_DONE;
	}
}

/* RFC 6121 8.5.1: an unknown account answers like one that is not there; presence stays without answer. */
static int
route_to_nobody(struct stanza *stanza)
{
	return rules_find(stanza->kind, stanza->type, TARGET_ACCOUNT, RESOURCES_UNKNOWN) ==
		RULE_REFUSE
	    ? STANZA_SERVICE_UNAVAILABLE
	    : STANZA_DONE;
}

int
account_route(struct stanza *stanza)
{
	int verdict;

	if (stanza->account == 0)
		return route_to_nobody(stanza);
	verdict = router_stage(stanza, STAGE_INCOMING);
	if (verdict != STANZA_PASS)
		return verdict;
	return stanza->kind == KIND_MESSAGE ? route_message(stanza) : route_other(stanza);
}

int
router_deliver_available(struct stanza *stanza, struct element *element, uint64_t account)
{
	struct registry *registry = router_server(stanza->router)->registry;
	struct txn *txn = registry_read(registry);
	struct route routes[RECIPIENTS_MAX];
	int found = registry_find(registry, txn, account, routes, RECIPIENTS_MAX);
	int count = 0;

	txn_end(&txn);
	for (int i = 0; i < found; i++)
		if (is_available(&routes[i]) && !is_full(stanza, routes[i].session)) {
			router_deliver(stanza, element, routes[i].session);
			count++;
		}
	return count;
}
