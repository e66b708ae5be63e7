/* shm_store_late_test.c -- facts about entries that come late: lists are numbered and summed by their places all the same. */
#include "unit.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/result.h"
#include "shm/store_record.h"
#include "tests/folder.h"

#define LISTS  3
#define PLACES 60
#define ROUNDS 20

static char directory[64];
static struct store *msg;
static uint32_t model[LISTS][PLACES];	/* bytes; 0: nothing is there */

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

/* --- one request --- */

static struct key keys[STORE_CHANGES_MAX];
static struct store_change changes[STORE_CHANGES_MAX];
static int count;

static void
change(enum store_verb verb, int list, uint64_t place, uint32_t bytes)
{
	keys[count] = (struct key){ (char)('a' + list), htobe64(place) };
	changes[count] = (struct store_change){ .verb = verb,
		.table = STORE_ARCHIVE,
		.hashes = bytes,
		.version = verb == STORE_SET ? STORE_ANY_VERSION : 0,
		.key = slice_of(&keys[count], sizeof(keys[count])) };
	count++;
	model[list][place] = bytes;
}

static int
apply(void)
{
	int result = store_apply(msg, changes, count, NULL);

	count = 0;
	return result;
}

/* --- what is read --- */

struct walk {
	const uint32_t	  *bytes;	/* of the model, by place */
	uint64_t	   place;	/* of the next one that may come */
	struct store_entry last;
};

static bool
on_entry(void *owner, uint64_t place, const struct store_entry *entry)
{
	struct walk *walk = owner;

	while (walk->place < place)
		assert_int_equal(walk->bytes[walk->place++], 0);
	assert_int_equal(entry->number, walk->last.number + 1);
	assert_int_equal(entry->total, walk->last.total + walk->bytes[place]);
	walk->last = *entry;
	walk->place++;
	return true;
}

static void
assert_lists(void)
{
	struct txn *txn = store_read(msg);

	for (int list = 0; list < LISTS; list++) {
		struct walk walk = { .bytes = model[list] };
		char name = (char)('a' + list);

		store_each_entry(msg, txn, STORE_ARCHIVE, slice_of(&name, 1), 0, UINT64_MAX, false,
		    on_entry, &walk);
		while (walk.place < PLACES)
			assert_int_equal(model[list][walk.place++], 0);
	}
	txn_end(&txn);
}

/* All that the journal holds moves into the lists: the record that is deleted is there no more than before. */
static void
move_all(void)
{
	change(STORE_ENTER, 0, PLACES - 1, 1);
	assert_int_equal(apply(), RESULT_OK);
	change(STORE_SET, 0, PLACES - 1, 0);
	assert_int_equal(apply(), RESULT_OK);
}

static void
reopen(void)
{
	store_close(&msg);
	assert_int_equal(store_open(directory, STORE_MSG, true, &msg), RESULT_OK);
}

/* --- facts --- */

static void
a_late_one_raises_those_above_it(void **state)
{
	change(STORE_ENTER, 0, 10, 100);
	change(STORE_ENTER, 0, 20, 50);
	change(STORE_ENTER, 1, 20, 1);
	assert_int_equal(apply(), RESULT_OK);
	change(STORE_ENTER, 0, 15, 7);
	assert_int_equal(apply(), RESULT_OK);
	assert_lists();
	change(STORE_ENTER, 0, 30, 3);
	assert_int_equal(apply(), RESULT_OK);
	assert_lists();
}

static void
of_one_request_all_are_numbered_by_place(void **state)
{
	for (uint64_t place = 20; place > 0; place--)
		change(STORE_ENTER, (int)place % 2, place, (uint32_t)place);
	assert_int_equal(apply(), RESULT_OK);
	assert_lists();
}

/* Then what the journal holds is moved in the middle of the request. */
static void
what_is_late_can_stand_beside_a_deletion(void **state)
{
	change(STORE_ENTER, 0, 10, 100);
	change(STORE_ENTER, 0, 50, 50);
	assert_int_equal(apply(), RESULT_OK);
	change(STORE_ENTER, 0, 30, 7);
	change(STORE_SET, 0, 58, 0);
	change(STORE_ENTER, 0, 20, 9);
	change(STORE_ENTER, 0, 40, 9);
	assert_int_equal(apply(), RESULT_OK);
	assert_lists();
}

static void
passing_a_multiple_is_told_of_a_late_one_too(void **state)
{
	change(STORE_ENTER, 0, 10, 60);
	assert_int_equal(apply(), RESULT_OK);
	change(STORE_ENTER, 0, 5, 60);
	changes[0].version = 100;
	assert_int_equal(apply(), 1);
	change(STORE_ENTER, 0, 6, 60);
	changes[0].version = 100;
	assert_int_equal(apply(), RESULT_OK);
	assert_lists();
}

static bool
on_any(void *owner, uint64_t place, const struct store_entry *entry)
{
	struct store_entry *entries = owner;

	entries[place] = *entry;
	return true;
}

/* Below the first one nothing is known but its number. */
static void
a_list_that_lost_its_first_ones_goes_on(void **state)
{
	struct store_entry entries[PLACES];
	struct txn *txn;

	for (uint64_t place = 10; place < 20; place++)
		change(STORE_ENTER, 0, place, 100);
	assert_int_equal(apply(), RESULT_OK);
	for (uint64_t place = 10; place < 15; place++)
		change(STORE_SET, 0, place, 0);
	assert_int_equal(apply(), RESULT_OK);
	change(STORE_ENTER, 0, 12, 100);
	assert_int_equal(apply(), RESULT_OK);
	txn = store_read(msg);
	store_each_entry(msg, txn, STORE_ARCHIVE, SLICE("a"), 0, UINT64_MAX, false, on_any,
	    entries);
	txn_end(&txn);
	assert_int_equal(entries[12].number, 6);
	assert_int_equal(entries[15].number, 7);
	assert_int_equal(entries[19].number, 11);
	assert_int_equal(entries[19].total, 1100);
	assert_int_equal(entries[15].total, 700);
	assert_in_range(entries[12].total, 600, 700);
}

/* In any order, so many at once, moved or not, by this process or the next. */
static void
any_order_gives_the_same_numbers(void **state)
{
	unsigned seed = 11;

	for (int round = 0; round < ROUNDS; round++) {
		memset(model, 0, sizeof(model));
		for (int i = 0; i < LISTS * (PLACES - 1); i++) {
			int list = rand_r(&seed) % LISTS;
			uint64_t place = (uint64_t)rand_r(&seed) % (PLACES - 1);

			if (model[list][place] != 0)
				continue;
			change(STORE_ENTER, list, place, (uint32_t)rand_r(&seed) % 100 + 1);
			if (rand_r(&seed) % 4 != 0)
				continue;
			assert_int_equal(apply(), RESULT_OK);
			assert_lists();
			if (rand_r(&seed) % 8 == 0)
				move_all();
			if (rand_r(&seed) % 8 == 0)
				reopen();
		}
		if (count > 0)
			assert_int_equal(apply(), RESULT_OK);
		assert_lists();
		teardown(state);
		count = 0;
		assert_int_equal(setup(state), 0);
	}
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(a_late_one_raises_those_above_it),
		FACT(of_one_request_all_are_numbered_by_place),
		FACT(what_is_late_can_stand_beside_a_deletion),
		FACT(passing_a_multiple_is_told_of_a_late_one_too),
		FACT(a_list_that_lost_its_first_ones_goes_on),
		FACT(any_order_gives_the_same_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
