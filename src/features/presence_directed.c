/* presence_directed.c -- who was sent presence by name is told of its end too (RFC 6121 4.6). */
#include "features/presence.h"

#include "base/result.h"
#include "config/config.h"
#include "session/session.h"
#include "shm/limits.h"
#include "shm/registry.h"
#include "stream/server.h"

/* The contact hears of it with all the others. */
static bool
is_in_broadcast(struct stanza *stanza)
{
	struct server *server = router_server(stanza->router);
	struct txn *txn = store_read(server->core);
	unsigned flags = roster_flags(server, txn, stanza->session->account, stanza->to.bare);

	txn_end(&txn);
	return stanza->session->available && (flags & ROSTER_FROM);
}

static int
remember(struct stanza *stanza)
{
	struct server *server = router_server(stanza->router);
	int result = registry_direct(server->registry, stanza->origin, stanza->to.bare,
	    stanza->to.full, (uint32_t)server->config->directed_presences);

	if (result == RESULT_OK)
		return STANZA_PASS;
	if (result == RESULT_FULL)
		limit_bite(server->shm, LIMIT_DIRECTED);
	return result == RESULT_FULL ? STANZA_RESOURCE_CONSTRAINT : STANZA_INTERNAL_SERVER_ERROR;
}

int
presence_direct(struct stanza *stanza)
{
	if (slice_equal(stanza->to.bare, stanza->from.bare) || stanza->to.local.length == 0)
		return STANZA_PASS;
	if (stanza->type == TYPE_AVAILABLE)
		return is_in_broadcast(stanza) ? STANZA_PASS : remember(stanza);
	registry_undirect(router_server(stanza->router)->registry, stanza->origin,
	    stanza->to.bare);
	return STANZA_PASS;
}

/* --- the end --- */

struct farewell {
	struct stanza *stanza;
	struct slice  *address;
	int	       count;
	int	       room;
};

static bool
note(void *owner, struct slice bare, struct slice address)
{
	struct farewell *farewell = owner;

	(void)bare;
	if (farewell->count == farewell->room) {
		farewell->address = arena_grow(farewell->stanza->arena, farewell->address,
		    (size_t)farewell->room * sizeof(struct slice),
		    (size_t)(farewell->room + 64) * sizeof(struct slice));
		farewell->room += 64;
	}
	farewell->address[farewell->count++] = slice_of(address.data, address.length);
	return true;
}

/*
 * All available resources of a local account, since each may have been the one that was named, and that one itself where
 * it is not available. Rooms and other servers will get it at the address that was used.
 */
static void
tell(struct farewell *farewell, struct slice address, const struct element *presence)
{
	struct stanza *stanza = farewell->stanza;
	struct server *server = router_server(stanza->router);
	struct audience *audience = arena_alloc(stanza->arena, sizeof(*audience));
	struct route route;
	struct txn *txn;
	uint64_t account;
	struct jid jid;
	bool is_named;

	jid_split(address, &jid);
	account = router_account(stanza->router, &jid);
	if (account == 0)
		return;
	audience_account(stanza, audience, jid.bare, account);
	audience_send(stanza, audience, presence);
	if (jid_is_bare(&jid))
		return;
	txn = registry_read(server->registry);
	is_named = registry_find_resource(server->registry, txn, account, jid.resource, &route);
	txn_end(&txn);
	if (!is_named || (route.flags & SLOT_AVAILABLE))
		return;
	audience_one(stanza, audience, jid.full, route.session);
	audience_send(stanza, audience, presence);
}

void
presence_undirect(struct stanza *stanza, struct slot_ref session, struct element *presence)
{
	struct server *server = router_server(stanza->router);
	struct farewell farewell = { .stanza = stanza };
	struct txn *txn = registry_read(server->registry);

	registry_directed(server->registry, txn, session, note, &farewell);
	for (int i = 0; i < farewell.count; i++)
		farewell.address[i] = arena_copy(stanza->arena, farewell.address[i]);
	txn_end(&txn);
	for (int i = 0; i < farewell.count; i++)
		tell(&farewell, farewell.address[i], presence);
	if (farewell.count > 0)
		registry_undirect_all(server->registry, session);
}
