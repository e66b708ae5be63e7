/* pep_notify.c -- XEP-0163 4.3: what happens to a node is told to the resources that want to hear of it. */
#include "features/blocking.h"
#include "features/bookmarks.h"
#include "features/caps.h"
#include "features/pep.h"
#include "features/pep_list.h"
#include "features/roster_store.h"
#include "shm/registry.h"
#include "stream/server.h"
#include "xml/fragment.h"

#define ROUTES_MAX 256

/* --- the message --- */

struct element *
pep_event(struct stanza *stanza, const struct pep_node *node, struct slice owner,
    struct element **event)
{
	struct arena *arena = stanza->arena;
	struct element *message = element_new(arena, NS_CLIENT, "message");

	element_set(arena, message, "from", owner);
	if (!(node->config.flags & PEP_NORMAL_MESSAGES))
		element_set(arena, message, "type", SLICE("headline"));
	*event = element_add(arena, message, NS_PUBSUB_EVENT, "event");
	return message;
}

struct element *
pep_item_event(struct stanza *stanza, const struct pep_node *node, struct slice owner,
    const struct pep_item *item)
{
	struct arena *arena = stanza->arena;
	struct element *event, *payload;
	struct element *message = pep_event(stanza, node, owner, &event);
	struct element *child = element_add(arena, event, NS_PUBSUB_EVENT, "items");

	element_set(arena, child, "node", arena_copy(arena, node->name));
	child = element_add(arena, child, NS_PUBSUB_EVENT, "item");
	element_set(arena, child, "id", arena_copy(arena, item->id));
	payload = node->config.flags & PEP_DELIVER_PAYLOADS
	    ? fragment_read(arena, item->payload)
	    : NULL;
	if (payload != NULL)
		element_append(arena, child, payload);
	return message;
}

/* --- who hears of it --- */

struct telling {
	struct stanza	      *stanza;
	struct server	      *server;
	struct pep	       pep;
	struct txn	      *registry;
	const struct pep_node *node;
	struct slice	       owner;
	struct element	      *message;
	struct delivery_form   form;
	bool		       is_written;
	struct slot_ref	      *told;	/* kept only where somebody has subscribed as well */
	size_t		       told_count, told_room;
};

static void
note(struct telling *telling, struct slot_ref session)
{
	if (telling->node->subscriptions.length == 0)
		return;
	if (telling->told_count == telling->told_room) {
		telling->told_room = telling->told_room == 0 ? 64 : 2 * telling->told_room;
		telling->told = arena_grow(telling->stanza->arena, telling->told,
		    telling->told_count * sizeof(*telling->told),
		    telling->told_room * sizeof(*telling->told));
	}
	telling->told[telling->told_count++] = session;
}

static bool
is_told(const struct telling *telling, struct slot_ref session)
{
	for (size_t i = 0; i < telling->told_count; i++)
		if (telling->told[i].slot == session.slot)
			return true;
	return false;
}

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
	note(telling, session->session);
}

/* XEP-0163 4.3.1: what its client has announced. */
static bool
wants(struct telling *telling, uint64_t account, const struct route *route)
{
	struct slice wanted;

	return caps_of_resource(telling->server, telling->stanza->arena, telling->pep.txn,
		   telling->registry, account, route->resource_hash, &wanted) &&
	    caps_wants(wanted, telling->node->name);
}

/* subscriber: who has asked to hear of it, whatever its client announces; NULL: nobody has. */
static void
tell_account(struct telling *telling, uint64_t account, const struct jid *subscriber)
{
	struct registry *registry = telling->server->registry;
	struct route route[ROUTES_MAX];
	int count = registry_find(registry, telling->registry, account, route, ROUTES_MAX);
	struct registry_session session;

	for (int i = 0; i < count; i++) {
		if (!(route[i].flags & SLOT_AVAILABLE) ||
		    (subscriber == NULL && !wants(telling, account, &route[i])) ||
		    is_told(telling, route[i].session) ||
		    !router_has_room(telling->stanza->router, route[i].session) ||
		    !registry_session_of(registry, telling->registry, route[i].session,
			&session))
			continue;
		if (subscriber == NULL ||
		    (jid_is_bare(subscriber) ? route[i].priority >= 0
					     : slice_equal(subscriber->resource,
						   session.resource)))
			tell(telling, &session);
	}
}

/* XEP-0191 3.3: nothing passes between two of whom one blocks the other. */
static bool
are_apart(struct telling *telling, uint64_t account, struct slice jid)
{
	struct jid owner, reader;

	jid_split(telling->owner, &owner);
	jid_split(jid, &reader);
	return blocking_blocks(telling->server, telling->pep.txn, telling->pep.account, &reader) ||
	    blocking_blocks(telling->server, telling->pep.txn, account, &owner);
}

/* The local account that may hear of it; 0: none. Of other servers nobody is known yet. */
static uint64_t
reader_of(struct telling *telling, struct slice jid)
{
	uint64_t account = store_account_id(telling->server->core, telling->pep.txn, jid);

	return account != 0 &&
		pep_may_read(&telling->pep, telling->node, telling->owner, jid) &&
		!are_apart(telling, account, jid)
	    ? account
	    : 0;
}

/* Those who see the account's presence. */
static bool
tell_contact(void *owner, struct slice jid, unsigned flags)
{
	struct telling *telling = owner;
	uint64_t account = reader_of(telling, jid);

	if (account != 0)
		tell_account(telling, account, NULL);
	return true;
}

static void
tell_contacts(struct telling *telling)
{
	struct roster roster;

	if (telling->node->config.access == PEP_WHITELIST &&
	    telling->node->affiliations.length == 0)
		return;
	roster_read(&roster, telling->server, telling->stanza->arena, telling->pep.txn,
	    telling->pep.account);
	roster_each_jid(&roster, ROSTER_FROM, tell_contact, telling);
}

static void
tell_subscriber(struct telling *telling, struct slice subscriber)
{
	struct jid jid;
	uint64_t account;

	jid_split(subscriber, &jid);
	account = reader_of(telling, jid.bare);
	if (account != 0)
		tell_account(telling, account, &jid);
}

static void
tell_subscribers(struct telling *telling)
{
	struct slice rest = telling->node->subscriptions;
	struct pep_entry entry;

	while (pep_list_next(&rest, &entry))
		tell_subscriber(telling, entry.name);
}

static void
begin(struct telling *telling, struct stanza *stanza, const struct pep_node *node,
    struct element *message)
{
	struct server *server = router_server(stanza->router);

	*telling = (struct telling){ .stanza = stanza,
		.server = server,
		.node = node,
		.owner = stanza->to.bare,
		.message = message };
	pep_read(&telling->pep, server, stanza->arena, store_read(server->core),
	    stanza->account);
	telling->registry = registry_read(server->registry);
}

static void
end(struct telling *telling)
{
	txn_end(&telling->registry);
	txn_end(&telling->pep.txn);
}

void
pep_notify(struct stanza *stanza, const struct pep_node *node, struct element *message)
{
	struct telling telling;

	if (!(node->config.flags & PEP_DELIVER_NOTIFICATIONS))
		return;
	begin(&telling, stanza, node, message);
	tell_account(&telling, stanza->account, NULL);
	tell_contacts(&telling);
	tell_subscribers(&telling);
	end(&telling);
}

void
pep_notify_item(struct stanza *stanza, const struct pep_node *node, struct slice id)
{
	struct server *server = router_server(stanza->router);
	struct txn *txn = store_read(server->core);
	struct element *message = NULL, *event, *items;
	struct pep_node now;
	struct pep_item item;
	struct pep pep;

	pep_read(&pep, server, stanza->arena, txn, stanza->account);
	if (pep_find_node(&pep, node->name, &now) && pep_find_item(&pep, &now, id, &item))
		message = pep_item_event(stanza, node, stanza->to.bare, &item);
	txn_end(&txn);
	if (message == NULL) {
		if (!(node->config.flags & PEP_NOTIFY_RETRACT))
			return;
		message = pep_event(stanza, node, stanza->to.bare, &event);
		items = element_add(stanza->arena, event, NS_PUBSUB_EVENT, "items");
		element_set(stanza->arena, items, "node", node->name);
		element_set(stanza->arena,
		    element_add(stanza->arena, items, NS_PUBSUB_EVENT, "retract"), "id", id);
	}
	pep_notify(stanza, node, message);
}

/* The node that goes with that of the op, as it stands now. */
static bool
find_also(struct stanza *stanza, const struct turn_op *op, struct pep_node *also)
{
	struct server *server = router_server(stanza->router);
	struct txn *txn = store_read(server->core);
	struct pep_node node;
	struct pep pep;
	bool is_found;

	pep_read(&pep, server, stanza->arena, txn, stanza->account);
	is_found = pep_node_unpack(op->along, &node) && bookmarks_other(node.name) != NULL &&
	    pep_find_node(&pep, slice_from_text(bookmarks_other(node.name)), also) &&
	    pep_node_unpack(pep_node_pack(stanza->arena, also), also);
	txn_end(&txn);
	return is_found;
}

void
pep_notify_also(struct stanza *stanza, const struct turn_op *op)
{
	struct slice rest = op->also;
	struct pep_entry entry;
	struct pep_node also;

	if (op->also.length == 0 || !find_also(stanza, op, &also))
		return;
	while (pep_list_next(&rest, &entry))
		pep_notify_item(stanza, &also, arena_copy(stanza->arena, entry.name));
}

void
pep_notify_one(struct stanza *stanza, const struct pep_node *node, struct slice subscriber,
    struct element *message)
{
	struct telling telling;

	begin(&telling, stanza, node, message);
	tell_subscriber(&telling, subscriber);
	end(&telling);
}
