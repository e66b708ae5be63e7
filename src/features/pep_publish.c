/* pep_publish.c -- XEP-0060 7: items are published and retracted, by the account alone. */
#include "features/pep.h"

#include "base/clock.h"
#include "base/random.h"
#include "config/config.h"
#include "stream/server.h"
#include "xml/writer.h"

#define PUBLISH_OPTIONS "http://jabber.org/protocol/pubsub#publish-options"

/* --- publish --- */

struct publishing {
	struct stanza	*stanza;
	const struct config *config;
	struct element	*item;
	struct slice	 id;
	struct slice	 payload;
	struct pep	 pep;
	struct pep_node	 node;
};

static struct element *
action_of(struct stanza *stanza)
{
	return element_first(stanza->payload);
}

/* A publish carries one item, and that one payload. */
static int
check_publish(struct stanza *stanza, struct element *action, struct element **item,
    struct slice *name)
{
	int verdict = pep_node_name(stanza, action, name);

	if (verdict != STANZA_PASS)
		return verdict;
	*item = element_first(action);
	if (*item == NULL)
		return pep_refuse(stanza, STANZA_BAD_REQUEST, "item-required");
	if (element_count(action) > 1)
		return pep_refuse(stanza, STANZA_NOT_ALLOWED, "max-items-exceeded");
	if (!element_is(*item, NS_PUBSUB, "item") ||
	    element_attribute(*item, "id").length > PEP_NAME_MAX)
		return STANZA_BAD_REQUEST;
	if (element_count(*item) == 0)
		return pep_refuse(stanza, STANZA_BAD_REQUEST, "payload-required");
	return element_count(*item) == 1
	    ? STANZA_PASS
	    : pep_refuse(stanza, STANZA_BAD_REQUEST, "invalid-payload");
}

static struct slice
write_payload(struct arena *arena, const struct element *payload)
{
	size_t size = writer_write(payload, NS_CLIENT, NULL, 0);
	char *bytes = arena_alloc(arena, size);

	writer_write(payload, NS_CLIENT, bytes, size);
	return slice_of(bytes, size);
}

/* XEP-0060 7.1.5: for a new node options are its configuration, for an old one what must be so. */
static int
apply_options(struct publishing *publishing)
{
	struct stanza *stanza = publishing->stanza;
	struct element *options = element_child(stanza->payload, NS_PUBSUB, "publish-options");
	struct pep_config wanted = publishing->node.config;
	uint32_t most = (uint32_t)publishing->config->pep_items;

	if (options == NULL)
		return STANZA_PASS;
	switch (pep_config_submit(stanza->arena, element_first(options), PUBLISH_OPTIONS, most,
	    &wanted)) {
	case PEP_FORM_INVALID:
		return STANZA_BAD_REQUEST;
	case PEP_FORM_UNSUPPORTED:
		return pep_refuse(stanza, STANZA_CONFLICT, "precondition-not-met");
	default:
		break;
	}
	if (publishing->node.exists && !pep_config_equal(&wanted, &publishing->node.config, most))
		return pep_refuse(stanza, STANZA_CONFLICT, "precondition-not-met");
	publishing->node.config = wanted;
	return STANZA_PASS;
}

/* The oldest make room, but not the one that is replaced: it went already. */
static void
drop_oldest(struct publishing *publishing, struct pep_op *op, struct pep_request *request)
{
	uint32_t keep = pep_config_items(&publishing->node.config,
	    (uint32_t)publishing->config->pep_items);
	struct pep_item *items;
	int count;

	if (publishing->node.items <= keep)
		return;
	count = pep_items(&publishing->pep, &publishing->node, &items);
	for (int i = 0; i < count && publishing->node.items > keep; i++) {
		if (slice_equal(items[i].id, publishing->id))
			continue;
		if (!pep_has_room(request)) {
			op->is_partial = true;
			return;
		}
		pep_drop_item(&publishing->pep, &publishing->node, &items[i], request);
	}
}

static int
put(struct publishing *publishing, struct pep_op *op, struct pep_request *request)
{
	struct pep_node *node = &publishing->node;
	struct pep_item old;
	bool existed = node->exists;
	bool replaces = existed && pep_find_item(&publishing->pep, node, publishing->id, &old);
	struct pep_item item = { .id = publishing->id,
		.serial = ++node->serial,
		.time_us = clock_wall_us(),
		.payload = publishing->payload };

	if (!existed && publishing->pep.nodes >= publishing->config->pep_nodes)
		return pep_refuse(publishing->stanza, STANZA_CONFLICT, "max-nodes-exceeded");
	node->exists = true;
	pep_put_item(&publishing->pep, node, &item, replaces ? &old : NULL, request);
	drop_oldest(publishing, op, request);
	if (publishing->pep.bytes > (uint64_t)publishing->config->pep_bytes)
		return STANZA_RESOURCE_CONSTRAINT;
	op->config = node->config;
	pep_put_node(&publishing->pep, node, existed, request);
	return publishing->pep.is_corrupt ? STANZA_INTERNAL_SERVER_ERROR : STANZA_PASS;
}

static struct slice
id_of(const struct pep_op *op, const struct element *item)
{
	struct slice id = element_attribute(item, "id");

	return id.length > 0 ? id : slice_from_text(op->id);
}

static int
compute_publish(struct stanza *stanza, struct pep_op *op, struct pep_request *request)
{
	struct server *server = router_server(stanza->router);
	struct publishing publishing = { .stanza = stanza, .config = server->config };
	struct slice name;
	struct txn *txn;
	int verdict = check_publish(stanza, action_of(stanza), &publishing.item, &name);

	if (verdict != STANZA_PASS)
		return verdict;
	publishing.id = id_of(op, publishing.item);
	publishing.payload = write_payload(stanza->arena, element_first(publishing.item));
	if (publishing.payload.length > (size_t)server->config->pep_item_bytes)
		return pep_refuse(stanza, STANZA_NOT_ACCEPTABLE, "payload-too-big");
	txn = store_read(server->core);
	pep_read(&publishing.pep, server, stanza->arena, txn, op->account);
	pep_find_node(&publishing.pep, name, &publishing.node);
	verdict = apply_options(&publishing);
	if (verdict == STANZA_PASS)
		verdict = put(&publishing, op, request);
	txn_end(&txn);
	return verdict;
}

static void
notify_published(struct stanza *stanza, struct pep_op *op, struct slice node, struct slice id)
{
	struct arena *arena = stanza->arena;
	struct element *event, *item;
	struct element *message = pep_event(stanza, stanza->to.bare, &event);
	struct element *items = element_add(arena, event, NS_PUBSUB_EVENT, "items");

	element_set(arena, items, "node", node);
	item = element_add(arena, items, NS_PUBSUB_EVENT, "item");
	element_set(arena, item, "id", id);
	if (op->config.flags & PEP_DELIVER_PAYLOADS)
		element_append(arena, item,
		    element_copy(arena, element_first(element_first(action_of(stanza)))));
	pep_notify(stanza, &op->config, node, message);
}

/* The result first, then what is told of it. */
static int
publish_is_done(struct stanza *stanza, struct pep_op *op)
{
	struct arena *arena = stanza->arena;
	struct slice node = element_attribute(action_of(stanza), "node");
	struct slice id = id_of(op, element_first(action_of(stanza)));
	struct element *answer = element_new(arena, NS_PUBSUB, "pubsub");
	struct element *publish = element_add(arena, answer, NS_PUBSUB, "publish");

	element_set(arena, publish, "node", node);
	element_set(arena, element_add(arena, publish, NS_PUBSUB, "item"), "id", id);
	router_reply(stanza, answer);
	notify_published(stanza, op, node, id);
	return STANZA_DONE;
}

int
pep_on_publish(struct stanza *stanza, struct element *action)
{
	struct pep_op op = { .account = stanza->account,
		.compute = compute_publish,
		.done = publish_is_done };

	random_token(op.id, 20);
	return pep_turn(stanza, &op);
}

/* --- retract --- */

static int
check_retract(struct stanza *stanza, struct element *action, struct slice *name,
    struct slice *id)
{
	int verdict = pep_node_name(stanza, action, name);
	struct element *item = element_first(action);

	if (verdict != STANZA_PASS)
		return verdict;
	if (item == NULL)
		return pep_refuse(stanza, STANZA_BAD_REQUEST, "item-required");
	if (!element_is(item, NS_PUBSUB, "item") || element_count(action) > 1)
		return STANZA_BAD_REQUEST;
	*id = element_attribute(item, "id");
	return id->length > 0 ? STANZA_PASS
			      : pep_refuse(stanza, STANZA_BAD_REQUEST, "item-required");
}

static int
compute_retract(struct stanza *stanza, struct pep_op *op, struct pep_request *request)
{
	struct server *server = router_server(stanza->router);
	struct slice name, id;
	struct pep pep;
	struct pep_node node;
	struct pep_item item;
	struct txn *txn;
	int verdict = check_retract(stanza, action_of(stanza), &name, &id);

	if (verdict != STANZA_PASS)
		return verdict;
	txn = store_read(server->core);
	pep_read(&pep, server, stanza->arena, txn, op->account);
	if (!pep_find_node(&pep, name, &node) || !pep_find_item(&pep, &node, id, &item)) {
		verdict = STANZA_ITEM_NOT_FOUND;
	} else {
		pep_drop_item(&pep, &node, &item, request);
		pep_put_node(&pep, &node, true, request);
		op->config = node.config;
	}
	txn_end(&txn);
	return pep.is_corrupt ? STANZA_INTERNAL_SERVER_ERROR : verdict;
}

/* XEP-0060 7.2.2.1: told where the node says so or the client asks for it. */
static int
retract_is_done(struct stanza *stanza, struct pep_op *op)
{
	struct arena *arena = stanza->arena;
	struct element *action = action_of(stanza);
	struct slice asked = element_attribute(action, "notify");
	struct slice node = element_attribute(action, "node");
	struct element *event, *items;
	struct element *message = pep_event(stanza, stanza->to.bare, &event);

	router_reply(stanza, NULL);
	if (!(op->config.flags & PEP_NOTIFY_RETRACT) && !slice_is(asked, "1") &&
	    !slice_is(asked, "true"))
		return STANZA_DONE;
	items = element_add(arena, event, NS_PUBSUB_EVENT, "items");
	element_set(arena, items, "node", node);
	element_set(arena, element_add(arena, items, NS_PUBSUB_EVENT, "retract"), "id",
	    element_attribute(element_first(action), "id"));
	pep_notify(stanza, &op->config, node, message);
	return STANZA_DONE;
}

int
pep_on_retract(struct stanza *stanza, struct element *action)
{
	struct pep_op op = { .account = stanza->account,
		.compute = compute_retract,
		.done = retract_is_done };

	return pep_turn(stanza, &op);
}
