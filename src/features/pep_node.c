/* pep_node.c -- XEP-0060 8: nodes are made, configured, emptied and deleted by their owner. */
#include "features/pep.h"

#include "config/config.h"
#include "stream/server.h"

#define NODE_CONFIG "http://jabber.org/protocol/pubsub#node_config"

/* What every one of these begins with. */
struct change {
	struct txn     *txn;
	struct pep	pep;
	struct pep_node node;
	uint32_t	most;
};

static int
begin(struct stanza *stanza, struct pep_op *op, struct change *change)
{
	struct server *server = router_server(stanza->router);
	struct slice name;
	int verdict = pep_node_name(stanza, element_first(stanza->payload), &name);

	if (verdict != STANZA_PASS)
		return verdict;
	change->most = (uint32_t)server->config->pep_items;
	change->txn = store_read(server->core);
	pep_read(&change->pep, server, stanza->arena, change->txn, op->account);
	pep_find_node(&change->pep, name, &change->node);
	return STANZA_PASS;
}

static int
end(struct change *change, int verdict)
{
	txn_end(&change->txn);
	return change->pep.is_corrupt ? STANZA_INTERNAL_SERVER_ERROR : verdict;
}

static int
just_reply(struct stanza *stanza, struct pep_op *op)
{
	return router_reply(stanza, NULL);
}

static int
take_form(struct stanza *stanza, struct change *change, const struct element *configure)
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
	default:
		return STANZA_PASS;
	}
}

/* --- create --- */

static int
compute_create(struct stanza *stanza, struct pep_op *op, struct pep_request *request)
{
	const struct config *config = router_server(stanza->router)->config;
	struct change change;
	int verdict = begin(stanza, op, &change);

	if (verdict != STANZA_PASS)
		return verdict;
	verdict = take_form(stanza, &change,
	    element_child(stanza->payload, NS_PUBSUB, "configure"));
	if (change.node.exists)
		verdict = STANZA_CONFLICT;
	else if (verdict == STANZA_PASS && change.pep.nodes >= config->pep_nodes)
		verdict = pep_refuse(stanza, STANZA_CONFLICT, "max-nodes-exceeded");
	if (verdict == STANZA_PASS) {
		change.node.exists = true;
		pep_put_node(&change.pep, &change.node, false, request);
	}
	return end(&change, verdict);
}

int
pep_on_create(struct stanza *stanza, struct element *action)
{
	struct pep_op op = { .account = stanza->account,
		.compute = compute_create,
		.done = just_reply };

	return pep_turn(stanza, &op);
}

/* --- delete and purge --- */

/* As many as one request takes; true when none is left. */
static bool
drop_items(struct change *change, struct pep_request *request)
{
	struct pep_item *items;
	int count = pep_items(&change->pep, &change->node, &items);
	int i = 0;

	while (i < count && pep_has_room(request))
		pep_drop_item(&change->pep, &change->node, &items[i++], request);
	return i == count;
}

static int
empty(struct stanza *stanza, struct pep_op *op, struct pep_request *request, bool and_delete)
{
	struct change change;
	int verdict = begin(stanza, op, &change);

	if (verdict != STANZA_PASS)
		return verdict;
	if (!change.node.exists)
		return end(&change, STANZA_ITEM_NOT_FOUND);
	op->config = change.node.config;
	op->is_partial = !drop_items(&change, request);
	change.node.exists = !and_delete || op->is_partial;
	pep_put_node(&change.pep, &change.node, true, request);
	return end(&change, STANZA_PASS);
}

static int
compute_delete(struct stanza *stanza, struct pep_op *op, struct pep_request *request)
{
	return empty(stanza, op, request, true);
}

static int
compute_purge(struct stanza *stanza, struct pep_op *op, struct pep_request *request)
{
	return empty(stanza, op, request, false);
}

static int
tell(struct stanza *stanza, struct pep_op *op, const char *what)
{
	struct slice node = element_attribute(element_first(stanza->payload), "node");
	struct element *event;
	struct element *message = pep_event(stanza, stanza->to.bare, &event);

	router_reply(stanza, NULL);
	element_set(stanza->arena, element_add(stanza->arena, event, NS_PUBSUB_EVENT, what),
	    "node", node);
	pep_notify(stanza, &op->config, node, message);
	return STANZA_DONE;
}

static int
delete_is_done(struct stanza *stanza, struct pep_op *op)
{
	return op->config.flags & PEP_NOTIFY_DELETE ? tell(stanza, op, "delete")
						    : router_reply(stanza, NULL);
}

static int
purge_is_done(struct stanza *stanza, struct pep_op *op)
{
	return op->config.flags & PEP_NOTIFY_RETRACT ? tell(stanza, op, "purge")
						     : router_reply(stanza, NULL);
}

int
pep_on_delete(struct stanza *stanza, struct element *action)
{
	struct pep_op op = { .account = stanza->account,
		.compute = compute_delete,
		.done = delete_is_done };

	return pep_turn(stanza, &op);
}

int
pep_on_purge(struct stanza *stanza, struct element *action)
{
	struct pep_op op = { .account = stanza->account,
		.compute = compute_purge,
		.done = purge_is_done };

	return pep_turn(stanza, &op);
}

/* --- configure --- */

int
pep_on_configure_get(struct stanza *stanza, struct element *action)
{
	struct pep_op op = { .account = stanza->account };
	struct element *answer = element_new(stanza->arena, NS_PUBSUB_OWNER, "pubsub");
	struct element *configure = element_add(stanza->arena, answer, NS_PUBSUB_OWNER,
	    "configure");
	struct change change;
	int verdict = begin(stanza, &op, &change);

	if (verdict != STANZA_PASS)
		return verdict;
	verdict = end(&change, change.node.exists ? STANZA_PASS : STANZA_ITEM_NOT_FOUND);
	if (verdict != STANZA_PASS)
		return verdict;
	element_set(stanza->arena, configure, "node", change.node.name);
	element_append(stanza->arena, configure,
	    pep_config_form(stanza->arena, &change.node.config));
	return router_reply(stanza, answer);
}

/* XEP-0060 8.3: what a node gets that says nothing. */
int
pep_on_default(struct stanza *stanza, struct element *action)
{
	struct element *answer = element_new(stanza->arena, NS_PUBSUB_OWNER, "pubsub");
	struct element *child = element_add(stanza->arena, answer, NS_PUBSUB_OWNER, "default");
	struct pep_config config;

	pep_config_default(&config);
	element_append(stanza->arena, child, pep_config_form(stanza->arena, &config));
	return router_reply(stanza, answer);
}

/* Fewer items than there are: the oldest go. */
static void
drop_beyond(struct change *change, struct pep_op *op, struct pep_request *request)
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
		pep_drop_item(&change->pep, &change->node, &items[i], request);
	}
}

static int
compute_configure(struct stanza *stanza, struct pep_op *op, struct pep_request *request)
{
	struct element *action = element_first(stanza->payload);
	struct element *form = element_first(action);
	struct change change;
	int verdict;

	/* XEP-0060 8.2.5.1: a form that was cancelled changes nothing. */
	if (form != NULL && slice_is(element_attribute(form, "type"), "cancel"))
		return STANZA_PASS;
	verdict = begin(stanza, op, &change);
	if (verdict != STANZA_PASS)
		return verdict;
	if (!change.node.exists)
		return end(&change, STANZA_ITEM_NOT_FOUND);
	verdict = form == NULL ? STANZA_BAD_REQUEST : take_form(stanza, &change, action);
	if (verdict == STANZA_PASS) {
		drop_beyond(&change, op, request);
		pep_put_node(&change.pep, &change.node, true, request);
	}
	return end(&change, verdict);
}

int
pep_on_configure_set(struct stanza *stanza, struct element *action)
{
	struct pep_op op = { .account = stanza->account,
		.compute = compute_configure,
		.done = just_reply };

	return pep_turn(stanza, &op);
}
