/* pep_items.c -- XEP-0060 6.5: what stands in a node, for the owner and for those who may read it. */
#include "features/pep.h"
#include "features/rsm.h"

#include "xml/fragment.h"

#define ANSWER_MAX (512u << 10)	/* of payloads: of more the newest are given */

struct reading {
	struct stanza	*stanza;
	struct pep_change change;
	struct element	*list;
	struct rsm	 rsm;
};

/* Of what stands there, oldest first: from first on, up to but not with end. */
struct page {
	struct pep_item *items;
	int		 first, end;
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

static bool
has_rsm(const struct rsm *rsm)
{
	return rsm->has_max || rsm->has_after || rsm->has_before || rsm->has_index;
}

static bool
find_id(const struct page *page, struct slice id, int *place)
{
	for (int i = page->first; i < page->end; i++)
		if (slice_equal(page->items[i].id, id)) {
			*place = i;
			return true;
		}
	return false;
}

/* XEP-0059 2: the part that is asked for. False: an id that is not there. */
static bool
turn_to(const struct rsm *rsm, struct page *page)
{
	int place;

	if (rsm->has_after) {
		if (!find_id(page, rsm->after, &place))
			return false;
		page->first = place + 1;
	}
	if (rsm->has_before && rsm->before.length > 0) {
		if (!find_id(page, rsm->before, &place))
			return false;
		page->end = place;
	}
	if (rsm->has_index)
		page->first = rsm->index < (uint32_t)(page->end - page->first)
		    ? page->first + (int)rsm->index
		    : page->end;
	if (rsm->has_max && rsm->max < (uint32_t)(page->end - page->first)) {
		if (rsm->has_before)
			page->first = page->end - (int)rsm->max;
		else
			page->end = page->first + (int)rsm->max;
	}
	return true;
}

/* What is too large for one answer is cut where the next page begins; one item always fits. */
static bool
cut(struct page *page, bool at_end)
{
	size_t bytes = 0;
	int count = page->end - page->first;

	for (int i = 0; i < count; i++) {
		const struct pep_item *item =
		    &page->items[at_end ? page->first + i : page->end - 1 - i];

		bytes += item->payload.length;
		if (bytes <= ANSWER_MAX || i == 0)
			continue;
		if (at_end)
			page->end = page->first + i;
		else
			page->first = page->end - i;
		return true;
	}
	return false;
}

/* XEP-0060 6.5.4: which part of the list it is. */
static void
tell_page(struct reading *reading, const struct page *page, int low, int count)
{
	struct arena *arena = reading->stanza->arena;
	bool is_empty = page->first >= page->end;
	struct slice first = is_empty ? SLICE_EMPTY : page->items[page->first].id;
	struct slice last = is_empty ? SLICE_EMPTY : page->items[page->end - 1].id;

	element_append(arena, reading->list->parent,
	    rsm_answer(arena, arena_copy(arena, first), arena_copy(arena, last),
		(uint64_t)(page->first - low), (uint64_t)(count - low)));
}

/* The newest that were asked for, oldest first; of those one page. */
static int
list_newest(struct reading *reading, int64_t wanted)
{
	const struct rsm *rsm = &reading->rsm;
	struct page page;
	int count = pep_items(&reading->change.pep, &reading->change.node, &page.items);
	int low = wanted < count ? count - (int)wanted : 0;
	bool is_cut;

	page.first = low;
	page.end = count;
	if (!turn_to(rsm, &page))
		return STANZA_ITEM_NOT_FOUND;
	is_cut = cut(&page, has_rsm(rsm) && !rsm->has_before);
	for (int i = page.first; i < page.end; i++)
		add_item(reading, &page.items[i]);
	if (is_cut || has_rsm(rsm))
		tell_page(reading, &page, low, count);
	return STANZA_PASS;
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
		if (!pep_find_item(&reading->change.pep, &reading->change.node, id, &item))
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
	struct stanza *stanza = reading->stanza;
	struct pep_change *change = &reading->change;
	struct slice most = element_attribute(action, "max_items");
	int64_t wanted = INT32_MAX;

	if (!change->node.exists)
		return STANZA_ITEM_NOT_FOUND;
	if (!pep_may_read(&change->pep, &change->node, stanza->to.bare, stanza->from.bare))
		return pep_refuse_reader(stanza, &change->node);
	if (most.data != NULL && !slice_to_int(most, 1, INT32_MAX, &wanted))
		return STANZA_BAD_REQUEST;
	if (!rsm_read(stanza->arena, stanza->payload, &reading->rsm))
		return STANZA_BAD_REQUEST;
	return element_count(action) > 0 ? list_named(reading, action)
					 : list_newest(reading, wanted);
}

int
pep_on_items(struct stanza *stanza, struct element *action)
{
	struct element *answer = element_new(stanza->arena, NS_PUBSUB, "pubsub");
	struct reading reading = { .stanza = stanza,
		.list = element_add(stanza->arena, answer, NS_PUBSUB, "items") };
	int verdict = pep_begin(stanza, stanza->account, action, &reading.change);

	if (verdict != STANZA_PASS)
		return verdict;
	element_set(stanza->arena, reading.list, "node", reading.change.node.name);
	verdict = list(&reading, action);
	verdict = pep_end(&reading.change, verdict);
	return verdict == STANZA_PASS ? router_reply(stanza, answer) : verdict;
}
