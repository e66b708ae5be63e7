/* presence_audience.c -- presence on its way to many: found in rosters and registry, written once. */
#include "features/presence.h"

#include "features/blocking.h"
#include "shm/registry.h"
#include "stream/server.h"

static struct registry *
registry_of(struct stanza *stanza)
{
	return router_server(stanza->router)->registry;
}

/* --- whom --- */

void
audience_one(struct stanza *stanza, struct audience *audience, struct slice to,
    struct slot_ref session)
{
	audience->count = 0;
	if (!router_has_room(stanza->router, session))
		return;
	audience->session[audience->count++] = session;
	audience->to = delivery_to(router_delivery(stanza), to);
}

static void
add_routes(struct stanza *stanza, struct audience *audience, struct txn *txn, uint64_t account,
    uint32_t flag)
{
	struct route route[AUDIENCE_MAX];
	int count = registry_find(registry_of(stanza), txn, account, route, AUDIENCE_MAX);

	audience->count = 0;
	for (int i = 0; i < count; i++)
		if ((route[i].flags & flag) && router_has_room(stanza->router, route[i].session))
			audience->session[audience->count++] = route[i].session;
}

static void
find(struct stanza *stanza, struct audience *audience, struct slice to, uint64_t account,
    uint32_t flag)
{
	struct txn *txn = registry_read(registry_of(stanza));

	add_routes(stanza, audience, txn, account, flag);
	txn_end(&txn);
	if (audience->count > 0)
		audience->to = delivery_to(router_delivery(stanza), to);
}

void
audience_account(struct stanza *stanza, struct audience *audience, struct slice to,
    uint64_t account)
{
	find(stanza, audience, to, account, SLOT_AVAILABLE);
}

void
audience_interested(struct stanza *stanza, struct audience *audience, struct slice to,
    uint64_t account)
{
	find(stanza, audience, to, account, SLOT_INTERESTED);
}

/* --- what --- */

static void
send_form(struct stanza *stanza, const struct audience *audience,
    const struct delivery_form *form)
{
	for (int i = 0; i < audience->count; i++)
		delivery_add_form(router_delivery(stanza), form, audience->to,
		    audience->session[i]);
}

void
audience_send(struct stanza *stanza, const struct audience *audience,
    const struct element *presence)
{
	struct delivery_form form;

	if (audience->count == 0)
		return;
	form = delivery_form(router_delivery(stanza), KIND_PRESENCE, presence);
	send_form(stanza, audience, &form);
}

struct element *
presence_made(struct stanza *stanza, const char *type, struct slice from)
{
	struct element *presence = element_new(stanza->arena, NS_CLIENT, "presence");

	if (type != NULL)
		element_set(stanza->arena, presence, "type", slice_from_text(type));
	element_set(stanza->arena, presence, "from", arena_copy(stanza->arena, from));
	return presence;
}

/* Stored without "to", as it stands in the registry. */
static bool
show_route(struct stanza *stanza, const struct audience *audience, struct txn *txn,
    uint64_t account, const struct route *route)
{
	struct delivery_form form;
	struct slice presence;

	if (!(route->flags & SLOT_AVAILABLE) ||
	    !registry_presence(registry_of(stanza), txn, account, route->resource_hash,
		&presence))
		return false;
	if (audience->count == 0)
		return true;
	form = delivery_form_of(router_delivery(stanza), KIND_PRESENCE, presence);
	send_form(stanza, audience, &form);
	return true;
}

static bool
is_same(struct slot_ref a, struct slot_ref b)
{
	return a.slot == b.slot && a.epoch == b.epoch;
}

int
presence_show(struct stanza *stanza, const struct audience *audience, uint64_t account,
    struct slot_ref except)
{
	struct txn *txn = registry_read(registry_of(stanza));
	struct route route[AUDIENCE_MAX];
	int count = registry_find(registry_of(stanza), txn, account, route, AUDIENCE_MAX);
	int shown = 0;

	for (int i = 0; i < count; i++)
		if (!is_same(route[i].session, except))
			shown += show_route(stanza, audience, txn, account, &route[i]);
	txn_end(&txn);
	return shown;
}

bool
presence_show_resource(struct stanza *stanza, const struct audience *audience,
    uint64_t account, struct slice resource)
{
	struct txn *txn = registry_read(registry_of(stanza));
	struct route route;
	bool is_shown =
	    registry_find_resource(registry_of(stanza), txn, account, resource, &route) &&
	    show_route(stanza, audience, txn, account, &route);

	txn_end(&txn);
	return is_shown;
}

static void
hide_route(struct stanza *stanza, const struct audience *audience, struct txn *txn,
    const struct route *route)
{
	struct registry_session session;

	if (!registry_session_of(registry_of(stanza), txn, route->session, &session))
		return;
	audience_send(stanza, audience,
	    presence_made(stanza, "unavailable",
		arena_printf(stanza->arena, SLICE_FMT "/" SLICE_FMT,
		    SLICE_ARG(session.bare_jid), SLICE_ARG(session.resource))));
}

int
presence_hide(struct stanza *stanza, const struct audience *audience, uint64_t account)
{
	struct txn *txn = registry_read(registry_of(stanza));
	struct route route[AUDIENCE_MAX];
	int count = registry_find(registry_of(stanza), txn, account, route, AUDIENCE_MAX);
	int hidden = 0;

	for (int i = 0; i < count; i++)
		if (route[i].flags & SLOT_AVAILABLE) {
			hide_route(stanza, audience, txn, &route[i]);
			hidden++;
		}
	txn_end(&txn);
	return hidden;
}

/* --- all that see it --- */

static bool
blocks(struct server *server, struct txn *core, uint64_t account, struct slice other)
{
	struct jid jid;

	jid_split(other, &jid);
	return blocking_blocks(server, core, account, &jid);
}

/* XEP-0191 3.3: neither sees the other, whichever of them blocks. */
static bool
are_apart(struct server *server, struct txn *core, uint64_t a, struct slice a_jid, uint64_t b,
    struct slice b_jid)
{
	return blocks(server, core, a, b_jid) || blocks(server, core, b, a_jid);
}

bool
presence_is_seen(struct stanza *stanza, struct txn *core, uint64_t owner, struct slice owner_jid,
    uint64_t viewer, struct slice viewer_jid)
{
	struct server *server = router_server(stanza->router);

	return owner == viewer ||
	    ((roster_flags(server, core, owner, viewer_jid) & ROSTER_FROM) &&
		(roster_flags(server, core, viewer, owner_jid) & ROSTER_TO) &&
		!are_apart(server, core, owner, owner_jid, viewer, viewer_jid));
}

struct broadcast {
	struct stanza	    *stanza;
	struct txn	    *core;
	struct txn	    *registry;
	struct slice	     from;	/* bare */
	uint64_t	     account;	/* of from */
	struct delivery_form form;
	struct audience	     audience;
};

static void
reach(struct broadcast *broadcast, struct slice to, uint64_t account)
{
	struct audience *audience = &broadcast->audience;

	add_routes(broadcast->stanza, audience, broadcast->registry, account, SLOT_AVAILABLE);
	if (audience->count == 0)
		return;
	audience->to = delivery_to(router_delivery(broadcast->stanza), to);
	send_form(broadcast->stanza, audience, &broadcast->form);
}

/* Contacts of other servers will take their place here. */
static bool
reach_contact(void *owner, struct slice jid, unsigned flags)
{
	struct broadcast *broadcast = owner;
	struct server *server = router_server(broadcast->stanza->router);
	uint64_t account = store_account_id(server->core, broadcast->core, jid);

	if (account != 0 &&
	    (roster_flags(server, broadcast->core, account, broadcast->from) & ROSTER_TO) &&
	    !are_apart(server, broadcast->core, broadcast->account, broadcast->from, account, jid))
		reach(broadcast, jid, account);
	return true;
}

void
presence_broadcast(struct stanza *stanza, const struct element *presence, uint64_t account)
{
	struct server *server = router_server(stanza->router);
	struct broadcast *broadcast = arena_alloc(stanza->arena, sizeof(*broadcast));
	struct roster roster;

	broadcast->stanza = stanza;
	broadcast->from = stanza->from.bare;
	broadcast->account = account;
	broadcast->form = delivery_form(router_delivery(stanza), KIND_PRESENCE, presence);
	broadcast->core = store_read(server->core);
	broadcast->registry = registry_read(server->registry);
	reach(broadcast, stanza->from.bare, account);
	roster_read(&roster, server, stanza->arena, broadcast->core, account);
	roster_each_jid(&roster, ROSTER_FROM, reach_contact, broadcast);
	txn_end(&broadcast->registry);
	txn_end(&broadcast->core);
}
