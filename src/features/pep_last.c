/* pep_last.c -- who becomes available gets the last item of each node it wants to hear of. */
#include "features/pep_last.h"

#include "features/caps.h"
#include "features/pep.h"
#include "features/roster_store.h"
#include "stream/server.h"
#include "xmpp/delay.h"

#define BATCH_MAX (512u << 10)	/* bytes of payloads that happen as one effect */

struct sending {
	struct session *session;
	struct slice	wanted, before;
	struct slice	owner;		/* bare JID */
	uint64_t	account;	/* the owner's */
	int		next;		/* node */
	bool		is_over;
};

static void
send_item(struct stanza *stanza, const struct sending *sending, const struct pep_node *node,
    const struct pep_item *last)
{
	struct element *message = pep_item_event(stanza, node, sending->owner, last);

	element_set(stanza->arena, message, "to", sending->session->jid.full);
	delay_stamp(stanza->arena, message, sending->owner, last->time_us);
	router_deliver(stanza, message, sending->session->ref);
}

static bool
is_due(struct pep *pep, const struct sending *sending, const struct pep_node *node)
{
	return node->items > 0 && node->config.send_last == PEP_SEND_ON_SUB_AND_PRESENCE &&
	    (node->config.flags & PEP_DELIVER_NOTIFICATIONS) &&
	    caps_wants(sending->wanted, node->name) &&
	    !caps_wants(sending->before, node->name) &&
	    pep_may_read(pep, node, sending->owner, sending->session->jid.bare);
}

static void
send_nodes(struct stanza *stanza, struct sending *sending, struct pep *pep)
{
	struct pep_node *nodes;
	int count = pep_nodes(pep, &nodes);
	size_t bytes = 0;

	while (sending->next < count && bytes < BATCH_MAX) {
		struct pep_node *node = &nodes[sending->next++];
		struct pep_item *items;
		int found;

		if (!is_due(pep, sending, node))
			continue;
		found = pep_items(pep, node, &items);
		if (found == 0)
			continue;
		send_item(stanza, sending, node, &items[found - 1]);
		bytes += items[found - 1].payload.length;
	}
	sending->is_over = sending->next >= count;
}

static int
send_batch(struct stanza *stanza, void *context)
{
	struct sending *sending = context;
	struct server *server = router_server(stanza->router);
	struct txn *txn = store_read(server->core);
	struct pep pep;

	stanza->kind = KIND_MESSAGE;
	pep_read(&pep, server, stanza->arena, txn, sending->account);
	sending->is_over = true;
	if (pep.nodes > 0 && router_has_room(stanza->router, sending->session->ref))
		send_nodes(stanza, sending, &pep);
	txn_end(&txn);
	return STANZA_DONE;
}

static void
send_of(struct sending *sending)
{
	sending->next = 0;
	do
		router_act(sending->session->server, sending->owner, send_batch, sending);
	while (!sending->is_over);
}

/* --- whose nodes --- */

struct contact {
	struct slice	jid;
	uint64_t	account;
	struct contact *next;
};

struct contacts {
	struct arena   arena;
	struct server *server;
	struct txn    *txn;
	struct contact *first;
};

/* Those that have no nodes need no turn of their own. */
static bool
add_contact(void *owner, struct slice jid, unsigned flags)
{
	struct contacts *contacts = owner;
	uint64_t account = store_account_id(contacts->server->core, contacts->txn, jid);
	struct contact *contact;
	struct pep pep;

	if (account == 0)
		return true;
	pep_read(&pep, contacts->server, &contacts->arena, contacts->txn, account);
	if (pep.nodes == 0)
		return true;
	contact = ARENA_NEW(&contacts->arena, struct contact);
	*contact = (struct contact){ arena_copy(&contacts->arena, jid), account,
		contacts->first };
	contacts->first = contact;
	return true;
}

static void
find_contacts(struct session *session, struct contacts *contacts)
{
	struct roster roster;

	contacts->txn = store_read(session->server->core);
	roster_read(&roster, session->server, &contacts->arena, contacts->txn, session->account);
	roster_each_jid(&roster, ROSTER_TO, add_contact, contacts);
	txn_end(&contacts->txn);
}

void
pep_send_last(struct session *session, struct slice wanted, struct slice before)
{
	struct sending sending = { .session = session, .wanted = wanted, .before = before };
	struct contacts contacts = { .server = session->server };

	if (wanted.length == 0)
		return;
	sending.owner = session->jid.bare;
	sending.account = session->account;
	send_of(&sending);
	arena_init(&contacts.arena);
	find_contacts(session, &contacts);
	for (struct contact *contact = contacts.first; contact != NULL; contact = contact->next) {
		sending.owner = contact->jid;
		sending.account = contact->account;
		send_of(&sending);
	}
	arena_clear(&contacts.arena);
}
