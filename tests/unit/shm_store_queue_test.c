/* shm_store_queue_test.c -- facts about queues in the store: order, limits, dropping. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/result.h"
#include "shm/store.h"
#include "tests/folder.h"

#define MANY 1000

static char directory[64];
static struct store *msg;
static char seen[4096];

static int
setup(void **state)
{
	if (!folder_make(directory, "/tmp"))
		return -1;
	return store_open(directory, STORE_MSG, true, &msg);
}

static int
teardown(void **state)
{
	char command[128];

	store_close(&msg);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static int
add_within(const char *name, const char *value, uint32_t entries, uint64_t octets)
{
	struct store_change change = { .verb = STORE_QUEUE_ADD,
		.table = STORE_OFFLINE,
		.hashes = entries,
		.version = octets,
		.key = slice_from_text(name),
		.value = slice_from_text(value) };

	return store_apply(msg, &change, 1, NULL);
}

static void
add(const char *name, const char *value)
{
	assert_int_equal(add_within(name, value, MANY, MANY), RESULT_OK);
}

static int
drop(const char *name, unsigned char number)
{
	char key[72];
	size_t length = strlen(name);
	struct store_change change = { .verb = STORE_QUEUE_DROP, .table = STORE_OFFLINE };

	memset(key, 0, sizeof(key));
	memcpy(key, name, length);
	key[length + 7] = (char)number;
	change.key = slice_of(key, length + 8);
	return store_apply(msg, &change, 1, NULL);
}

static bool
see(void *owner, struct slice key, struct slice value, uint64_t version)
{
	size_t *name = owner;
	size_t length = strlen(seen);

	assert_true(version > 0);
	if (key.length != *name)
		snprintf(seen + length, sizeof(seen) - length, "%llu=" SLICE_FMT " ",
		    (unsigned long long)store_queue_number(key), SLICE_ARG(value));
	return true;
}

static const char *
all(const char *name)
{
	struct txn *txn = store_read(msg);
	size_t length = strlen(name);

	seen[0] = 0;
	store_each(msg, txn, STORE_OFFLINE, slice_from_text(name), see, &length);
	txn_end(&txn);
	return seen;
}

static void
assert_tally(const char *name, uint64_t entries, uint64_t octets)
{
	struct txn *txn = store_read(msg);
	struct store_queue queue;

	store_queue(msg, txn, STORE_OFFLINE, slice_from_text(name), &queue);
	txn_end(&txn);
	assert_int_equal(queue.entries, entries);
	assert_int_equal(queue.octets, octets);
}

static void
entries_stand_in_the_order_of_their_coming(void **state)
{
	assert_tally("romeo...", 0, 0);
	add("romeo...", "one");
	add("juliet..", "other");
	add("romeo...", "two");
	add("romeo...", "three");
	assert_string_equal(all("romeo..."), "1=one 2=two 3=three ");
	assert_string_equal(all("juliet.."), "1=other ");
	assert_tally("romeo...", 3, 11);
}

static void
a_full_queue_takes_no_more(void **state)
{
	assert_int_equal(add_within("romeo...", "12345", 2, 12), RESULT_OK);
	assert_int_equal(add_within("romeo...", "12345", 1, 12), RESULT_FULL);
	assert_int_equal(add_within("romeo...", "12345678", 2, 12), RESULT_FULL);
	assert_int_equal(add_within("romeo...", "1234567", 2, 12), RESULT_OK);
	assert_int_equal(add_within("romeo...", "1", 3, 12), RESULT_FULL);
	assert_int_equal(add_within("romeo...", "1", 3, 5), RESULT_FULL);
	assert_string_equal(all("romeo..."), "1=12345 2=1234567 ");
	assert_int_equal(add_within("juliet..", "1", 0, 12), RESULT_FULL);
}

static void
what_is_dropped_goes_with_all_before_it_and_its_numbers_are_not_used_again(void **state)
{
	add("romeo...", "one");
	add("romeo...", "two");
	add("romeo...", "three");
	add("juliet..", "other");
	assert_int_equal(drop("romeo...", 2), RESULT_OK);
	assert_string_equal(all("romeo..."), "3=three ");
	assert_tally("romeo...", 1, 5);
	assert_int_equal(drop("romeo...", 2), RESULT_OK);
	assert_int_equal(drop("romeo...", 9), RESULT_OK);
	assert_string_equal(all("romeo..."), "");
	assert_tally("romeo...", 0, 0);
	add("romeo...", "four");
	assert_string_equal(all("romeo..."), "4=four ");
	assert_string_equal(all("juliet.."), "1=other ");
	assert_int_equal(drop("nobody..", 9), RESULT_OK);
}

static void
a_request_that_cannot_be_changes_nothing(void **state)
{
	struct store_change changes[] = {
		{ .verb = STORE_QUEUE_ADD, .table = STORE_OFFLINE, .hashes = 9, .version = 99,
		    .key = SLICE("romeo..."), .value = SLICE("one") },
		{ .verb = STORE_QUEUE_ADD, .table = STORE_ARCHIVE, .hashes = 0, .version = 99,
		    .key = SLICE("romeo..."), .value = SLICE("one") },
	};

	assert_int_equal(store_apply(msg, changes, 2, NULL), RESULT_FULL);
	changes[1].table = STORE_OFFLINE;
	assert_int_equal(store_apply(msg, changes, 2, NULL), RESULT_INVALID);
	changes[0].table = STORE_PREFERENCES + 1;
	assert_int_equal(store_apply(msg, changes, 1, NULL), RESULT_INVALID);
	assert_int_equal(add_within("romeo...", "", MANY, MANY), RESULT_INVALID);
	assert_int_equal(add_within("", "one", MANY, MANY), RESULT_INVALID);
	assert_int_equal(drop("", 1), RESULT_INVALID);
	assert_string_equal(all("romeo..."), "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(entries_stand_in_the_order_of_their_coming),
		TEST(a_full_queue_takes_no_more),
		TEST(what_is_dropped_goes_with_all_before_it_and_its_numbers_are_not_used_again),
		TEST(a_request_that_cannot_be_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
