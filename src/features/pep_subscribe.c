/* pep_subscribe.c -- XEP-0060 6.1, 6.2, 5.6 and 8.8: who has asked to hear of a node, whatever its client announces. */
#include "features/pep.h"

#include "config/config.h"
#include "features/pep_list.h"
#include "shm/limits.h"
#include "stream/server.h"
#include "xmpp/delay.h"

#define SUBSCRIBED 1	/* the kind in the node's list: there is one state */

static struct element *
add_subscription(struct arena *arena, struct element *parent, enum xml_namespace ns,
    struct slice node, struct slice jid)
{
	struct element *subscription = element_add(arena, parent, ns, "subscription");

	if (node.length > 0)
		element_set(arena, subscription, "node", arena_copy(arena, node));
	element_set(arena, subscription, "jid", arena_copy(arena, jid));
	element_set(arena, subscription, "subscription", SLICE("subscribed"));
	return subscription;
}

/* XEP-0060 6.1.3.1: whoever asks speaks for its own account alone. */
static int
read_jid(struct stanza *stanza, const struct element *action, struct jid *jid)
{
	struct slice text = element_attribute(action, "jid");

	if (text.length == 0 || !jid_parse(stanza->arena, text, jid) ||
	    !slice_equal(jid->bare, stanza->from.bare))
		return pep_refuse(stanza, STANZA_BAD_REQUEST, "invalid-jid");
	return STANZA_PASS;
}

/* --- subscribe --- */

static int
add_subscriber(struct stanza *stanza, struct pep_change *change, struct slice jid)
{
	struct pep_node *node = &change->node;

	if (pep_list_find(node->subscriptions, jid) == 0 &&
	    pep_list_count(node->subscriptions) >= change->pep.server->config->pep_people &&
	    limit_met(change->pep.server->shm, LIMIT_PEP_PEOPLE))
		return pep_refuse(stanza, STANZA_POLICY_VIOLATION, "too-many-subscriptions");
	node->subscriptions = pep_list_set(stanza->arena, node->subscriptions, jid, SUBSCRIBED);
	return STANZA_PASS;
}

static int
compute_subscribe(struct stanza *stanza, struct turn_op *op, struct turn_request *request)
{
	struct element *action = element_first(stanza->payload);
	struct pep_change change;
	struct jid jid;
	int verdict = read_jid(stanza, action, &jid);

	if (verdict == STANZA_PASS)
		verdict = pep_begin(stanza, op->account, action, &change);
	if (verdict != STANZA_PASS)
		return verdict;
	if (!change.node.exists)
		verdict = STANZA_ITEM_NOT_FOUND;
	else if (!pep_may_read(&change.pep, &change.node, stanza->to.bare, stanza->from.bare))
		verdict = pep_refuse_reader(stanza, &change.node);
	else
		verdict = add_subscriber(stanza, &change, jid.full);
	if (verdict == STANZA_PASS)
		verdict = pep_write(&change, true, op, request);
	return pep_end(&change, verdict);
}

/* XEP-0060 6.1.7. */
static void
send_last(struct stanza *stanza, const struct pep_node *node, struct slice jid)
{
	struct server *server = router_server(stanza->router);
	struct txn *txn = store_read(server->core);
	struct element *message = NULL;
	struct pep_node now;
	struct pep_item *items;
	struct pep pep;
	int count = 0;

	pep_read(&pep, server, stanza->arena, txn, stanza->account);
	if (pep_find_node(&pep, node->name, &now))
		count = pep_items(&pep, &now, &items);
	if (count > 0) {
		message = pep_item_event(stanza, node, stanza->to.bare, &items[count - 1]);
		delay_stamp(stanza->arena, message, stanza->to.bare, items[count - 1].time_us);
	}
	txn_end(&txn);
	if (message != NULL)
		pep_notify_one(stanza, node, jid, message);
}

static int
subscribe_is_done(struct stanza *stanza, struct turn_op *op)
{
	struct element *answer = element_new(stanza->arena, NS_PUBSUB, "pubsub");
	struct pep_node node;
	struct jid jid;

	read_jid(stanza, element_first(stanza->payload), &jid);
	pep_node_unpack(op->along, &node);
	add_subscription(stanza->arena, answer, NS_PUBSUB, node.name, jid.full);
	router_reply(stanza, answer);
	if (node.config.send_last != PEP_SEND_NEVER && node.items > 0)
		send_last(stanza, &node, jid.full);
	return STANZA_DONE;
}

int
pep_on_subscribe(struct stanza *stanza, struct element *action)
{
	struct turn_op op = { .kind = TURN_NODES,
		.account = stanza->account,
		.compute = compute_subscribe,
		.done = subscribe_is_done };

	return turn_begin(stanza, &op);
}

/* --- unsubscribe --- */

static int
compute_unsubscribe(struct stanza *stanza, struct turn_op *op, struct turn_request *request)
{
	struct element *action = element_first(stanza->payload);
	struct pep_change change;
	struct pep_node *node = &change.node;
	struct jid jid;
	int verdict = read_jid(stanza, action, &jid);

	if (verdict == STANZA_PASS)
		verdict = pep_begin(stanza, op->account, action, &change);
	if (verdict != STANZA_PASS)
		return verdict;
	if (!node->exists)
		return pep_end(&change, STANZA_ITEM_NOT_FOUND);
	if (pep_list_find(node->subscriptions, jid.full) == 0)
		return pep_end(&change,
		    pep_refuse(stanza, STANZA_UNEXPECTED_REQUEST, "not-subscribed"));
	node->subscriptions = pep_list_set(stanza->arena, node->subscriptions, jid.full, 0);
	return pep_end(&change, pep_write(&change, true, op, request));
}

int
pep_on_unsubscribe(struct stanza *stanza, struct element *action)
{
	struct turn_op op = { .kind = TURN_NODES,
		.account = stanza->account,
		.compute = compute_unsubscribe,
		.done = pep_just_reply };

	return turn_begin(stanza, &op);
}

/* --- what one has subscribed to --- */

static void
list_own(struct stanza *stanza, struct element *list, const struct pep_node *node)
{
	struct slice rest = node->subscriptions;
	struct pep_entry entry;
	struct jid jid;

	while (pep_list_next(&rest, &entry)) {
		jid_split(entry.name, &jid);
		if (slice_equal(jid.bare, stanza->from.bare))
			add_subscription(stanza->arena, list, NS_PUBSUB, node->name, entry.name);
	}
}

int
pep_on_subscriptions(struct stanza *stanza, struct element *action)
{
	struct server *server = router_server(stanza->router);
	struct element *answer = element_new(stanza->arena, NS_PUBSUB, "pubsub");
	struct element *list = element_add(stanza->arena, answer, NS_PUBSUB, "subscriptions");
	struct slice name = element_attribute(action, "node");
	struct txn *txn = store_read(server->core);
	struct pep_node *nodes;
	struct pep pep;
	int count;

	if (name.data != NULL)
		element_set(stanza->arena, list, "node", name);
	pep_read(&pep, server, stanza->arena, txn, stanza->account);
	count = pep_nodes(&pep, &nodes);
	for (int i = 0; i < count; i++)
		if (name.data == NULL || slice_equal(nodes[i].name, name))
			list_own(stanza, list, &nodes[i]);
	txn_end(&txn);
	return router_reply(stanza, answer);
}

/* --- the owner's view --- */

int
pep_on_subscribers_get(struct stanza *stanza, struct element *action)
{
	struct element *answer = element_new(stanza->arena, NS_PUBSUB_OWNER, "pubsub");
	struct element *list = element_add(stanza->arena, answer, NS_PUBSUB_OWNER,
	    "subscriptions");
	struct pep_change change;
	struct pep_entry entry;
	struct slice rest;
	int verdict = pep_begin(stanza, stanza->account, action, &change);

	if (verdict != STANZA_PASS)
		return verdict;
	element_set(stanza->arena, list, "node", change.node.name);
	rest = change.node.subscriptions;
	while (pep_list_next(&rest, &entry))
		add_subscription(stanza->arena, list, NS_PUBSUB_OWNER, SLICE_EMPTY, entry.name);
	verdict = pep_end(&change, change.node.exists ? STANZA_PASS : STANZA_ITEM_NOT_FOUND);
	return verdict == STANZA_PASS ? router_reply(stanza, answer) : verdict;
}

/* A subscription without a state is left as it is (XEP-0060 8.8.2.1). */
static int
set_subscriber(struct stanza *stanza, struct pep_change *change, const struct element *wish)
{
	struct slice text = element_attribute(wish, "jid");
	struct slice state = element_attribute(wish, "subscription");
	struct pep_node *node = &change->node;
	struct jid jid;

	if (!element_is(wish, NS_PUBSUB_OWNER, "subscription") || text.length == 0)
		return STANZA_BAD_REQUEST;
	if (!jid_parse(stanza->arena, text, &jid))
		return STANZA_JID_MALFORMED;
	if (state.data == NULL)
		return STANZA_PASS;
	if (slice_is(state, "subscribed"))
		return add_subscriber(stanza, change, jid.full);
	if (!slice_is(state, "none"))
		return STANZA_NOT_ACCEPTABLE;
	node->subscriptions = pep_list_set(stanza->arena, node->subscriptions, jid.full, 0);
	return STANZA_PASS;
}

static int
compute_subscribers(struct stanza *stanza, struct turn_op *op, struct turn_request *request)
{
	return pep_set_list(stanza, op, request, set_subscriber);
}

int
pep_on_subscribers_set(struct stanza *stanza, struct element *action)
{
	struct turn_op op = { .kind = TURN_NODES,
		.account = stanza->account,
		.compute = compute_subscribers,
		.done = pep_just_reply };

	return turn_begin(stanza, &op);
}
