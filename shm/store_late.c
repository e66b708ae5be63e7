/* store_late.c -- entries that come behind later ones of their list: numbered as if they had come in their order. */

/*
 * A worker takes an id and asks the store for it a moment later, so of two workers' requests the younger may be served
 * first; and while one does not take its answers, many are. Numbers are given in the order of the places all the same:
 * those of the list above a late entry grow, and are entered again with what they are now. What is read is what was
 * entered last.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/memory.h"
#include "shm/store_record.h"

struct late {
	int	     table;
	uint32_t     bytes;
	size_t	     order;	/* of coming: which of two with one key is the last */
	struct slice key;
};

struct store_late {
	struct arena arena;	/* of the keys */
	struct late *all;
	size_t	     count;
	size_t	     room;
};

void
store_late_add(struct store_late **pointer, const struct store_change *change)
{
	struct store_late *late = *pointer;

	if (late == NULL) {
		late = *pointer = NEW(struct store_late);
		arena_init(&late->arena);
	}
	if (late->count == late->room) {
		late->room = late->room == 0 ? 64 : late->room * 2;
		late->all = memory_resize(late->all, late->room * sizeof(*late->all));
	}
	late->all[late->count] = (struct late){ change->table, change->hashes, late->count,
		arena_copy(&late->arena, change->key) };
	late->count++;
}

void
store_late_free(struct store_late **pointer)
{
	if (*pointer == NULL)
		return;
	arena_clear(&(*pointer)->arena);
	memory_free((*pointer)->all);
	memory_free(*pointer);
	*pointer = NULL;
}

/* By list, in the order of the places. */
static int
by_place(const void *a, const void *b)
{
	const struct late *x = a, *y = b;
	int order = x->table < y->table ? -1 : x->table > y->table;

	if (order == 0)
		order = slice_compare(x->key, y->key);
	return order != 0 ? order : x->order < y->order ? -1 : 1;
}

static bool
is_of_list(const struct late *late, const struct late *other)
{
	return late->table == other->table &&
	    slice_equal(store_list_of(late->key), store_list_of(other->key));
}

/* --- what stands in a list already --- */

struct standing {
	uint64_t	   place;
	struct store_entry entry;
};

struct list {
	struct store_entry before;	/* the one below all late ones */
	struct standing	  *above;	/* those above the lowest of them, upwards */
	size_t		   count;
	size_t		   room;
};

static bool
on_before(void *owner, uint64_t place, const struct store_entry *entry)
{
	struct list *list = owner;

	list->before = *entry;
	return false;
}

static bool
on_above(void *owner, uint64_t place, const struct store_entry *entry)
{
	struct list *list = owner;

	if (list->count == list->room) {
		list->room = list->room == 0 ? 64 : list->room * 2;
		list->above = memory_resize(list->above, list->room * sizeof(*list->above));
	}
	list->above[list->count++] = (struct standing){ place, *entry };
	return true;
}

static void
read_list(struct store_apply *apply, const struct late *lowest, struct list *list)
{
	enum store_place place = (enum store_place)lowest->table;
	struct slice name = store_list_of(lowest->key);
	uint64_t from = store_list_place(lowest->key);

	if (from > 0)
		store_each_entry(apply->store, apply->txn, place, name, 0, from - 1, true,
		    on_before, list);
	store_each_entry(apply->store, apply->txn, place, name, from, UINT64_MAX, false, on_above,
	    list);
	/* A list that has lost its first entries does not begin with 1; how large its first one is nobody knows. */
	if (list->before.number == 0 && list->count > 0 && list->above[0].entry.number > 1)
		list->before = (struct store_entry){ list->above[0].entry.number - 1,
			list->above[0].entry.total };
}

/* --- both, merged --- */

struct numbering {
	struct store_apply *apply;
	const struct late *late;
	size_t		   count;	/* of the same list */
	struct store_entry shift;	/* what has come between: entries, and their bytes */
	void (*on_numbered)(struct store_apply *apply, int table, struct slice key,
	    const struct store_entry *entry);
};

static void
number_late(struct numbering *numbering, const struct store_entry *before)
{
	struct store_entry entry;

	numbering->shift.number++;
	numbering->shift.total += numbering->late->bytes;
	entry.number = before->number + numbering->shift.number;
	entry.total = before->total + numbering->shift.total;
	numbering->on_numbered(numbering->apply, numbering->late->table, numbering->late->key,
	    &entry);
	numbering->late++;
	numbering->count--;
}

static void
number_again(struct numbering *numbering, const struct late *any, const struct standing *standing)
{
	struct slice list = store_list_of(any->key);
	uint64_t place = htobe64(standing->place);
	struct store_entry entry = { standing->entry.number + numbering->shift.number,
		standing->entry.total + numbering->shift.total };
	char key[STORE_KEY_MAX];

	memcpy(key, list.data, list.length);
	memcpy(key + list.length, &place, sizeof(place));
	numbering->on_numbered(numbering->apply, any->table,
	    slice_of(key, list.length + sizeof(place)), &entry);
}

static void
number_list(struct numbering *numbering)
{
	const struct late *lowest = numbering->late;
	struct list list = { 0 };
	struct store_entry before;

	read_list(numbering->apply, lowest, &list);
	before = list.before;
	for (size_t i = 0; i < list.count; i++) {
		while (numbering->count > 0 &&
		    store_list_place(numbering->late->key) < list.above[i].place)
			number_late(numbering, &before);
		number_again(numbering, lowest, &list.above[i]);
		before = list.above[i].entry;
	}
	while (numbering->count > 0)
		number_late(numbering, &before);
	memory_free(list.above);
}

void
store_late_settle(struct store_apply *apply, struct store_late **pointer,
    void (*on_numbered)(struct store_apply *apply, int table, struct slice key,
    const struct store_entry *entry))
{
	struct store_late *late = *pointer;

	if (late == NULL)
		return;
	*pointer = NULL;	/* they are on their way into the journal */
	store_view_forget(apply->store);
	qsort(late->all, late->count, sizeof(*late->all), by_place);
	for (size_t first = 0, next; first < late->count; first = next) {
		struct numbering numbering = { apply, &late->all[first], 0, { 0 }, on_numbered };

		for (next = first; next < late->count &&
		     is_of_list(&late->all[next], &late->all[first]); next++)
			numbering.count++;
		number_list(&numbering);
	}
	store_view_forget(apply->store);
	store_late_free(&late);
}
