/* store_list.c -- reading lists: what stands in them, and what is in the journal still. */
#include <endian.h>
#include <string.h>

#include "base/memory.h"
#include "shm/store_record.h"

struct item {
	uint64_t	   place;
	struct store_entry entry;
};

/* The journal's entries of one list, in order. One is kept, for who looks again in the same transaction. */
struct store_view {
	bool	     is_walked;	/* what is read meanwhile, from a callback, has a view of its own */
	uint64_t     txn;	/* that saw it; 0: none */
	uint32_t     table;
	size_t	     list_length;
	char	     list[STORE_KEY_MAX];
	struct item *items;
	size_t	     count;
	size_t	     room;
};

void
store_view_free(struct store_view **pointer)
{
	if (*pointer == NULL)
		return;
	memory_free((*pointer)->items);
	memory_free(*pointer);
	*pointer = NULL;
}

void
store_view_forget(struct store *store)
{
	if (store->view != NULL)
		store->view->txn = 0;
}

/* --- the journal --- */

static struct slice
list_of(const struct store_view *view)
{
	return slice_of(view->list, view->list_length);
}

/* Nearly always at the end. What was entered twice is what it was last. */
static void
add(struct store_view *view, uint64_t place, const struct store_entry *entry)
{
	size_t at = view->count;

	if (view->count == view->room) {
		view->room = view->room == 0 ? 64 : view->room * 2;
		view->items = memory_resize(view->items, view->room * sizeof(*view->items));
	}
	while (at > 0 && view->items[at - 1].place > place)
		at--;
	if (at > 0 && view->items[at - 1].place == place) {
		view->items[at - 1].entry = *entry;
		return;
	}
	memmove(&view->items[at + 1], &view->items[at], (view->count - at) * sizeof(*view->items));
	view->items[at] = (struct item){ place, *entry };
	view->count++;
}

static bool
on_journal(void *owner, struct slice number, struct slice value)
{
	struct store_view *view = owner;
	struct journal_item item;
	struct slice key;

	while (store_journal_take(&value, &item, &key))
		if (item.table == view->table && slice_equal(store_list_of(key), list_of(view)))
			add(view, store_list_place(key), &item.entry);
	return true;
}

static void
look(struct store_view *view, struct txn *txn, enum store_place place, struct slice list)
{
	if (view->txn == txn_number(txn) && view->table == (uint32_t)place &&
	    slice_equal(list_of(view), list))
		return;
	view->txn = txn_number(txn);
	view->table = (uint32_t)place;
	view->list_length = list.length;
	memcpy(view->list, list.data, list.length);
	view->count = 0;
	txn_each(txn, TABLE_JOURNAL, SLICE_EMPTY, SLICE_EMPTY, on_journal, view);
}

static struct store_view *
take_view(struct store *store)
{
	struct store_view *view;

	if (store->view == NULL)
		store->view = NEW(struct store_view);
	view = store->view->is_walked ? NEW(struct store_view) : store->view;
	view->is_walked = true;
	return view;
}

static void
give_view(struct store *store, struct store_view *view)
{
	view->is_walked = false;
	if (view != store->view)
		store_view_free(&view);
}

/* --- both --- */

struct walk {
	const struct store_view *view;
	size_t			 left;	/* of the view: from here upwards, or so many downwards */
	uint64_t		 from, to;
	bool			 is_down;
	bool			 is_over;
	bool (*each)(void *owner, uint64_t place, const struct store_entry *entry);
	void *owner;
};

/* The next of the view, where it is within the bounds. */
static const struct item *
next_of(const struct walk *walk)
{
	const struct item *items = walk->view->items;

	if (walk->is_down)
		return walk->left > 0 && items[walk->left - 1].place >= walk->from
		    ? &items[walk->left - 1]
		    : NULL;
	return walk->left < walk->view->count && items[walk->left].place <= walk->to
	    ? &items[walk->left]
	    : NULL;
}

static void
show(struct walk *walk, uint64_t place, const struct store_entry *entry)
{
	if (!walk->is_over)
		walk->is_over = !walk->each(walk->owner, place, entry);
}

/* Those of the view that come before that place, on the way the walk goes. */
static void
show_before(struct walk *walk, uint64_t place)
{
	const struct item *item;

	while (!walk->is_over && (item = next_of(walk)) != NULL &&
	    (walk->is_down ? item->place > place : item->place < place)) {
		show(walk, item->place, &item->entry);
		walk->left += walk->is_down ? (size_t)-1 : 1;
	}
}

static bool
on_record(void *owner, struct slice key, struct slice value)
{
	struct walk *walk = owner;
	uint64_t place = store_list_place(key);
	struct list_record record;

	if (key.length != walk->view->list_length + STORE_LIST_PLACE ||
	    value.length != sizeof(record))
		return true;
	if (place < walk->from || place > walk->to)
		return false;
	memcpy(&record, value.data, sizeof(record));
	show_before(walk, place);
	if (next_of(walk) == NULL || next_of(walk)->place != place)
		show(walk, place, &record.entry);
	return !walk->is_over;
}

static void
begin(struct walk *walk)
{
	const struct store_view *view = walk->view;

	if (walk->is_down)
		while (walk->left < view->count && view->items[walk->left].place <= walk->to)
			walk->left++;
	else
		while (walk->left < view->count && view->items[walk->left].place < walk->from)
			walk->left++;
}

void
store_each_entry(struct store *store, struct txn *txn, enum store_place place, struct slice list,
    uint64_t from, uint64_t to, bool downwards,
    bool (*each)(void *owner, uint64_t place, const struct store_entry *entry), void *owner)
{
	struct walk walk = { .from = from, .to = to, .is_down = downwards, .each = each,
		.owner = owner };
	uint64_t start = htobe64(downwards ? to : from);
	char key[STORE_KEY_MAX + STORE_LIST_PLACE];
	struct store_view *view;

	if (from > to || list.length > STORE_KEY_MAX - STORE_LIST_PLACE)
		return;
	view = take_view(store);
	look(view, txn, place, list);
	walk.view = view;
	begin(&walk);
	memcpy(key, list.data, list.length);
	memcpy(key + list.length, &start, sizeof(start));
	if (downwards)
		txn_each_back(txn, (int)place, list,
		    slice_of(key, list.length + sizeof(start)), on_record, &walk);
	else
		txn_each(txn, (int)place, list, slice_of(key, list.length + sizeof(start)),
		    on_record, &walk);
	show_before(&walk, downwards ? 0 : UINT64_MAX);
	/* That place itself is before nothing. */
	if (next_of(&walk) != NULL)
		show(&walk, next_of(&walk)->place, &next_of(&walk)->entry);
	give_view(store, view);
}
