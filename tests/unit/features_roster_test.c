/* features_roster_test.c -- what is kept of contacts, counted, logged, limited, and never written over when it cannot be read. */
#include "tests/folder.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/result.h"
#include "config/config.h"
#include "features/roster_store.h"
#include "features/turn.h"
#include "shm/limits.h"
#include "stream/server.h"

#define ACCOUNT 7

static struct server server;
static struct limits_header limits;
static struct shm memory = { .limits = &limits };	/* where limits that were met are counted */
static struct config config;
static struct arena arena;
static char directory[64];
static struct roster roster;
static struct store_change changes[ROSTER_CHANGES];
static struct turn_request request = { changes, 0, ROSTER_CHANGES };
static struct roster_item old, new;

static int
setup(void **state)
{
	assert_true(folder_make(directory, "/dev/shm"));
	arena_init(&arena);
	config = (struct config){ .roster_items = 3,
		.roster_groups = 20,
		.roster_name_bytes = 1024,
		.roster_requests = 2 };
	server = (struct server){ .config = &config, .shm = &memory };
	assert_int_equal(store_open(directory, STORE_CORE, true, &server.core), RESULT_OK);
	return 0;
}

static int
teardown(void **state)
{
	char command[128];

	store_close(&server.core);
	arena_clear(&arena);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

static void
begin(const char *jid)
{
	roster_read(&roster, &server, &arena, store_read(server.core), ACCOUNT);
	roster_find(&roster, slice_from_text(jid), &old);
	roster_item_copy(&arena, &old);
	new = old;
	request.count = 0;
}

static enum roster_limit
put(void)
{
	enum roster_limit limit = roster_put(&roster, &old, &new, &request);

	txn_end(&roster.txn);
	return limit;
}

static void
commit(void)
{
	assert_int_equal(put(), ROSTER_OK);
	assert_int_equal(store_apply(server.core, request.change, request.count, NULL), RESULT_OK);
}

static void
set_flags(const char *jid, unsigned flags)
{
	begin(jid);
	new.flags = flags;
	commit();
}

static void
reread(void)
{
	roster_read(&roster, &server, &arena, store_read(server.core), ACCOUNT);
}

/* --- */

static void
an_item_comes_back_as_it_was_kept(void **state)
{
	begin("nurse@localhost");
	new.name = SLICE("Nurse");
	new.flags = ROSTER_LISTED | ROSTER_TO | ROSTER_IN | ROSTER_APPROVED;
	new.group_count = 2;
	new.group[0] = SLICE("House");
	new.group[1] = SLICE("Capulet");
	new.request = SLICE("<presence/>");
	commit();
	reread();
	assert_true(roster_find(&roster, SLICE("nurse@localhost"), &old));
	assert_slice(old.name, "Nurse");
	assert_int_equal(old.flags, ROSTER_LISTED | ROSTER_TO | ROSTER_IN | ROSTER_APPROVED);
	assert_int_equal(old.group_count, 2);
	assert_slice(old.group[1], "Capulet");
	assert_slice(old.request, "<presence/>");
	assert_int_equal(roster_flags(&server, roster.txn, ACCOUNT, SLICE("nurse@localhost")),
	    old.flags);
	assert_int_equal(roster_flags(&server, roster.txn, ACCOUNT + 1, SLICE("nurse@localhost")),
	    0);
	assert_true(roster_change(&roster, 1, &new));
	assert_slice(new.name, "Nurse");
	assert_int_equal(new.request.length, 0);
	txn_end(&roster.txn);
}

static void
what_clients_see_raises_the_version_and_nothing_else(void **state)
{
	set_flags("a@localhost", ROSTER_IN);
	reread();
	assert_int_equal(roster.version, 0);
	assert_int_equal(roster.requests, 1);
	txn_end(&roster.txn);
	set_flags("a@localhost", ROSTER_IN | ROSTER_LISTED);
	set_flags("a@localhost", ROSTER_LISTED);
	set_flags("a@localhost", 0);
	reread();
	assert_int_equal(roster.version, 2);
	assert_int_equal(roster.requests, 0);
	assert_int_equal(roster.items, 0);
	assert_int_equal(roster.bytes, 0);
	assert_true(roster_change(&roster, 2, &new));
	assert_int_equal(new.flags, ROSTER_REMOVED);
	assert_false(roster_find(&roster, SLICE("a@localhost"), &old));
	txn_end(&roster.txn);
}

static void
of_two_that_read_the_same_one_writes(void **state)
{
	struct store_change first[ROSTER_CHANGES];
	int count;

	begin("a@localhost");
	new.flags = ROSTER_LISTED;
	assert_int_equal(put(), ROSTER_OK);
	memcpy(first, changes, sizeof(first));
	count = request.count;
	begin("b@localhost");
	new.flags = ROSTER_LISTED;
	assert_int_equal(put(), ROSTER_OK);
	assert_int_equal(store_apply(server.core, request.change, request.count, NULL), RESULT_OK);
	assert_int_equal(store_apply(server.core, first, count, NULL),
	    RESULT_CONFLICT);
	reread();
	assert_int_equal(roster.items, 1);
	txn_end(&roster.txn);
}

static void
the_options_limit_items_and_requests(void **state)
{
	set_flags("a@localhost", ROSTER_LISTED);
	set_flags("b@localhost", ROSTER_LISTED);
	set_flags("c@localhost", ROSTER_LISTED | ROSTER_IN);
	begin("d@localhost");
	new.flags = ROSTER_LISTED;
	assert_int_equal(put(), ROSTER_FULL);
	assert_int_equal(request.count, 0);
	set_flags("d@localhost", ROSTER_IN);
	begin("e@localhost");
	new.flags = ROSTER_IN;
	assert_int_equal(put(), ROSTER_FULL);
	assert_int_equal(limit_bites(&memory, LIMIT_ROSTER_ITEMS), 1);
	assert_int_equal(limit_bites(&memory, LIMIT_ROSTER_REQUESTS), 1);
	set_flags("c@localhost", ROSTER_LISTED | ROSTER_TO);
	set_flags("e@localhost", ROSTER_IN);
	set_flags("a@localhost", 0);
	set_flags("d@localhost", ROSTER_LISTED | ROSTER_FROM);
}

static void
all_items_together_fit_into_one_answer(void **state)
{
	static char name[1024];
	enum roster_limit limit = ROSTER_OK;
	int count = 0;
	char jid[32];

	config.roster_items = 100000;
	memset(name, '\'', sizeof(name));	/* six bytes each on its way */
	while (limit == ROSTER_OK && count < 1000) {
		snprintf(jid, sizeof(jid), "c%d@localhost", count++);
		begin(jid);
		new.name = slice_of(name, sizeof(name));
		new.flags = ROSTER_LISTED;
		limit = put();
		if (limit == ROSTER_OK)
			store_apply(server.core, request.change, request.count, NULL);
	}
	assert_in_range(count, 150, 200);
	reread();
	assert_true(roster.bytes <= ROSTER_BYTES_MAX);
	txn_end(&roster.txn);
	begin("c0@localhost");	/* what makes it smaller is always possible */
	new.name = SLICE_EMPTY;
	commit();
}

static void
the_log_holds_the_last_changes(void **state)
{
	for (int i = 0; i < ROSTER_LOG + 5; i++)
		set_flags("a@localhost", i & 1 ? ROSTER_LISTED | ROSTER_ASK : ROSTER_LISTED);
	reread();
	assert_int_equal(roster.version, ROSTER_LOG + 5);
	assert_false(roster_change(&roster, 5, &new));
	assert_true(roster_change(&roster, 6, &new));
	assert_true(roster_change(&roster, ROSTER_LOG + 5, &new));
	txn_end(&roster.txn);
}

static bool
count_one(void *owner, const struct roster_item *item)
{
	(*(int *)owner)++;
	return true;
}

/* Whoever spoils it: a record cut short, flags that no table leads to, another's record under this key. */
static void
what_cannot_be_read_is_marked_and_named(void **state)
{
	struct store_change spoil;
	int count = 0;

	set_flags("a@localhost", ROSTER_LISTED);
	begin("b@localhost");
	new.flags = ROSTER_LISTED;
	assert_int_equal(put(), ROSTER_OK);
	spoil = request.change[1];
	spoil.value = SLICE("x");
	assert_int_equal(store_apply(server.core, &spoil, 1, NULL), RESULT_OK);
	reread();
	assert_false(roster_find(&roster, SLICE("b@localhost"), &old));
	assert_true(roster.is_corrupt);
	txn_end(&roster.txn);
	new.flags = ROSTER_BOTH | ROSTER_ASK;
	spoil.value = roster_item_pack(&arena, &new, true);
	assert_int_equal(store_apply(server.core, &spoil, 1, NULL), RESULT_OK);
	reread();
	roster_each(&roster, ROSTER_REASON, count_one, &count);
	assert_int_equal(count, 1);
	assert_true(roster.is_corrupt);
	txn_end(&roster.txn);
	spoil = request.change[0];
	spoil.version = STORE_ANY_VERSION;
	spoil.value = SLICE("x");
	assert_int_equal(store_apply(server.core, &spoil, 1, NULL), RESULT_OK);
	reread();
	assert_true(roster.is_corrupt);
	txn_end(&roster.txn);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(an_item_comes_back_as_it_was_kept),
		TEST(what_clients_see_raises_the_version_and_nothing_else),
		TEST(of_two_that_read_the_same_one_writes),
		TEST(the_options_limit_items_and_requests),
		TEST(all_items_together_fit_into_one_answer),
		TEST(the_log_holds_the_last_changes),
		TEST(what_cannot_be_read_is_marked_and_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
