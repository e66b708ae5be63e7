/* store_entry.c -- records of lists, numbered and summed by the store, and the journal they stand in first. */

/*
 * A message belongs into several lists, and each list ends on a page of its own: written at once, an entry of 50 bytes would
 * cost a page of 4 KiB. So entries are appended to the journal, and when it holds many of them they move into their
 * lists in the order of their keys, in one transaction: readers look in both (store_list.c). The store's process knows
 * the ends of the lists that the journal has entries of; who takes over reads them from the journal. What comes late, with
 * a key below its list's end, waits for the end of the transaction (store_late.c).
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/result.h"
#include "shm/store_record.h"

#define CHUNK_BYTES 1900	/* of a record of the journal: two of them fill a page */
#define MOVE_ITEMS  8192	/* in the journal at most, where there is room to move them */

/* The end of a list. */
struct tail {
	UT_hash_handle	   hh;
	struct slice	   name;	/* table and list, by which it is found */
	struct store_entry last;
	uint64_t	   highest;	/* its place; 0 where there is none */
	uint64_t	   lowest;	/* place in the list of the journal's entries: the least */
	bool		   is_late;	/* what comes in this transaction is numbered at its end */
};

struct store_journal {
	bool	      is_loaded;
	struct tail  *tails;
	struct arena  arena;		/* of the tails */
	struct buffer draft;		/* items of this transaction that are in no record yet */
	struct store_late *late;	/* entries of it that have no number yet */
	uint64_t      next;		/* key of the next record */
	uint32_t      items;
	uint32_t      most;		/* when they move */
};

struct store_journal *
store_journal_new(void)
{
	struct store_journal *journal = NEW(struct store_journal);

	arena_init(&journal->arena);
	buffer_init(&journal->draft);
	journal->most = MOVE_ITEMS;
	return journal;
}

static void
forget(struct store_journal *journal)
{
	HASH_CLEAR(hh, journal->tails);
	arena_reset(&journal->arena);
	buffer_empty(&journal->draft);
	store_late_free(&journal->late);
	journal->items = 0;
	journal->next = 0;
	journal->is_loaded = false;
}

void
store_journal_free(struct store_journal **pointer)
{
	if (*pointer == NULL)
		return;
	forget(*pointer);
	arena_clear(&(*pointer)->arena);
	buffer_clear(&(*pointer)->draft);
	memory_free(*pointer);
	*pointer = NULL;
}

/* --- items --- */

bool
store_journal_take(struct slice *rest, struct journal_item *item, struct slice *key)
{
	if (rest->length < sizeof(*item))
		return false;
	memcpy(item, rest->data, sizeof(*item));
	*rest = slice_after(*rest, sizeof(*item));
	if (item->key_length > rest->length || item->key_length <= STORE_LIST_PLACE ||
	    item->key_length > STORE_KEY_MAX)
		return false;
	*key = slice_of(rest->data, item->key_length);
	*rest = slice_after(*rest, item->key_length);
	return true;
}

uint64_t
store_list_place(struct slice key)
{
	uint64_t place;

	memcpy(&place, key.data + key.length - STORE_LIST_PLACE, STORE_LIST_PLACE);
	return be64toh(place);
}

struct slice
store_list_of(struct slice key)
{
	return slice_of(key.data, key.length - STORE_LIST_PLACE);
}

/* --- ends of lists --- */

static struct slice
name_of(char memory[STORE_KEY_MAX], int table, struct slice key)
{
	struct slice list = store_list_of(key);

	memory[0] = (char)table;
	memcpy(memory + 1, list.data, list.length);
	return slice_of(memory, list.length + 1);
}

static struct tail *
find_tail(struct store_journal *journal, int table, struct slice key)
{
	char memory[STORE_KEY_MAX];
	struct slice name = name_of(memory, table, key);
	struct tail *tail;

	HASH_FIND(hh, journal->tails, name.data, name.length, tail);
	return tail;
}

static struct tail *
new_tail(struct store_journal *journal, int table, struct slice key)
{
	struct tail *tail = arena_zeroed(&journal->arena, sizeof(*tail));
	char memory[STORE_KEY_MAX];

	tail->name = arena_copy(&journal->arena, name_of(memory, table, key));
	tail->lowest = UINT64_MAX;
	HASH_ADD_KEYPTR(hh, journal->tails, tail->name.data, tail->name.length, tail);
	return tail;
}

static bool
on_last(void *owner, struct slice key, struct slice value)
{
	struct tail *tail = owner;
	struct list_record record;

	if (value.length == sizeof(record)) {
		memcpy(&record, value.data, sizeof(record));
		tail->last = record.entry;
		tail->highest = store_list_place(key);
	}
	return false;
}

static struct tail *
get_tail(struct store_apply *apply, int table, struct slice key)
{
	struct store_journal *journal = apply->store->journal;
	struct tail *tail = find_tail(journal, table, key);

	if (tail != NULL)
		return tail;
	tail = new_tail(journal, table, key);
	txn_each_back(apply->txn, table, store_list_of(key), SLICE_EMPTY, on_last, tail);
	return tail;
}

/* An entry that stands in the journal. */
static void
note(struct tail *tail, uint64_t place, const struct store_entry *entry)
{
	if (place >= tail->highest) {
		tail->last = *entry;
		tail->highest = place;
	}
	if (place < tail->lowest)
		tail->lowest = place;
}

/* --- what a predecessor left --- */

static bool
on_journal(void *owner, struct slice key, struct slice value)
{
	struct store_journal *journal = owner;
	struct journal_item item;
	struct slice entry;

	journal->next = store_list_place(key) + 1;
	while (store_journal_take(&value, &item, &entry)) {
		struct tail *tail = find_tail(journal, (int)item.table, entry);

		if (tail == NULL)
			tail = new_tail(journal, (int)item.table, entry);
		note(tail, store_list_place(entry), &item.entry);
		journal->items++;
	}
	return true;
}

static void
load(struct store_journal *journal, struct txn *txn)
{
	if (journal->is_loaded)
		return;
	txn_each(txn, TABLE_JOURNAL, SLICE_EMPTY, SLICE_EMPTY, on_journal, journal);
	journal->is_loaded = true;
}

/* --- moving --- */

struct move {
	struct buffer bytes;	/* the journal, copied: lists are written meanwhile */
	struct moved {
		struct journal_item item;
		struct slice	    key;
	} *all;
	size_t count;
};

static bool
on_move(void *owner, struct slice key, struct slice value)
{
	buffer_append(owner, value);
	return true;
}

/* What was entered twice is put twice, in that order. */
static int
by_key(const void *a, const void *b)
{
	const struct moved *x = a, *y = b;
	int order = x->item.table < y->item.table ? -1 : x->item.table > y->item.table;

	if (order == 0)
		order = slice_compare(x->key, y->key);
	return order != 0 ? order
	    : x->item.entry.number < y->item.entry.number ? -1
							   : 1;
}

static void
put_moved(struct store_apply *apply, const struct moved *moved)
{
	struct list_record record = { ++apply->version, moved->item.entry };

	txn_put(apply->txn, (int)moved->item.table, moved->key,
	    slice_of(&record, sizeof(record)));
}

/* Into the lists, page after page, in the order of the keys. */
static void
move(struct store_apply *apply)
{
	struct store_journal *journal = apply->store->journal;
	struct move move = { 0 };
	struct slice rest;

	buffer_init(&move.bytes);
	txn_each(apply->txn, TABLE_JOURNAL, SLICE_EMPTY, SLICE_EMPTY, on_move, &move.bytes);
	move.all = memory_new((journal->items + 1) * sizeof(*move.all));
	rest = buffer_slice(&move.bytes);
	while (move.count < journal->items &&
	    store_journal_take(&rest, &move.all[move.count].item, &move.all[move.count].key))
		move.count++;
	qsort(move.all, move.count, sizeof(*move.all), by_key);
	for (size_t i = 0; i < move.count; i++)
		put_moved(apply, &move.all[i]);
	txn_clear(apply->txn, TABLE_JOURNAL);
	apply->is_changed = true;
	memory_free(move.all);
	buffer_clear(&move.bytes);
	forget(journal);
	journal->is_loaded = true;
}

/* In a transaction of its own, and where there is no room for it the journal goes on growing. */
void
store_journal_settle(struct store *store)
{
	struct store_journal *journal = store->journal;
	struct store_apply apply;
	uint32_t items;

	if (journal == NULL || journal->items < journal->most)
		return;
	items = journal->items;
	store_apply_open(&apply, store);
	move(&apply);
	journal->most = MOVE_ITEMS;
	if (store_apply_commit(&apply) != RESULT_OK)
		journal->most = items + MOVE_ITEMS;
}

/* --- in the transaction of requests --- */

void
store_journal_begin(struct store_apply *apply)
{
	if (apply->store->journal != NULL)
		load(apply->store->journal, apply->txn);
}

static void
write_draft(struct store_apply *apply)
{
	struct store_journal *journal = apply->store->journal;
	uint64_t key;

	if (buffer_length(&journal->draft) == 0)
		return;
	key = htobe64(journal->next++);
	txn_append(apply->txn, TABLE_JOURNAL, slice_of(&key, sizeof(key)),
	    buffer_slice(&journal->draft));
	buffer_empty(&journal->draft);
}

static void
append(struct store_apply *apply, struct tail *tail, struct slice key,
    const struct store_entry *entry)
{
	struct store_journal *journal = apply->store->journal;
	struct journal_item item = { (uint32_t)(uint8_t)tail->name.data[0],
		(uint32_t)key.length, *entry };

	if (buffer_length(&journal->draft) + sizeof(item) + key.length > CHUNK_BYTES)
		write_draft(apply);
	buffer_append(&journal->draft, slice_of(&item, sizeof(item)));
	buffer_append(&journal->draft, key);
	journal->items++;
	note(tail, store_list_place(key), entry);
}

/* Of an entry that had no number, or another one. */
static void
on_numbered(struct store_apply *apply, int table, struct slice key,
    const struct store_entry *entry)
{
	struct tail *tail = get_tail(apply, table, key);

	tail->is_late = false;
	append(apply, tail, key, entry);
}

void
store_journal_end(struct store_apply *apply)
{
	struct store_journal *journal = apply->store->journal;

	if (journal == NULL)
		return;
	write_draft(apply);
	store_late_settle(apply, &journal->late, on_numbered);
	write_draft(apply);
}

void
store_journal_give_up(struct store_apply *apply)
{
	if (apply->store->journal != NULL)
		forget(apply->store->journal);
}

/* What is set or deleted in a list must stand there: only what is younger may wait in the journal. */
void
store_journal_yield(struct store_apply *apply, const struct store_change *change)
{
	struct store_journal *journal = apply->store->journal;
	struct tail *tail;

	if (journal == NULL || change->key.length <= STORE_LIST_PLACE ||
	    (journal->items == 0 && journal->late == NULL))
		return;
	tail = find_tail(journal, change->table, change->key);
	if (tail == NULL ||
	    (!tail->is_late && store_list_place(change->key) < tail->lowest))
		return;
	store_journal_end(apply);
	move(apply);
}

int
store_entry_check(const struct store_apply *apply, const struct store_change *change)
{
	return apply->store->journal != NULL && change->key.length > STORE_LIST_PLACE &&
		change->key.length <= STORE_KEY_MAX && change->value.length == 0
	    ? RESULT_OK
	    : RESULT_INVALID;
}

void
store_entry_put(struct store_apply *apply, const struct store_change *change, int *result)
{
	struct store_journal *journal = apply->store->journal;
	struct tail *tail = get_tail(apply, change->table, change->key);
	struct store_entry entry = { tail->last.number + 1, tail->last.total + change->hashes };

	if (change->version != 0 &&
	    tail->last.total / change->version != entry.total / change->version)
		*result = 1;
	tail->is_late |= store_list_place(change->key) < tail->highest;
	if (!tail->is_late) {
		append(apply, tail, change->key, &entry);
		return;
	}
	tail->last = entry;
	store_late_add(&journal->late, change);
}
