/* roster_push.c -- interested resources hear of every version of their roster, once and in order. */
#include "features/roster_push.h"

#include "shm/registry.h"
#include "shm/slots.h"
#include "stream/server.h"

#define ROUTES_MAX 256

struct listener {
	struct slot_ref	    session;
	uint64_t	    told;	/* as struct slot has it: 1 + a version */
	struct effect_piece to;
};

struct push {
	struct stanza  *stanza;
	struct roster	roster;
	struct listener listener[ROUTES_MAX];
	int		count;
	uint64_t	least;		/* told to anyone */
};

struct slice
roster_push_version(struct arena *arena, uint64_t account, uint64_t version)
{
	return arena_printf(arena, "%llu.%llu", (unsigned long long)account,
	    (unsigned long long)version);
}

bool
roster_push_parse(struct slice text, uint64_t account, uint64_t *version)
{
	size_t dot = slice_find(text, '.');
	int64_t numbers[2];

	if (dot == text.length ||
	    !slice_to_int(slice_of(text.data, dot), 0, INT64_MAX, &numbers[0]) ||
	    !slice_to_int(slice_after(text, dot + 1), 0, INT64_MAX, &numbers[1]) ||
	    (uint64_t)numbers[0] != account)
		return false;
	*version = (uint64_t)numbers[1];
	return true;
}

struct element *
roster_push_element(struct arena *arena, uint64_t account, uint64_t version,
    const struct roster_item *item)
{
	struct element *iq = element_new(arena, NS_CLIENT, "iq");
	struct element *query = element_add(arena, iq, NS_ROSTER, "query");

	element_set(arena, iq, "type", SLICE("set"));
	element_set(arena, iq, "id",
	    arena_printf(arena, "push%llu", (unsigned long long)version));
	element_set(arena, query, "ver", roster_push_version(arena, account, version));
	roster_item_show(arena, query, item);
	return iq;
}

/* Who has asked for the roster and not been told all of it. told 0: its answer is on the way, and who gives it looks again. */
static void
consider(struct push *push, const struct registry_session *session)
{
	struct server *server = push->roster.server;
	struct slot *slot = slot_find(server->shm, session->session);
	struct arena *arena = push->stanza->arena;
	uint64_t told = slot == NULL ? 0 : atomic_load(&slot->told);

	if (told == 0 || told > push->roster.version ||
	    !router_has_room(push->stanza->router, session->session))
		return;
	if (push->count == 0 || told < push->least)
		push->least = told;
	push->listener[push->count++] = (struct listener){ session->session, told,
		delivery_to(router_delivery(push->stanza),
		    arena_printf(arena, SLICE_FMT "/" SLICE_FMT, SLICE_ARG(session->bare_jid),
			SLICE_ARG(session->resource))) };
}

static void
find_listeners(struct push *push)
{
	struct registry *registry = push->roster.server->registry;
	struct txn *txn = registry_read(registry);
	struct route route[ROUTES_MAX];
	int count = registry_find(registry, txn, push->roster.account, route, ROUTES_MAX);
	struct registry_session session;

	for (int i = 0; i < count; i++)
		if ((route[i].flags & SLOT_INTERESTED) &&
		    registry_session_of(registry, txn, route[i].session, &session))
			consider(push, &session);
	txn_end(&txn);
}

static void
tell(struct push *push, uint64_t version)
{
	struct delivery *delivery = router_delivery(push->stanza);
	struct roster_item item;
	struct delivery_form form;

	if (!roster_change(&push->roster, version, &item))
		return;
	form = delivery_form(delivery, KIND_IQ,
	    roster_push_element(push->stanza->arena, push->roster.account, version, &item));
	for (int i = 0; i < push->count; i++) {
		if (push->listener[i].told > version)
			continue;
		delivery_add_form(delivery, &form, push->listener[i].to,
		    push->listener[i].session);
		delivery_tells(delivery, STEP_TELLS_NEXT, version + 1);
	}
}

/* Whoever fell behind the log, its outbox full for two hundred changes, begins anew. */
static void
reset_those_behind(struct push *push)
{
	for (int i = 0; i < push->count; i++)
		if (push->listener[i].told + ROSTER_LOG <= push->roster.version)
			slot_ask(push->roster.server->shm, push->listener[i].session,
			    ORDER_RESET);
}

void
roster_push(struct stanza *stanza, uint64_t account)
{
	struct server *server = router_server(stanza->router);
	struct txn *txn = store_read(server->core);
	struct push *push = arena_alloc(stanza->arena, sizeof(*push));

	push->stanza = stanza;
	push->count = 0;
	roster_read(&push->roster, server, stanza->arena, txn, account);
	find_listeners(push);
	reset_those_behind(push);
	for (uint64_t version = push->least; push->count > 0 && version <= push->roster.version;
	     version++)
		tell(push, version);
	txn_end(&txn);
}
