/* account.c -- stanzas for a local account: its own answers, and its resources (RFC 6121 8.5). */
#include "routing/router_private.h"

#include "config/config.h"
#include "session/session.h"
#include "shm/counters.h"
#include "shm/registry.h"
#include "shm/slots.h"
#include "stream/server.h"

#define ROUTES_MAX 64	/* resources of one account that a stanza may go to */

struct routes {
	struct route route[ROUTES_MAX];
	int	     count;
};

static void
find_routes(struct stanza *stanza, struct routes *routes)
{
	struct registry *registry = router_server(stanza->router)->registry;
	struct txn *txn = registry_read(registry);

	routes->count = registry_find(registry, txn, stanza->account, routes->route, ROUTES_MAX);
	if (routes->count > ROUTES_MAX)
		routes->count = ROUTES_MAX;
	txn_end(&txn);
}

static bool
find_resource(struct stanza *stanza, struct route *route)
{
	struct registry *registry = router_server(stanza->router)->registry;
	struct txn *txn = registry_read(registry);
	bool found = registry_find_resource(registry, txn, stanza->account,
	    stanza->to.resource, route);

	txn_end(&txn);
	return found;
}

/* A session that has outbox_bytes waiting gets no more until its client reads. */
static bool
is_full(struct stanza *stanza, struct slot_ref target)
{
	struct server *server = router_server(stanza->router);
	struct slot *slot = slot_find(server->shm, target);

	if (slot == NULL || outbox_bytes(slot) < (uint64_t)server->config->outbox_bytes)
		return false;
	counter_add(server->shm, COUNTER_OUTBOX_FULL, 1);
	return true;
}

static bool
is_available(const struct route *route)
{
	return (route->flags & SLOT_AVAILABLE) != 0;
}

/* To each of the routes that is available and has at least that priority. */
static int
deliver_from(struct stanza *stanza, const struct routes *routes, int priority, int *full)
{
	int count = 0;

	for (int i = 0; i < routes->count; i++) {
		const struct route *route = &routes->route[i];

		if (!is_available(route) || route->priority < priority)
			continue;
		if (is_full(stanza, route->session)) {
			(*full)++;
			continue;
		}
		router_deliver(stanza, stanza->element, route->session);
		count++;
	}
	return count;
}

static int
highest_priority(const struct routes *routes)
{
	int highest = -1;

	for (int i = 0; i < routes->count; i++)
		if (is_available(&routes->route[i]) && routes->route[i].priority > highest)
			highest = routes->route[i].priority;
	return highest;
}

/* RFC 6121 8.5.2.1.1: all resources that share the highest priority, never a negative one. */
static int
message_to_bare(struct stanza *stanza)
{
	struct routes routes;
	int highest;
	int full = 0;

	if (stanza->type == TYPE_GROUPCHAT)
		return STANZA_SERVICE_UNAVAILABLE;
	if (stanza->type == TYPE_ERROR)
		return STANZA_DONE;
	find_routes(stanza, &routes);
	highest = stanza->type == TYPE_HEADLINE ? 0 : highest_priority(&routes);
	if (highest >= 0 && deliver_from(stanza, &routes, highest, &full) > 0)
		return STANZA_DONE;
	if (stanza->type == TYPE_HEADLINE)
		return STANZA_DONE;
	return full > 0 ? STANZA_RESOURCE_CONSTRAINT : STANZA_SERVICE_UNAVAILABLE;
}

static int
presence_to_bare(struct stanza *stanza)
{
	if (stanza->type == TYPE_AVAILABLE || stanza->type == TYPE_UNAVAILABLE)
		router_deliver_available(stanza, stanza->element, stanza->account);
	return STANZA_DONE;
}

static int
iq_to_bare(struct stanza *stanza)
{
	struct session *session = stanza->session;
	enum iq_scope scope = session != NULL && session->account == stanza->account
	    ? SCOPE_SELF
	    : SCOPE_ACCOUNT;
	const struct iq_row *row;

	if (!stanza_is_request(stanza))
		return STANZA_DONE;
	row = iq_table_find(stanza->router->iqs, stanza->payload->ns, stanza->payload->name,
	    stanza->type == TYPE_GET ? IQ_GET : IQ_SET, scope);
	return row == NULL ? STANZA_SERVICE_UNAVAILABLE : row->handle(stanza);
}

/* RFC 6121 8.5.3.2: nobody has that resource. */
static int
without_resource(struct stanza *stanza)
{
	if (stanza->kind == KIND_IQ)
		return stanza_is_request(stanza) ? STANZA_SERVICE_UNAVAILABLE : STANZA_DONE;
	if (stanza->kind == KIND_PRESENCE)
		return STANZA_DONE;
	if (stanza->type == TYPE_HEADLINE || stanza->type == TYPE_ERROR)
		return STANZA_DONE;
	return message_to_bare(stanza);
}

static int
to_full(struct stanza *stanza)
{
	struct route route;

	if (!find_resource(stanza, &route))
		return without_resource(stanza);
	if (is_full(stanza, route.session))
		return stanza->kind == KIND_PRESENCE ? STANZA_DONE : STANZA_RESOURCE_CONSTRAINT;
	router_deliver(stanza, stanza->element, route.session);
	return STANZA_DONE;
}

/* RFC 6121 8.5.1: an unknown account answers like one that is not there; presence stays without answer. */
static int
to_nobody(struct stanza *stanza)
{
	return stanza->kind == KIND_PRESENCE ? STANZA_DONE : STANZA_SERVICE_UNAVAILABLE;
}

int
account_route(struct stanza *stanza)
{
	int verdict;

	if (stanza->account == 0)
		return to_nobody(stanza);
	verdict = router_stage(stanza, STAGE_INCOMING);
	if (verdict != STANZA_PASS)
		return verdict;
	if (!jid_is_bare(&stanza->to))
		return to_full(stanza);
	switch (stanza->kind) {
	case KIND_MESSAGE:
		return message_to_bare(stanza);
	case KIND_PRESENCE:
		return presence_to_bare(stanza);
	default:
		return iq_to_bare(stanza);
	}
}

int
router_deliver_available(struct stanza *stanza, struct element *element, uint64_t account)
{
	struct registry *registry = router_server(stanza->router)->registry;
	struct txn *txn = registry_read(registry);
	struct routes routes;
	int count = 0;

	routes.count = registry_find(registry, txn, account, routes.route, ROUTES_MAX);
	txn_end(&txn);
	for (int i = 0; i < routes.count && i < ROUTES_MAX; i++)
		if (is_available(&routes.route[i]) && !is_full(stanza, routes.route[i].session)) {
			router_deliver(stanza, element, routes.route[i].session);
			count++;
		}
	return count;
}
