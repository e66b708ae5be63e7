/* pep_notify.c -- XEP-0163 4.3: what happens to a node is told to the resources that want to hear of it. */
#include "features/caps.h"
#include "features/pep.h"
#include "features/roster_store.h"
#include "shm/registry.h"
#include "stream/server.h"

#define ROUTES_MAX 256

struct element *
pep_event(struct stanza *stanza, struct slice owner, struct element **event)
{
	struct arena *arena = stanza->arena;
	struct element *message = element_new(arena, NS_CLIENT, "message");

	element_set(arena, message, "from", owner);
	element_set(arena, message, "type", SLICE("headline"));
	*event = element_add(arena, message, NS_PUBSUB_EVENT, "event");
	return message;
}

bool
pep_may_read(struct pep *pep, const struct pep_config *config, struct slice owner,
    struct slice reader)
{
	struct roster roster;
	struct roster_item *item;

	if (slice_equal(owner, reader) || config->access == PEP_OPEN)
		return true;
	if (config->access != PEP_PRESENCE)
		return false;
	item = arena_alloc(pep->arena, sizeof(*item));
	roster_read(&roster, pep->server, pep->arena, pep->txn, pep->account);
	return roster_find(&roster, reader, item) && (item->flags & ROSTER_FROM);
}

/* --- who hears of it --- */

struct telling {
	struct stanza	    *stanza;
	struct server	    *server;
	struct txn	    *core, *registry;
	struct slice	     node;
	struct element	    *message;
	struct delivery_form form;
	bool		     is_written;
};

static void
tell(struct telling *telling, const struct registry_session *session)
{
	struct delivery *delivery = router_delivery(telling->stanza);
	struct arena *arena = telling->stanza->arena;

	if (!telling->is_written)
		telling->form = delivery_form(delivery, KIND_MESSAGE, telling->message);
	telling->is_written = true;
	delivery_add_form(delivery, &telling->form,
	    delivery_to(delivery,
		arena_printf(arena, SLICE_FMT "/" SLICE_FMT, SLICE_ARG(session->bare_jid),
		    SLICE_ARG(session->resource))),
	    session->session);
}

static void
tell_account(struct telling *telling, uint64_t account)
{
	struct registry *registry = telling->server->registry;
	struct route route[ROUTES_MAX];
	int count = registry_find(registry, telling->registry, account, route, ROUTES_MAX);
	struct registry_session session;
	struct slice wanted;

	for (int i = 0; i < count; i++)
		if ((route[i].flags & SLOT_AVAILABLE) &&
		    caps_of_resource(telling->server, telling->stanza->arena, telling->core,
			telling->registry, account, route[i].resource_hash, &wanted) &&
		    caps_wants(wanted, telling->node) &&
		    router_has_room(telling->stanza->router, route[i].session) &&
		    registry_session_of(registry, telling->registry, route[i].session, &session))
			tell(telling, &session);
}

static bool
tell_contact(void *owner, struct slice jid, unsigned flags)
{
	struct telling *telling = owner;
	uint64_t account = store_account_id(telling->server->core, telling->core, jid);

	if (account != 0)
		tell_account(telling, account);
	return true;
}

/* Those who see the account's presence; of other servers nobody is known yet. */
static void
tell_contacts(struct telling *telling, uint64_t account)
{
	struct roster roster;

	roster_read(&roster, telling->server, telling->stanza->arena, telling->core, account);
	roster_each_jid(&roster, ROSTER_FROM, tell_contact, telling);
}

void
pep_notify(struct stanza *stanza, const struct pep_config *config, struct slice node,
    struct element *message)
{
	struct server *server = router_server(stanza->router);
	struct telling telling = { .stanza = stanza,
		.server = server,
		.node = node,
		.message = message };

	if (!(config->flags & PEP_DELIVER_NOTIFICATIONS))
		return;
	telling.core = store_read(server->core);
	telling.registry = registry_read(server->registry);
	tell_account(&telling, stanza->account);
	if (config->access != PEP_WHITELIST)
		tell_contacts(&telling, stanza->account);
	txn_end(&telling.registry);
	txn_end(&telling.core);
}
