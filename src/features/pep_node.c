/* pep_node.c -- XEP-0060 8: nodes are made, configured, emptied and deleted by their owner. */
#include "features/pep.h"

#include "config/config.h"
#include "shm/limits.h"
#include "stream/server.h"

#define NODE_CONFIG "http://jabber.org/protocol/pubsub#node_config"

static int
take_form(struct stanza *stanza, struct pep_change *change, const struct element *configure)
{
	const struct element *form = configure == NULL ? NULL : element_first(configure);

	if (form == NULL)
		return STANZA_PASS;
	switch (pep_config_submit(stanza->arena, form, NODE_CONFIG, change->most,
	    &change->node.config)) {
	case PEP_FORM_INVALID:
		return STANZA_BAD_REQUEST;
	case PEP_FORM_UNSUPPORTED:
		return STANZA_NOT_ACCEPTABLE;
	case PEP_FORM_ACCESS:	/* XEP-0060 8.1.3 */
		return pep_refuse(stanza, STANZA_NOT_ACCEPTABLE, "unsupported-access-model");
	default:
		return STANZA_PASS;
	}
}

/* --- create --- */

static int
compute_create(struct stanza *stanza, struct turn_op *op, struct turn_request *request)
{
	const struct config *config = router_server(stanza->router)->config;
	struct pep_change change;
	int verdict = pep_begin(stanza, op->account, element_first(stanza->payload), &change);

	if (verdict != STANZA_PASS)
		return verdict;
	verdict = take_form(stanza, &change,
	    element_child(stanza->payload, NS_PUBSUB, "configure"));
	if (change.node.exists)
		verdict = STANZA_CONFLICT;
	else if (verdict == STANZA_PASS && change.pep.nodes >= config->pep_nodes &&
	    limit_met(change.pep.server->shm, LIMIT_PEP_NODES))
		verdict = pep_refuse(stanza, STANZA_CONFLICT, "max-nodes-exceeded");
	if (verdict == STANZA_PASS) {
		change.node.exists = true;
		verdict = pep_write(&change, false, op, request);
	}
	return pep_end(&change, verdict);
}

int
pep_on_create(struct stanza *stanza, struct element *action)
{
	struct turn_op op = { .kind = TURN_NODES,
		.account = stanza->account,
		.compute = compute_create,
		.done = pep_just_reply };

	return turn_begin(stanza, &op);
}

/* --- delete and purge --- */

/* As many as one request takes; true when none is left. */
static bool
drop_items(struct pep_change *change, struct turn_request *request)
{
	struct pep_item *items;
	int count = pep_items(&change->pep, &change->node, &items);
	int i = 0;

	while (i < count && pep_has_room(request))
		pep_change_drop(change, &items[i++], request);
	return i == count;
}

static int
empty(struct stanza *stanza, struct turn_op *op, struct turn_request *request, bool and_delete)
{
	struct pep_change change;
	int verdict = pep_begin(stanza, op->account, element_first(stanza->payload), &change);

	if (verdict != STANZA_PASS)
		return verdict;
	if (!change.node.exists)
		return pep_end(&change, STANZA_ITEM_NOT_FOUND);
	op->is_partial = !drop_items(&change, request);
	if (op->is_again)	/* what an earlier part has left of the node that goes with it */
		pep_note_item(&change, SLICE_EMPTY, SLICE_EMPTY);
	verdict = pep_follow(&change, op, request);
	change.node.exists = !and_delete || op->is_partial;
	if (verdict == STANZA_PASS)
		verdict = pep_write(&change, true, op, request);
	return pep_end(&change, verdict);
}

static int
compute_delete(struct stanza *stanza, struct turn_op *op, struct turn_request *request)
{
	return empty(stanza, op, request, true);
}

static int
compute_purge(struct stanza *stanza, struct turn_op *op, struct turn_request *request)
{
	return empty(stanza, op, request, false);
}

/* Where the node says so. */
static void
tell(struct stanza *stanza, const struct turn_op *op, const char *what, uint32_t flag)
{
	struct element *message, *event;
	struct pep_node node;

	if (op->along.length == 0 || !pep_node_unpack(op->along, &node) ||
	    !(node.config.flags & flag))
		return;
	message = pep_event(stanza, &node, stanza->to.bare, &event);
	element_set(stanza->arena, element_add(stanza->arena, event, NS_PUBSUB_EVENT, what),
	    "node", node.name);
	pep_notify(stanza, &node, message);
}

static int
reply_and_tell(struct stanza *stanza, const struct turn_op *op, const char *what, uint32_t flag)
{
	router_reply(stanza, NULL);
	tell(stanza, op, what, flag);
	pep_notify_also(stanza, op);
	return STANZA_DONE;
}

static int
delete_is_done(struct stanza *stanza, struct turn_op *op)
{
	return reply_and_tell(stanza, op, "delete", PEP_NOTIFY_DELETE);
}

static int
purge_is_done(struct stanza *stanza, struct turn_op *op)
{
	return reply_and_tell(stanza, op, "purge", PEP_NOTIFY_RETRACT);
}

int
pep_on_delete(struct stanza *stanza, struct element *action)
{
	struct turn_op op = { .kind = TURN_NODES,
		.account = stanza->account,
		.compute = compute_delete,
		.done = delete_is_done };

	return turn_begin(stanza, &op);
}

int
pep_on_purge(struct stanza *stanza, struct element *action)
{
	struct turn_op op = { .kind = TURN_NODES,
		.account = stanza->account,
		.compute = compute_purge,
		.done = purge_is_done };

	return turn_begin(stanza, &op);
}

/* --- configure --- */

int
pep_on_configure_get(struct stanza *stanza, struct element *action)
{
	struct element *answer = element_new(stanza->arena, NS_PUBSUB_OWNER, "pubsub");
	struct element *configure = element_add(stanza->arena, answer, NS_PUBSUB_OWNER,
	    "configure");
	struct pep_change change;
	int verdict = pep_begin(stanza, stanza->account, action, &change);

	if (verdict != STANZA_PASS)
		return verdict;
	element_set(stanza->arena, configure, "node", change.node.name);
	element_append(stanza->arena, configure,
	    pep_config_form(stanza->arena, &change.node.config));
	verdict = pep_end(&change, change.node.exists ? STANZA_PASS : STANZA_ITEM_NOT_FOUND);
	return verdict == STANZA_PASS ? router_reply(stanza, answer) : verdict;
}

/* XEP-0060 8.3: what a node gets that says nothing. */
int
pep_on_default(struct stanza *stanza, struct element *action)
{
	struct element *answer = element_new(stanza->arena, NS_PUBSUB_OWNER, "pubsub");
	struct element *child = element_add(stanza->arena, answer, NS_PUBSUB_OWNER, "default");
	struct pep_config config;

	pep_config_default(element_attribute(action, "node"), &config);
	element_append(stanza->arena, child, pep_config_form(stanza->arena, &config));
	return router_reply(stanza, answer);
}

/* Fewer items than there are: the oldest go. */
static void
drop_beyond(struct pep_change *change, struct turn_op *op, struct turn_request *request)
{
	uint32_t keep = pep_config_items(&change->node.config, change->most);
	struct pep_item *items;
	int count;

	if (change->node.items <= keep)
		return;
	count = pep_items(&change->pep, &change->node, &items);
	for (int i = 0; i < count && change->node.items > keep; i++) {
		if (!pep_has_room(request)) {
			op->is_partial = true;
			return;
		}
		pep_change_drop(change, &items[i], request);
	}
}

static int
compute_configure(struct stanza *stanza, struct turn_op *op, struct turn_request *request)
{
	struct element *action = element_first(stanza->payload);
	struct element *form = element_first(action);
	struct pep_change change;
	int verdict;

	/* XEP-0060 8.2.5.1: a form that was cancelled changes nothing. */
	if (form != NULL && slice_is(element_attribute(form, "type"), "cancel"))
		return STANZA_PASS;
	verdict = pep_begin(stanza, op->account, element_first(stanza->payload), &change);
	if (verdict != STANZA_PASS)
		return verdict;
	if (!change.node.exists)
		return pep_end(&change, STANZA_ITEM_NOT_FOUND);
	verdict = form == NULL ? STANZA_BAD_REQUEST : take_form(stanza, &change, action);
	if (verdict == STANZA_PASS) {
		drop_beyond(&change, op, request);
		verdict = pep_write(&change, true, op, request);
	}
	return pep_end(&change, verdict);
}

static int
configure_is_done(struct stanza *stanza, struct turn_op *op)
{
	return reply_and_tell(stanza, op, "configuration", PEP_NOTIFY_CONFIG);
}

int
pep_on_configure_set(struct stanza *stanza, struct element *action)
{
	struct turn_op op = { .kind = TURN_NODES,
		.account = stanza->account,
		.compute = compute_configure,
		.done = configure_is_done };

	return turn_begin(stanza, &op);
}
