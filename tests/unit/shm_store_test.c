/* shm_store_test.c -- facts about the durable store: opening, accounts, hosts, places, conditions. */
#include "unit.h"

#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/result.h"
#include "shm/store_record.h"
#include "tests/folder.h"

static char directory[64];
static struct store *core;

static int
setup(void **state)
{
	if (!folder_make(directory, "/tmp"))
		return -1;
	strcat(directory, "/data");
	return store_open(directory, STORE_CORE, true, &core);
}

static int
teardown(void **state)
{
	char command[128];

	store_close(&core);
	*strrchr(directory, '/') = 0;
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static int
put(const char *jid, uint64_t version, uint32_t hashes, const char *record, uint64_t *id)
{
	struct store_change change = {
		.verb = STORE_ACCOUNT_PUT,
		.version = version,
		.hashes = hashes,
		.key = slice_from_text(jid),
		.value = slice_from_text(record),
	};

	return store_apply(core, &change, 1, id);
}

static uint64_t
make(const char *jid)
{
	uint64_t id;

	assert_int_equal(put(jid, 0, 0, "keys", &id), RESULT_OK);
	return id;
}

static int
delete(const char *jid)
{
	struct store_change change = { .verb = STORE_ACCOUNT_DELETE, .key = slice_from_text(jid) };

	return store_apply(core, &change, 1, NULL);
}

static uint64_t
id_of(const char *jid)
{
	struct txn *txn = store_read(core);
	uint64_t id = store_account_id(core, txn, slice_from_text(jid));

	txn_end(&txn);
	return id;
}

static uint64_t
version_of(const char *jid)
{
	struct txn *txn = store_read(core);
	struct account account = { 0 };

	store_account(core, txn, slice_from_text(jid), &account);
	txn_end(&txn);
	return account.version;
}

static void
an_account_is_found_by_its_whole_name(void **state)
{
	uint64_t id = make("romeo@localhost");
	struct txn *txn = store_read(core);
	struct account account;

	assert_true(store_account(core, txn, SLICE("romeo@localhost"), &account));
	assert_int_equal(account.id, id);
	assert_slice(account.jid, "romeo@localhost");
	assert_slice(account.record, "keys");
	assert_false(store_account(core, txn, SLICE("romeo@localhos"), &account));
	assert_false(store_account(core, txn, SLICE("Romeo@localhost"), &account));
	txn_end(&txn);
	assert_int_equal(id_of("juliet@localhost"), 0);
}

static void
version_zero_makes_and_never_replaces(void **state)
{
	uint64_t id = make("romeo@localhost");

	assert_int_equal(put("romeo@localhost", 0, 0, "other", NULL), RESULT_EXISTS);
	assert_int_equal(id_of("romeo@localhost"), id);
}

static void
a_change_needs_the_version_it_saw(void **state)
{
	uint64_t id = make("romeo@localhost"), changed;
	uint64_t version = version_of("romeo@localhost");

	assert_int_equal(put("romeo@localhost", version, 0, "new", &changed), RESULT_OK);
	assert_int_equal(changed, id);
	assert_true(version_of("romeo@localhost") > version);
	assert_int_equal(put("romeo@localhost", version, 0, "late", NULL), RESULT_CONFLICT);
	assert_int_equal(put("romeo@localhost", STORE_ANY_VERSION, 0, "any", NULL), RESULT_OK);
	assert_int_equal(put("juliet@localhost", 1, 0, "keys", NULL), RESULT_CONFLICT);
}

static void
an_id_is_never_used_again(void **state)
{
	uint64_t first = make("romeo@localhost");
	uint64_t version = version_of("romeo@localhost");

	assert_int_equal(delete("romeo@localhost"), RESULT_OK);
	assert_int_equal(id_of("romeo@localhost"), 0);
	assert_int_equal(delete("romeo@localhost"), RESULT_NOT_FOUND);
	store_close(&core);
	assert_int_equal(store_open(directory, STORE_CORE, true, &core), RESULT_OK);
	assert_true(make("romeo@localhost") > first);
	/* Nor is a version: who saw the old account cannot change the new one. */
	assert_true(version_of("romeo@localhost") > version);
	assert_int_equal(put("romeo@localhost", version, 0, "late", NULL), RESULT_CONFLICT);
}

static bool
next_deleted(uint64_t from, uint64_t *id, char jid[64])
{
	struct txn *txn = store_read(core);
	struct store_deleted found;
	bool is_there = store_deleted(core, txn, from, &found);

	*id = found.id;
	if (is_there)
		snprintf(jid, 64, SLICE_FMT, SLICE_ARG(found.jid));
	txn_end(&txn);
	return is_there;
}

static void
a_deletion_is_remembered_until_somebody_has_seen_to_it(void **state)
{
	uint64_t romeo = make("romeo@localhost"), juliet = make("juliet@localhost"), id, other;
	struct store_change done = { .verb = STORE_SET,
		.table = STORE_DELETED,
		.version = STORE_ANY_VERSION };
	char jid[64];

	assert_false(next_deleted(0, &id, jid));
	assert_int_equal(delete("juliet@localhost"), RESULT_OK);
	assert_int_equal(delete("romeo@localhost"), RESULT_OK);
	other = make("romeo@localhost");
	store_close(&core);
	assert_int_equal(store_open(directory, STORE_CORE, true, &core), RESULT_OK);
	assert_true(next_deleted(0, &id, jid));
	assert_int_equal(id, romeo);
	assert_string_equal(jid, "romeo@localhost");
	assert_true(next_deleted(id + 1, &id, jid));
	assert_int_equal(id, juliet);
	assert_false(next_deleted(id + 1, &id, jid));
	id = htobe64(romeo);
	done.key = slice_of(&id, sizeof(id));
	assert_int_equal(store_apply(core, &done, 1, NULL), RESULT_OK);
	assert_true(next_deleted(0, &id, jid));
	assert_int_equal(id, juliet);
	assert_int_equal(id_of("romeo@localhost"), other);
}

static struct hash128
same_hash(const struct store *store, struct slice name)
{
	return (struct hash128){ { 7, 7 } };
}

static bool
count_account(void *owner, const struct account *account)
{
	int *count = owner;

	++*count;
	return true;
}

static int
count_of(const char *host)
{
	struct txn *txn = store_read(core);
	int count = 0;

	store_accounts(core, txn, slice_from_text(host), count_account, &count);
	txn_end(&txn);
	return count;
}

static void
names_of_one_hash_are_kept_apart(void **state)
{
	uint64_t a, b, c, ignored;
	struct txn *txn;

	core->hash = same_hash;
	a = make("a@one.example");
	b = make("b@two.example");
	c = make("c@one.example");
	assert_true(id_of("a@one.example") == a && id_of("b@two.example") == b &&
	    id_of("c@one.example") == c);
	assert_int_equal(delete("a@one.example"), RESULT_OK);
	assert_int_equal(id_of("a@one.example"), 0);
	assert_true(id_of("b@two.example") == b && id_of("c@one.example") == c);
	assert_int_equal(put("c@one.example", 0, 0, "keys", NULL), RESULT_EXISTS);
	make("d@two.example");
	assert_int_equal(id_of("b@two.example"), b);
	/* Listings and counts do not mix hosts either. */
	assert_int_equal(count_of("one.example"), 1);
	assert_int_equal(count_of("two.example"), 2);
	txn = store_read(core);
	store_host_hashes(core, txn, SLICE("one.example"), &ignored);
	assert_int_equal(ignored, 1);
	store_host_hashes(core, txn, SLICE("two.example"), &ignored);
	assert_int_equal(ignored, 2);
	txn_end(&txn);
}

static void
names_of_one_hash_have_an_end(void **state)
{
	char name[32];

	core->hash = same_hash;
	for (int i = 0; i < 255; i++) {
		snprintf(name, sizeof(name), "user%d@localhost", i);
		make(name);
	}
	assert_int_equal(put("more@localhost", 0, 0, "keys", NULL), RESULT_FULL);
	assert_int_equal(delete("user17@localhost"), RESULT_OK);
	make("more@localhost");
	assert_int_equal(count_of("localhost"), 255);
}

static void
a_host_lists_its_accounts_only(void **state)
{
	make("romeo@montague.example");
	make("benvolio@montague.example");
	make("juliet@capulet.example");
	assert_int_equal(count_of("montague.example"), 2);
	assert_int_equal(count_of("capulet.example"), 1);
	assert_int_equal(count_of("example"), 0);
	assert_int_equal(delete("romeo@montague.example"), RESULT_OK);
	assert_int_equal(count_of("montague.example"), 1);
}

static uint32_t
hashes_of(const char *host, uint64_t *accounts)
{
	struct txn *txn = store_read(core);
	uint32_t hashes = store_host_hashes(core, txn, slice_from_text(host), accounts);

	txn_end(&txn);
	return hashes;
}

static void
a_host_has_the_hashes_that_all_accounts_have(void **state)
{
	uint64_t accounts;

	assert_int_equal(hashes_of("localhost", &accounts), UINT32_MAX);
	assert_int_equal(accounts, 0);
	assert_int_equal(put("a@localhost", 0, 7, "", NULL), RESULT_OK);
	assert_int_equal(hashes_of("localhost", &accounts), 7);
	assert_int_equal(put("b@localhost", 0, 2, "", NULL), RESULT_OK);
	assert_int_equal(put("c@elsewhere", 0, 0, "", NULL), RESULT_OK);
	assert_int_equal(hashes_of("localhost", &accounts), 2);
	assert_int_equal(accounts, 2);
	assert_int_equal(put("b@localhost", STORE_ANY_VERSION, 6, "", NULL), RESULT_OK);
	assert_int_equal(hashes_of("localhost", &accounts), 6);
	assert_int_equal(delete("b@localhost"), RESULT_OK);
	assert_int_equal(hashes_of("localhost", &accounts), 7);
	assert_int_equal(delete("a@localhost"), RESULT_OK);
	assert_int_equal(hashes_of("localhost", &accounts), UINT32_MAX);
}

static void
names_without_user_or_host_are_invalid(void **state)
{
	char name[2100];

	assert_int_equal(put("localhost", 0, 0, "", NULL), RESULT_INVALID);
	assert_int_equal(put("@localhost", 0, 0, "", NULL), RESULT_INVALID);
	assert_int_equal(put("romeo@", 0, 0, "", NULL), RESULT_INVALID);
	memset(name, 'x', sizeof(name) - 1);
	name[3] = '@';
	name[sizeof(name) - 1] = 0;
	assert_int_equal(put(name, 0, 0, "", NULL), RESULT_INVALID);
	name[2047] = 0;
	assert_int_equal(put(name, 0, 0, "", NULL), RESULT_OK);
	assert_int_not_equal(id_of(name), 0);
}

static int
set(int place, uint64_t version, const char *key, const char *value)
{
	struct store_change change = {
		.verb = STORE_SET,
		.table = place,
		.version = version,
		.key = slice_from_text(key),
		.value = slice_from_text(value),
	};

	return store_apply(core, &change, 1, NULL);
}

static bool
get(const char *key, char *out, uint64_t *version)
{
	struct txn *txn = store_read(core);
	struct slice value;
	bool found = store_get(core, txn, STORE_ROSTER, slice_from_text(key), &value, version);

	if (found) {
		memcpy(out, value.data, value.length);
		out[value.length] = 0;
	}
	txn_end(&txn);
	return found;
}

static void
places_keep_versioned_values(void **state)
{
	char value[64];
	uint64_t first, second;

	assert_int_equal(set(STORE_ROSTER, 0, "k", "one"), RESULT_OK);
	assert_true(get("k", value, &first));
	assert_string_equal(value, "one");
	assert_int_equal(set(STORE_ROSTER, 0, "k", "two"), RESULT_CONFLICT);
	assert_int_equal(set(STORE_ROSTER, first, "k", "two"), RESULT_OK);
	assert_int_equal(set(STORE_ROSTER, first, "k", "three"), RESULT_CONFLICT);
	assert_true(get("k", value, &second));
	assert_string_equal(value, "two");
	assert_true(second > first);
	assert_int_equal(set(STORE_ROSTER, first, "k", ""), RESULT_CONFLICT);
	assert_int_equal(set(STORE_ROSTER, second, "k", ""), RESULT_OK);
	assert_false(get("k", value, &second));
	assert_int_equal(set(STORE_ROSTER, STORE_ANY_VERSION, "k", "new"), RESULT_OK);
	assert_true(get("k", value, &first));
	assert_true(first > second);
}

static bool
join_keys(void *owner, struct slice key, struct slice value, uint64_t version)
{
	strncat(owner, key.data, key.length);
	return key.data[key.length - 1] != '3';
}

static void
places_are_read_in_order_of_keys(void **state)
{
	char keys[64] = "";
	struct txn *txn;

	for (int i = 4; i >= 1; i--) {
		char key[3] = { 'b', (char)('0' + i), 0 };

		assert_int_equal(set(STORE_ROSTER, 0, key, "v"), RESULT_OK);
	}
	assert_int_equal(set(STORE_ROSTER, 0, "a1", "v"), RESULT_OK);
	txn = store_read(core);
	store_each(core, txn, STORE_ROSTER, SLICE("b"), join_keys, keys);
	txn_end(&txn);
	assert_string_equal(keys, "b1b2b3");
}

static void
only_places_of_features_can_be_set(void **state)
{
	assert_int_equal(set(TABLE_META, STORE_ANY_VERSION, "secret", "x"), RESULT_INVALID);
	assert_int_equal(set(TABLE_ACCOUNT, STORE_ANY_VERSION, "x", "x"), RESULT_INVALID);
	assert_int_equal(set(-1, STORE_ANY_VERSION, "x", "x"), RESULT_INVALID);
	assert_int_equal(set(STORE_DELETED, STORE_ANY_VERSION, "x", "x"), RESULT_INVALID);
	assert_int_equal(set(STORE_DELETED + 1, STORE_ANY_VERSION, "x", "x"), RESULT_INVALID);
	assert_int_equal(set(STORE_PUSH, STORE_ANY_VERSION, "", "x"), RESULT_INVALID);
}

static void
a_request_does_all_or_nothing(void **state)
{
	struct store_change changes[3] = {
		{ .verb = STORE_SET, .table = STORE_ROSTER, .key = SLICE("a"), .value = SLICE("1") },
		{ .verb = STORE_ACCOUNT_PUT, .key = SLICE("romeo@localhost") },
		{ .verb = STORE_SET, .table = STORE_ROSTER, .key = SLICE("b"), .value = SLICE("1"),
		    .version = 99 },
	};
	char value[8];
	uint64_t version, id;

	assert_int_equal(store_apply(core, changes, 3, &id), RESULT_CONFLICT);
	assert_false(get("a", value, &version));
	assert_int_equal(id_of("romeo@localhost"), 0);
	changes[2].version = 0;
	assert_int_equal(store_apply(core, changes, 3, &id), RESULT_OK);
	assert_true(get("a", value, &version) && get("b", value, &version));
	assert_int_equal(id_of("romeo@localhost"), id);
	changes[2].key = SLICE("a");
	assert_int_equal(store_apply(core, changes, 3, &id), RESULT_INVALID);
	assert_int_equal(store_apply(core, changes, 0, &id), RESULT_INVALID);
}

static void
a_second_writer_is_refused(void **state)
{
	struct store *msg;
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct store *second;
		int result = store_open(directory, STORE_CORE, true, &second);

		_exit(result == RESULT_DENIED ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	/* The other environment has a lock of its own. */
	assert_int_equal(store_open(directory, STORE_MSG, true, &msg), RESULT_OK);
	store_close(&msg);
}

static void
readers_see_what_the_writer_commits(void **state)
{
	int status;
	pid_t child;

	make("romeo@localhost");
	child = fork();
	if (child == 0) {
		struct store *reader;
		struct txn *txn;
		uint64_t id;

		if (store_open(directory, STORE_CORE, false, &reader) != RESULT_OK)
			_exit(1);
		txn = store_read(reader);
		id = store_account_id(reader, txn, SLICE("romeo@localhost"));
		txn_end(&txn);
		_exit(id != 0 ? 0 : 2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void
nothing_there_is_not_found(void **state)
{
	struct store *reader;
	char path[128];

	assert_int_equal(store_open(directory, STORE_MSG, false, &reader), RESULT_NOT_FOUND);
	snprintf(path, sizeof(path), "%s/nowhere", directory);
	assert_int_equal(store_open(path, STORE_CORE, false, &reader), RESULT_NOT_FOUND);
	assert_int_not_equal(access(path, F_OK), 0);
}

static void
another_layout_is_refused_untouched(void **state)
{
	static const char *const tables[] = { "meta" };
	struct env_options options = { .flags = ENV_CREATE, .map_size = 1 << 20, .readers = 8,
		.tables = tables, .table_count = 1, .layout = STORE_LAYOUT + 1 };
	char path[128];
	struct store *msg;
	struct env *env;
	struct txn *txn;
	struct slice value;

	snprintf(path, sizeof(path), "%s/msg", directory);
	options.directory = path;
	assert_int_equal(env_open(&options, &env), RESULT_OK);
	txn = txn_write(env);
	txn_put(txn, 0, SLICE("precious"), SLICE("v"));
	assert_int_equal(txn_commit(&txn), RESULT_OK);
	env_close(&env);
	assert_int_equal(store_open(directory, STORE_MSG, true, &msg), RESULT_LAYOUT);
	assert_int_equal(store_open(directory, STORE_MSG, false, &msg), RESULT_LAYOUT);
	assert_int_equal(env_open(&options, &env), RESULT_OK);
	txn = txn_read(env);
	assert_true(txn_get(txn, 0, SLICE("precious"), &value));
	assert_int_equal(txn_entries(txn, 0), 1);
	txn_end(&txn);
	env_close(&env);
}

static void
directories_are_ours_alone(void **state)
{
	char path[128];
	struct stat st;

	assert_int_equal(stat(directory, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	snprintf(path, sizeof(path), "%s/core", directory);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	snprintf(path, sizeof(path), "%s/core/data.mdb", directory);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
the_secret_stays(void **state)
{
	uint8_t before[32], after[32], zero[32] = { 0 };
	struct txn *txn = store_read(core);

	store_secret(core, txn, before);
	txn_end(&txn);
	store_close(&core);
	assert_int_equal(store_open(directory, STORE_CORE, true, &core), RESULT_OK);
	txn = store_read(core);
	store_secret(core, txn, after);
	txn_end(&txn);
	assert_memory_equal(before, after, 32);
	assert_memory_not_equal(before, zero, 32);
}

static void
a_directory_whose_secret_was_cut_is_refused(void **state)
{
	struct txn *txn = txn_write(store_env(core));

	txn_put(txn, TABLE_META, SLICE("secret"), SLICE("short"));
	assert_int_equal(txn_commit(&txn), RESULT_OK);
	store_close(&core);
	assert_int_equal(store_open(directory, STORE_CORE, true, &core), RESULT_CORRUPT);
	assert_null(core);
	assert_int_equal(store_open(directory, STORE_MSG, true, &core), RESULT_OK);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(an_account_is_found_by_its_whole_name),
		FACT(version_zero_makes_and_never_replaces),
		FACT(a_change_needs_the_version_it_saw),
		FACT(an_id_is_never_used_again),
		FACT(a_deletion_is_remembered_until_somebody_has_seen_to_it),
		FACT(names_of_one_hash_are_kept_apart),
		FACT(names_of_one_hash_have_an_end),
		FACT(a_host_lists_its_accounts_only),
		FACT(a_host_has_the_hashes_that_all_accounts_have),
		FACT(names_without_user_or_host_are_invalid),
		FACT(places_keep_versioned_values),
		FACT(places_are_read_in_order_of_keys),
		FACT(only_places_of_features_can_be_set),
		FACT(a_request_does_all_or_nothing),
		FACT(a_second_writer_is_refused),
		FACT(readers_see_what_the_writer_commits),
		FACT(nothing_there_is_not_found),
		FACT(another_layout_is_refused_untouched),
		FACT(directories_are_ours_alone),
		FACT(the_secret_stays),
		FACT(a_directory_whose_secret_was_cut_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
