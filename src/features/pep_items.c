/* pep_items.c -- XEP-0060 6.5: what stands in a node, for the owner and for those who may read it. */
#include "features/pep.h"

#include "config/config.h"
#include "stream/server.h"
#include "xml/fragment.h"

#define ANSWER_MAX (512u << 10)	/* of payloads: of more the newest are given */

struct reading {
	struct stanza  *stanza;
	struct pep	pep;
	struct pep_node node;
	struct element *list;
};

static void
add_item(struct reading *reading, const struct pep_item *item)
{
	struct arena *arena = reading->stanza->arena;
	struct element *element = element_add(arena, reading->list, NS_PUBSUB, "item");
	struct element *payload = fragment_read(arena, item->payload);

	element_set(arena, element, "id", arena_copy(arena, item->id));
	if (payload != NULL)
		element_append(arena, element, payload);
}

/* XEP-0060 6.5.4: that the list is cut is told as XEP-0059 does. */
static void
tell_cut(struct reading *reading, const struct pep_item *items, int first, int count)
{
	struct arena *arena = reading->stanza->arena;
	struct element *set = element_add(arena, reading->list->parent, NS_RSM, "set");
	struct element *child = element_add(arena, set, NS_RSM, "first");

	element_set(arena, child, "index", arena_printf(arena, "%d", first));
	element_add_text(arena, child, arena_copy(arena, items[first].id));
	element_add_text(arena, element_add(arena, set, NS_RSM, "last"),
	    arena_copy(arena, items[count - 1].id));
	element_add_text(arena, element_add(arena, set, NS_RSM, "count"),
	    arena_printf(arena, "%d", count));
}

/* The newest that were asked for, as many as fit, oldest first. */
static void
list_newest(struct reading *reading, int64_t wanted)
{
	struct pep_item *items;
	int count = pep_items(&reading->pep, &reading->node, &items);
	int first = count;
	size_t bytes = 0;
	bool is_cut = false;

	while (first > 0 && count - first < wanted && !is_cut) {
		bytes += items[first - 1].payload.length;
		is_cut = bytes > ANSWER_MAX && first < count;
		first -= !is_cut;
	}
	for (int i = first; i < count; i++)
		add_item(reading, &items[i]);
	if (is_cut)
		tell_cut(reading, items, first, count);
}

/* Those that are not there are left out. */
static int
list_named(struct reading *reading, const struct element *action)
{
	const struct element *asked;
	struct pep_item item;
	size_t bytes = 0;

	for (asked = element_first(action); asked != NULL; asked = element_next(action, asked)) {
		struct slice id = element_attribute(asked, "id");

		if (!element_is(asked, NS_PUBSUB, "item") || id.length == 0)
			return STANZA_BAD_REQUEST;
		if (!pep_find_item(&reading->pep, &reading->node, id, &item))
			continue;
		bytes += item.payload.length;
		if (bytes > ANSWER_MAX && element_count(reading->list) > 0)
			break;
		add_item(reading, &item);
	}
	return STANZA_PASS;
}

static int
list(struct reading *reading, const struct element *action)
{
	struct slice most = element_attribute(action, "max_items");
	int64_t wanted = INT32_MAX;

	if (!reading->node.exists)
		return STANZA_ITEM_NOT_FOUND;
	if (!pep_may_read(&reading->pep, &reading->node.config, reading->stanza->to.bare,
		reading->stanza->from.bare))
		return reading->node.config.access == PEP_PRESENCE
		    ? pep_refuse(reading->stanza, STANZA_NOT_AUTHORIZED,
			  "presence-subscription-required")
		    : pep_refuse(reading->stanza, STANZA_NOT_ALLOWED, "closed-node");
	if (most.data != NULL && !slice_to_int(most, 1, INT32_MAX, &wanted))
		return STANZA_BAD_REQUEST;
	if (element_count(action) > 0)
		return list_named(reading, action);
	list_newest(reading, wanted);
	return STANZA_PASS;
}

int
pep_on_items(struct stanza *stanza, struct element *action)
{
	struct server *server = router_server(stanza->router);
	struct element *answer = element_new(stanza->arena, NS_PUBSUB, "pubsub");
	struct reading reading = { .stanza = stanza,
		.list = element_add(stanza->arena, answer, NS_PUBSUB, "items") };
	struct slice name;
	struct txn *txn;
	int verdict = pep_node_name(stanza, action, &name);

	if (verdict != STANZA_PASS)
		return verdict;
	element_set(stanza->arena, reading.list, "node", name);
	txn = store_read(server->core);
	pep_read(&reading.pep, server, stanza->arena, txn, stanza->account);
	pep_find_node(&reading.pep, name, &reading.node);
	verdict = list(&reading, action);
	txn_end(&txn);
	if (reading.pep.is_corrupt && verdict == STANZA_PASS)
		return STANZA_INTERNAL_SERVER_ERROR;
	return verdict == STANZA_PASS ? router_reply(stanza, answer) : verdict;
}
