/* presence_probe.c -- whoever asks for a presence it may see gets it, read from the registry (RFC 6121 4.3). */
#include "features/presence.h"

#include "config/config.h"
#include "features/blocking.h"
#include "session/session.h"
#include "stream/server.h"

#define NOBODY ((struct slot_ref){ UINT32_MAX, 0 })

/* A client that probes gets the answer itself; for others it goes to the available resources. */
static void
find_viewer(struct stanza *stanza, struct audience *audience, uint64_t viewer)
{
	if (stanza->origin.slot != UINT32_MAX)
		audience_one(stanza, audience, stanza->from.full, stanza->origin);
	else
		audience_account(stanza, audience, stanza->from.bare, viewer);
}

static bool
may_see(struct stanza *stanza, uint64_t owner, uint64_t viewer)
{
	struct txn *txn;
	bool is_seen;

	if (owner == 0)
		return false;
	txn = store_read(router_server(stanza->router)->core);
	is_seen = presence_is_seen(stanza, txn, owner, stanza->to.bare, viewer,
	    stanza->from.bare);
	txn_end(&txn);
	return is_seen;
}

static bool
is_blocked(struct stanza *stanza, uint64_t owner)
{
	struct server *server = router_server(stanza->router);
	struct txn *txn;
	bool found;

	if (owner == 0 || slice_equal(stanza->to.bare, stanza->from.bare))
		return false;
	txn = store_read(server->core);
	found = blocking_blocks(server, txn, owner, &stanza->from);
	txn_end(&txn);
	return found;
}

static void
answer(struct stanza *stanza, const struct audience *audience, uint64_t owner)
{
	bool is_shown = jid_is_bare(&stanza->to)
	    ? presence_show(stanza, audience, owner, NOBODY) > 0
	    : presence_show_resource(stanza, audience, owner, stanza->to.resource);

	if (!is_shown)
		audience_send(stanza, audience,
		    presence_made(stanza, "unavailable", stanza->to.full));
}

/* An account that does not exist answers like one that tells nothing. */
int
presence_on_probe(struct stanza *stanza)
{
	struct audience *audience = arena_alloc(stanza->arena, sizeof(*audience));
	uint64_t viewer = stanza->session != NULL ? stanza->session->account
						  : router_account(stanza->router, &stanza->from);
	uint64_t owner;

	find_viewer(stanza, audience, viewer);
	if (stanza->to.local.length == 0) {
		audience_send(stanza, audience,
		    presence_made(stanza, NULL, stanza->to.domain));
		return STANZA_DONE;
	}
	owner = router_account(stanza->router, &stanza->to);
	if (is_blocked(stanza, owner))
		return STANZA_DONE;	/* XEP-0191 3.3: no answer, not even a refusal */
	if (may_see(stanza, owner, viewer))
		answer(stanza, audience, owner);
	else
		audience_send(stanza, audience,
		    presence_made(stanza, "unsubscribed", stanza->to.bare));
	return STANZA_DONE;
}
