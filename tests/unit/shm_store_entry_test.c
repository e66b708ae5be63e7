/* shm_store_entry_test.c -- facts about lists: numbered and summed by the store, and the log in the order of its keys. */
#include "unit.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/result.h"
#include "shm/store_record.h"
#include "tests/folder.h"

static char directory[64], data[80], runtime[64];
static struct shm *shm;
static struct store *msg;
static struct store_server *server;
static struct store_client *clients[2];

static int
setup(void **state)
{
	struct shm_options options = { runtime, 2, 10, 1 << 20 };

	if (!folder_make(directory, "/tmp") || !folder_make(runtime, "/dev/shm"))
		return -1;
	snprintf(data, sizeof(data), "%s/data", directory);
	if (shm_create(&options, &shm) != RESULT_OK || store_rings_create(shm) != RESULT_OK ||
	    store_open(data, STORE_MSG, true, &msg) != RESULT_OK ||
	    store_server_open(shm, msg, STORE_MSG, &server) != RESULT_OK)
		return -1;
	for (uint32_t i = 0; i < 2; i++)
		if (store_client_open(shm, i, STORE_MSG, &clients[i]) != RESULT_OK)
			return -1;
	return 0;
}

static int
teardown(void **state)
{
	char command[200];

	store_client_close(&clients[0]);
	store_client_close(&clients[1]);
	store_server_close(&server);
	store_close(&msg);
	shm_detach(&shm);
	snprintf(command, sizeof(command), "rm -rf %s %s", directory, runtime);
	return system(command);
}

struct key {
	char	 list;
	uint64_t place;
} __attribute__((packed));

static int
enter(char list, uint64_t place, uint32_t bytes, uint64_t step)
{
	struct key key = { list, htobe64(place) };
	struct store_change change = { .verb = STORE_ENTER,
		.table = STORE_ARCHIVE,
		.hashes = bytes,
		.version = step,
		.key = slice_of(&key, sizeof(key)) };

	return store_apply(msg, &change, 1, NULL);
}

static bool
on_entry(void *owner, uint64_t place, const struct store_entry *entry)
{
	*(struct store_entry *)owner = *entry;
	return true;
}

static struct store_entry
entry_of(char list, uint64_t place)
{
	struct txn *txn = store_read(msg);
	struct store_entry entry = { 0 };

	store_each_entry(msg, txn, STORE_ARCHIVE, slice_of(&list, 1), place, place, false, on_entry,
	    &entry);
	txn_end(&txn);
	assert_int_not_equal(entry.number, 0);
	return entry;
}

static void
records_of_a_list_are_numbered_and_summed(void **state)
{
	assert_int_equal(enter('a', 10, 100, 0), RESULT_OK);
	assert_int_equal(enter('b', 11, 7, 0), RESULT_OK);
	assert_int_equal(enter('a', 12, 50, 0), RESULT_OK);
	assert_int_equal(entry_of('a', 12).number, 2);
	assert_int_equal(entry_of('a', 12).total, 150);
	assert_int_equal(entry_of('b', 11).number, 1);
	assert_int_equal(entry_of('b', 11).total, 7);
}

static void
passing_a_multiple_is_told(void **state)
{
	assert_int_equal(enter('a', 1, 60, 100), RESULT_OK);
	assert_int_equal(enter('a', 2, 60, 100), 1);
	assert_int_equal(enter('a', 3, 60, 100), RESULT_OK);
	assert_int_equal(enter('b', 4, 60, 100), RESULT_OK);
}

static void
what_is_no_list_is_refused(void **state)
{
	struct store_change change = { .verb = STORE_ENTER,
		.table = STORE_ARCHIVE,
		.key = SLICE("12345678") };

	assert_int_equal(store_apply(msg, &change, 1, NULL), RESULT_INVALID);
	change.key = SLICE("123456789");
	assert_int_equal(store_apply(msg, &change, 1, NULL), RESULT_OK);
	change.value = SLICE("v");
	assert_int_equal(store_apply(msg, &change, 1, NULL), RESULT_INVALID);
	change.value = SLICE_EMPTY;
	change.table = STORE_PREFERENCES + 1;
	assert_int_equal(store_apply(msg, &change, 1, NULL), RESULT_INVALID);
}

static void
log_of(int client, uint64_t place)
{
	struct store_context context = { 0 };
	uint64_t key = htobe64(place);
	struct store_change change = { .verb = STORE_SET,
		.table = STORE_STANZA,
		.version = STORE_ANY_VERSION,
		.key = slice_of(&key, sizeof(key)),
		.value = SLICE("<message/>") };

	assert_true(store_ask(clients[client], &context, &change, 1) > 0);
}

static bool
on_stanza(void *owner, struct slice key, struct slice value, uint64_t version)
{
	uint64_t **next = owner;

	assert_slice(value, "<message/>");
	*(*next)++ = version;
	return true;
}

/* Versions are given out in the order of applying. */
static void
a_turn_follows_the_log_whoever_asked(void **state)
{
	uint64_t versions[6], *next = versions;
	struct txn *txn;

	log_of(0, 12);
	log_of(0, 15);
	log_of(1, 11);
	log_of(1, 13);
	log_of(1, 16);
	log_of(0, 17);
	assert_int_equal(store_server_turn(server), 6);
	txn = store_read(msg);
	store_each_from(msg, txn, STORE_STANZA, SLICE_EMPTY, SLICE_EMPTY, false, on_stanza, &next);
	txn_end(&txn);
	assert_int_equal(next - versions, 6);
	for (int i = 1; i < 6; i++)
		assert_int_equal(versions[i], versions[0] + (uint64_t)i);
}

static void
a_late_one_finds_its_place(void **state)
{
	uint64_t versions[3], *next = versions;
	struct txn *txn;

	log_of(0, 12);
	log_of(0, 14);
	assert_int_equal(store_server_turn(server), 2);
	log_of(1, 13);
	assert_int_equal(store_server_turn(server), 1);
	txn = store_read(msg);
	store_each_from(msg, txn, STORE_STANZA, SLICE_EMPTY, SLICE_EMPTY, true, on_stanza, &next);
	txn_end(&txn);
	assert_int_equal(next - versions, 3);
	assert_true(versions[1] > versions[0]);
}

/* --- a backlog --- */

static int
keep(int client, uint64_t place)
{
	struct store_context context = { 0 };
	struct key entry = { 'a', htobe64(place) };
	uint64_t key = htobe64(place);
	struct store_change changes[] = {
		{ .verb = STORE_SET, .table = STORE_STANZA, .version = STORE_ANY_VERSION,
		    .key = slice_of(&key, sizeof(key)), .value = SLICE("<message/>") },
		{ .verb = STORE_ENTER, .table = STORE_ARCHIVE, .hashes = (uint32_t)place % 7 + 1,
		    .key = slice_of(&entry, sizeof(entry)) },
	};

	return store_ask(clients[client], &context, changes, 2) > 0;
}

/* Of each four messages one comes by the other worker; until a ring is full. */
static uint64_t
fill_rings(uint64_t place)
{
	while (keep(place % 4 == 0, place))
		place++;
	return place;
}

static void
on_answer(void *owner, const struct store_answer *answer)
{
	assert_int_equal(answer->result, RESULT_OK);
}

static bool
on_ordered(void *owner, uint64_t place, const struct store_entry *entry)
{
	struct store_entry *last = owner;

	assert_int_equal(entry->number, last->number + 1);
	assert_int_equal(entry->total, last->total + place % 7 + 1);
	*last = *entry;
	return true;
}

static uint64_t
assert_list_in_order(void)
{
	struct txn *txn = store_read(msg);
	struct store_entry last = { 0 };

	store_each_entry(msg, txn, STORE_ARCHIVE, SLICE("a"), 0, UINT64_MAX, false, on_ordered,
	    &last);
	txn_end(&txn);
	return last.number;
}

/* The rings hold more than a turn takes. */
static void
a_backlog_is_numbered_in_the_order_of_the_log(void **state)
{
	uint64_t next = 1;

	for (int round = 0; round < 3; round++) {
		next = fill_rings(next);
		assert_true(store_server_turn(server) > 0);
		assert_list_in_order();
		store_answers(clients[0], on_answer, NULL);
		store_answers(clients[1], on_answer, NULL);
	}
	while (store_server_turn(server) > 0) {
		assert_list_in_order();
		store_answers(clients[0], on_answer, NULL);
		store_answers(clients[1], on_answer, NULL);
	}
	assert_int_equal(assert_list_in_order(), next - 1);
}

/* One worker hangs, so that its answers have no room; the other one goes on. */
static void
who_takes_no_answers_holds_nobody_up(void **state)
{
	uint64_t next = 1;

	for (int round = 0; round < 3; round++) {
		next = fill_rings(next);
		while (store_server_turn(server) > 0)
			store_answers(clients[1], on_answer, NULL);
		assert_list_in_order();
		for (int i = 0; i < 1000 && keep(1, next); i++)
			next++;
		store_server_turn(server);
		assert_list_in_order();
	}
	do
		store_answers(clients[0], on_answer, NULL);
	while (store_server_turn(server) > 0);
	assert_list_in_order();
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(records_of_a_list_are_numbered_and_summed),
		FACT(passing_a_multiple_is_told),
		FACT(what_is_no_list_is_refused),
		FACT(a_turn_follows_the_log_whoever_asked),
		FACT(a_late_one_finds_its_place),
		FACT(a_backlog_is_numbered_in_the_order_of_the_log),
		FACT(who_takes_no_answers_holds_nobody_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
