/* shm_store_list_test.c -- facts about the journal of lists: what is read, moved and deleted is as if it were not there. */
#include "unit.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/result.h"
#include "shm/store_record.h"
#include "tests/folder.h"

#define LISTS  3
#define PLACES 100
#define MANY   8192	/* entries that move */

static char directory[64];
static struct store *msg;

/* What the lists hold, by place; bytes 0: nothing. */
static uint64_t model[LISTS][PLACES];

static int
setup(void **state)
{
	memset(model, 0, sizeof(model));
	return folder_make(directory, "/dev/shm") ? store_open(directory, STORE_MSG, true, &msg) : -1;
}

static int
teardown(void **state)
{
	char command[128];

	store_close(&msg);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

struct key {
	char	 list;
	uint64_t place;
} __attribute__((packed));

static void
apply(enum store_verb verb, char list, uint64_t place, uint32_t bytes)
{
	struct key key = { list, htobe64(place) };
	struct store_change change = { .verb = verb,
		.table = STORE_ARCHIVE,
		.hashes = bytes,
		.version = verb == STORE_SET ? STORE_ANY_VERSION : 0,
		.key = slice_of(&key, sizeof(key)) };

	assert_int_equal(store_apply(msg, &change, 1, NULL), RESULT_OK);
}

static void
enter(int list, uint64_t place, uint32_t bytes)
{
	apply(STORE_ENTER, (char)('a' + list), place, bytes);
	model[list][place] = bytes;
}

static void
drop(int list, uint64_t place)
{
	apply(STORE_SET, (char)('a' + list), place, 0);
	model[list][place] = 0;
}

static uint64_t
journaled(void)
{
	struct txn *txn = store_read(msg);
	uint64_t count = txn_entries(txn, TABLE_JOURNAL);

	txn_end(&txn);
	return count;
}

/* Entries of a list that is none of the test's. */
static void
enter_others(uint64_t first, int count)
{
	static struct store_change changes[STORE_CHANGES_MAX];
	static struct key keys[STORE_CHANGES_MAX];

	for (int i = 0; i < count; i++) {
		keys[i] = (struct key){ 'z', htobe64(first + (uint64_t)i) };
		changes[i] = (struct store_change){ .verb = STORE_ENTER,
			.table = STORE_ARCHIVE,
			.hashes = 1,
			.key = slice_of(&keys[i], sizeof(keys[i])) };
	}
	assert_int_equal(store_apply(msg, changes, count, NULL), RESULT_OK);
}

/* So many, in places that grow, that all there is moves before the last ones come. */
static void
move_all(void)
{
	static uint64_t next = MANY * 2;
	uint64_t before;

	do {
		before = journaled();
		enter_others(next, STORE_CHANGES_MAX);
		next += STORE_CHANGES_MAX;
	} while (journaled() > before);
}

static void
reopen(void)
{
	store_close(&msg);
	assert_int_equal(store_open(directory, STORE_MSG, true, &msg), RESULT_OK);
}

/* --- reading --- */

struct seen {
	uint64_t place[PLACES];
	int	 count, most;
};

static bool
on_entry(void *owner, uint64_t place, const struct store_entry *entry)
{
	struct seen *seen = owner;

	assert_true(seen->count < PLACES);
	seen->place[seen->count++] = place;
	return seen->count != seen->most;
}

static void
assert_range(int list, uint64_t from, uint64_t to, bool downwards, int most)
{
	char name = (char)('a' + list);
	struct txn *txn = store_read(msg);
	struct seen seen = { .most = most };
	int count = 0;

	store_each_entry(msg, txn, STORE_ARCHIVE, slice_of(&name, 1), from, to, downwards, on_entry,
	    &seen);
	txn_end(&txn);
	for (uint64_t i = 0; i <= to - from && count < most; i++) {
		uint64_t place = downwards ? to - i : from + i;

		if (place >= PLACES || model[list][place] == 0)
			continue;
		assert_true(count < seen.count);
		assert_int_equal(seen.place[count++], place);
	}
	assert_int_equal(count, seen.count);
}

static void
assert_all(void)
{
	for (int list = 0; list < LISTS; list++)
		for (int most = 1; most <= PLACES; most += 33)
			for (uint64_t from = 0; from < PLACES; from += 11)
				for (uint64_t to = from; to < PLACES; to += 13) {
					assert_range(list, from, to, false, most);
					assert_range(list, from, to, true, most);
				}
}

/* --- facts --- */

static void
entries_are_read_from_list_and_journal(void **state)
{
	unsigned seed = 7;

	for (int i = 0; i < 60; i++)
		enter(rand_r(&seed) % LISTS, (uint64_t)rand_r(&seed) % PLACES / 2 * 2, 10);
	move_all();
	assert_all();
	for (int i = 0; i < 60; i++)
		enter(rand_r(&seed) % LISTS, (uint64_t)rand_r(&seed) % PLACES / 2 * 2 + 1, 10);
	assert_true(journaled() > 0);
	assert_all();
	move_all();
	assert_all();
}

static void
many_entries_move(void **state)
{
	for (uint64_t i = 0; i < MANY; i += STORE_CHANGES_MAX)
		enter_others(i, STORE_CHANGES_MAX);
	assert_true(journaled() > MANY / 100);
	enter_others(MANY, 1);
	assert_int_equal(journaled(), 1);
}

static struct store_entry
last_of(int list)
{
	char name = (char)('a' + list);
	struct store_entry last = { 0 };
	struct slice key, value;
	struct txn *txn = store_read(msg);
	struct journal_item item;

	assert_true(txn_last(txn, TABLE_JOURNAL, &key, &value));
	while (store_journal_take(&value, &item, &key))
		if (slice_equal(store_list_of(key), slice_of(&name, 1)))
			last = item.entry;
	txn_end(&txn);
	return last;
}

static void
numbers_go_on_after_a_move(void **state)
{
	enter(0, 1, 100);
	enter(0, 2, 50);
	move_all();
	enter(0, 3, 7);
	assert_int_equal(last_of(0).number, 3);
	assert_int_equal(last_of(0).total, 157);
}

static void
numbers_go_on_in_another_process(void **state)
{
	enter(0, 1, 100);
	reopen();
	enter(0, 2, 50);
	assert_int_equal(last_of(0).number, 2);
	move_all();
	reopen();
	enter(0, 3, 7);
	assert_int_equal(last_of(0).number, 3);
	assert_int_equal(last_of(0).total, 157);
	assert_all();
}

static void
a_request_that_failed_leaves_no_trace(void **state)
{
	struct key first = { 'a', htobe64(5) };
	struct store_change changes[] = {
		{ .verb = STORE_ENTER, .table = STORE_ARCHIVE, .hashes = 9,
		    .key = slice_of(&first, sizeof(first)) },
		{ .verb = STORE_SET, .table = STORE_PREFERENCES, .version = 99, .key = SLICE("p"),
		    .value = SLICE("v") },
	};

	enter(0, 1, 100);
	assert_int_equal(store_apply(msg, changes, 2, NULL), RESULT_CONFLICT);
	enter(0, 6, 50);
	assert_int_equal(last_of(0).number, 2);
	assert_int_equal(last_of(0).total, 150);
	assert_all();
}

static void
what_the_journal_holds_can_be_deleted(void **state)
{
	for (uint64_t i = 10; i < 20; i++)
		enter(0, i, 1);
	drop(0, 10);
	drop(0, 15);
	assert_all();
	enter(0, 30, 1);
	assert_all();
	reopen();
	drop(0, 30);
	assert_all();
}

static void
older_entries_are_deleted_without_a_move(void **state)
{
	for (uint64_t i = 10; i < 20; i++)
		enter(0, i, 1);
	move_all();
	enter(0, 40, 1);
	drop(0, 10);
	drop(1, 10);
	assert_true(journaled() > 0);
	assert_all();
}

struct nested {
	struct txn *txn;
	int	    outer, inner;
};

static bool
on_inner(void *owner, uint64_t place, const struct store_entry *entry)
{
	struct nested *nested = owner;

	assert_int_equal(place, 50 + nested->inner++ % 2);
	return true;
}

static bool
on_outer(void *owner, uint64_t place, const struct store_entry *entry)
{
	struct nested *nested = owner;

	assert_int_equal(place, ++nested->outer);
	store_each_entry(msg, nested->txn, STORE_ARCHIVE, SLICE("b"), 0, UINT64_MAX, false,
	    on_inner, nested);
	return true;
}

static void
a_list_is_read_while_another_is(void **state)
{
	struct nested nested = { 0 };

	for (uint64_t i = 1; i <= 3; i++)
		enter(0, i, 1);
	enter(1, 50, 1);
	enter(1, 51, 1);
	nested.txn = store_read(msg);
	store_each_entry(msg, nested.txn, STORE_ARCHIVE, SLICE("a"), 0, UINT64_MAX, false, on_outer,
	    &nested);
	txn_end(&nested.txn);
	assert_int_equal(nested.outer, 3);
	assert_int_equal(nested.inner, 6);
}

static void
a_broken_journal_is_not_followed(void **state)
{
	struct journal_item item = { STORE_ARCHIVE, 4000, { 1, 1 } };
	struct slice rest = slice_of(&item, sizeof(item)), key;

	assert_false(store_journal_take(&rest, &item, &key));
	item.key_length = STORE_LIST_PLACE;
	rest = slice_of(&item, sizeof(item) - 1);
	assert_false(store_journal_take(&rest, &item, &key));
	rest = slice_of(&item, sizeof(item));
	assert_false(store_journal_take(&rest, &item, &key));
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(entries_are_read_from_list_and_journal),
		FACT(many_entries_move),
		FACT(numbers_go_on_after_a_move),
		FACT(numbers_go_on_in_another_process),
		FACT(a_request_that_failed_leaves_no_trace),
		FACT(what_the_journal_holds_can_be_deleted),
		FACT(older_entries_are_deleted_without_a_move),
		FACT(a_list_is_read_while_another_is),
		FACT(a_broken_journal_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
