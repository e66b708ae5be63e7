/* pep_publish.c -- XEP-0060 7: items are published and retracted, by the account and those it lets. */
#include "features/pep.h"

#include "base/clock.h"
#include "base/random.h"
#include "config/config.h"
#include "features/avatar.h"
#include "features/bookmarks.h"
#include "shm/limits.h"
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
	struct pep_change change;
};

static struct element *
action_of(struct stanza *stanza)
{
	return element_first(stanza->payload);
}

/* A publish carries one item, and that one payload. */
static int
check_publish(struct stanza *stanza, struct element *action, struct element **item)
{
	struct slice name;
	int verdict = pep_node_name(stanza, action, &name);

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
	struct pep_config wanted = publishing->change.node.config;
	uint32_t most = (uint32_t)publishing->config->pep_items;

	if (options == NULL)
		return STANZA_PASS;
	switch (pep_config_submit(stanza->arena, element_first(options), PUBLISH_OPTIONS, most,
	    &wanted)) {
	case PEP_FORM_OK:
		break;
	case PEP_FORM_INVALID:
		return STANZA_BAD_REQUEST;
	default:
		return pep_refuse(stanza, STANZA_CONFLICT, "precondition-not-met");
	}
	if (publishing->change.node.exists && !pep_config_equal(&wanted, &publishing->change.node.config, most))
		return pep_refuse(stanza, STANZA_CONFLICT, "precondition-not-met");
	publishing->change.node.config = wanted;
	return STANZA_PASS;
}

/* The oldest make room, but not the one that is replaced: it went already. */
static void
drop_oldest(struct publishing *publishing, struct turn_op *op, struct turn_request *request)
{
	uint32_t keep = pep_config_items(&publishing->change.node.config,
	    (uint32_t)publishing->config->pep_items);
	struct pep_item *items;
	int count;

	if (publishing->change.node.items <= keep)
		return;
	if (keep == (uint32_t)publishing->config->pep_items)
		limit_bite(publishing->change.pep.server->shm, LIMIT_PEP_ITEMS);
	count = pep_items(&publishing->change.pep, &publishing->change.node, &items);
	for (int i = 0; i < count && publishing->change.node.items > keep; i++) {
		if (slice_equal(items[i].id, publishing->id))
			continue;
		if (!pep_has_room(request)) {
			op->is_partial = true;
			return;
		}
		pep_change_drop(&publishing->change, &items[i], request);
	}
}

static int
put(struct publishing *publishing, struct turn_op *op, struct turn_request *request)
{
	struct pep_change *change = &publishing->change;
	struct pep_node *node = &change->node;
	struct pep_item old;
	bool existed = node->exists;
	bool replaces = existed && pep_find_item(&change->pep, node, publishing->id, &old);
	struct pep_item item = { .id = publishing->id,
		.serial = ++node->serial,
		.time_us = clock_wall_us(),
		.payload = publishing->payload };

	if (!existed && change->pep.nodes >= publishing->config->pep_nodes &&
	    limit_met(change->pep.server->shm, LIMIT_PEP_NODES))
		return pep_refuse(publishing->stanza, STANZA_CONFLICT, "max-nodes-exceeded");
	node->exists = true;
	pep_change_put(change, &item, replaces ? &old : NULL, request);
	drop_oldest(publishing, op, request);
	return pep_write(change, existed, op, request);
}

/* With the id the item gets where the client gives none: the same at every try. */
struct publish_op {
	struct turn_op turn;
	char	       id[24];
};

static struct slice
id_of(const struct turn_op *op, const struct element *item)
{
	struct slice id = element_attribute(item, "id");

	return id.length > 0 ? id : slice_from_text(((const struct publish_op *)op)->id);
}

static bool
is_too_big(const struct publishing *publishing)
{
	uint32_t most = publishing->change.node.config.payload_bytes;

	return (publishing->payload.length > (size_t)publishing->config->pep_item_bytes &&
		   limit_met(publishing->change.pep.server->shm, LIMIT_PEP_ITEM)) ||
	    (most != 0 && publishing->payload.length > most);
}

static int
compute_publish(struct stanza *stanza, struct turn_op *op, struct turn_request *request)
{
	struct publishing publishing = { .stanza = stanza,
		.config = router_server(stanza->router)->config };
	struct pep_node *node = &publishing.change.node;
	int verdict = check_publish(stanza, action_of(stanza), &publishing.item);

	if (verdict == STANZA_PASS)
		verdict = pep_begin(stanza, op->account, action_of(stanza), &publishing.change);
	if (verdict != STANZA_PASS)
		return verdict;
	publishing.id = id_of(op, publishing.item);
	publishing.payload = write_payload(stanza->arena, element_first(publishing.item));
	if (!pep_may_publish(node, stanza->to.bare, stanza->from.bare, false))
		verdict = STANZA_FORBIDDEN;
	else if (is_too_big(&publishing))
		verdict = pep_refuse(stanza, STANZA_NOT_ACCEPTABLE, "payload-too-big");
	else
		verdict = bookmarks_check(stanza, node->name, publishing.id,
		    element_first(publishing.item));
	if (verdict == STANZA_PASS)
		verdict = apply_options(&publishing);
	if (verdict == STANZA_PASS)
		verdict = put(&publishing, op, request);
	return pep_end(&publishing.change, verdict);
}

static void
notify_published(struct stanza *stanza, const struct pep_node *node, struct slice id)
{
	struct arena *arena = stanza->arena;
	struct element *event, *item;
	struct element *message = pep_event(stanza, node, stanza->to.bare, &event);
	struct element *items = element_add(arena, event, NS_PUBSUB_EVENT, "items");

	element_set(arena, items, "node", node->name);
	item = element_add(arena, items, NS_PUBSUB_EVENT, "item");
	element_set(arena, item, "id", id);
	if (node->config.flags & PEP_DELIVER_PAYLOADS)
		element_append(arena, item,
		    element_copy(arena, element_first(element_first(action_of(stanza)))));
	pep_notify(stanza, node, message);
}

/* The result first, then what is told of it. */
static int
publish_is_done(struct stanza *stanza, struct turn_op *op)
{
	struct arena *arena = stanza->arena;
	struct slice id = id_of(op, element_first(action_of(stanza)));
	struct pep_node node;
	struct element *answer = element_new(arena, NS_PUBSUB, "pubsub");
	struct element *publish = element_add(arena, answer, NS_PUBSUB, "publish");

	pep_node_unpack(op->along, &node);
	element_set(arena, publish, "node", node.name);
	element_set(arena, element_add(arena, publish, NS_PUBSUB, "item"), "id", id);
	router_reply(stanza, answer);
	notify_published(stanza, &node, id);
	pep_notify_also(stanza, op);
	avatar_on_published(stanza, node.name);
	return STANZA_DONE;
}

int
pep_on_publish(struct stanza *stanza, struct element *action)
{
	struct publish_op op = { { .kind = TURN_NODES,
		.account = stanza->account,
		.compute = compute_publish,
		.done = publish_is_done,
		.size = sizeof(op) } };

	random_token(op.id, 20);
	return turn_begin(stanza, &op.turn);
}

/* --- retract --- */

static int
check_retract(struct stanza *stanza, struct element *action, struct slice *id)
{
	struct element *item = element_first(action);

	if (item == NULL)
		return pep_refuse(stanza, STANZA_BAD_REQUEST, "item-required");
	if (!element_is(item, NS_PUBSUB, "item") || element_count(action) > 1)
		return STANZA_BAD_REQUEST;
	*id = element_attribute(item, "id");
	return id->length > 0 ? STANZA_PASS
			      : pep_refuse(stanza, STANZA_BAD_REQUEST, "item-required");
}

static int
compute_retract(struct stanza *stanza, struct turn_op *op, struct turn_request *request)
{
	struct element *action = action_of(stanza);
	struct pep_change change;
	struct pep_item item;
	struct slice id;
	int verdict = pep_begin(stanza, op->account, action, &change);

	if (verdict != STANZA_PASS)
		return verdict;
	if (!pep_may_publish(&change.node, stanza->to.bare, stanza->from.bare, true))
		return pep_end(&change, STANZA_FORBIDDEN);
	verdict = check_retract(stanza, action, &id);
	if (verdict == STANZA_PASS &&
	    (!change.node.exists || !pep_find_item(&change.pep, &change.node, id, &item)))
		verdict = STANZA_ITEM_NOT_FOUND;
	if (verdict == STANZA_PASS) {
		pep_change_drop(&change, &item, request);
		verdict = pep_write(&change, true, op, request);
	}
	return pep_end(&change, verdict);
}

/* XEP-0060 7.2.2.1: told where the node says so or the client asks for it. */
static void
notify_retracted(struct stanza *stanza, struct pep_node *node)
{
	struct element *action = action_of(stanza);
	struct slice asked = element_attribute(action, "notify");

	if (slice_is(asked, "1") || slice_is(asked, "true"))
		node->config.flags |= PEP_NOTIFY_RETRACT;
	pep_notify_item(stanza, node, element_attribute(element_first(action), "id"));
}

static int
retract_is_done(struct stanza *stanza, struct turn_op *op)
{
	struct pep_node node;

	router_reply(stanza, NULL);
	pep_node_unpack(op->along, &node);
	notify_retracted(stanza, &node);
	pep_notify_also(stanza, op);
	return STANZA_DONE;
}

int
pep_on_retract(struct stanza *stanza, struct element *action)
{
	struct turn_op op = { .kind = TURN_NODES,
		.account = stanza->account,
		.compute = compute_retract,
		.done = retract_is_done };

	return turn_begin(stanza, &op);
}
