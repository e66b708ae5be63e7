/* shm_fsck_stores_test.c -- facts about the checker of the stores: each rule, broken alone, is named. */
#include "tests/folder.h"
#include "tests/unit/shm_fsck_kit.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/result.h"
#include "shm/store_record.h"

#define ROMEO "romeo@localhost"

struct data {
	char directory[64];
	struct store *core;
	struct store *msg;
	uint64_t romeo;
};

static uint64_t
add_account(struct data *data, struct slice jid, uint32_t hashes)
{
	struct store_change change = { .verb = STORE_ACCOUNT_PUT,
				       .key = jid,
				       .value = SLICE("keys"),
				       .hashes = hashes };
	uint64_t id;

	assert_int_equal(store_apply(data->core, &change, 1, &id), RESULT_OK);
	return id;
}

static void
keep(struct store *store, int table, uint64_t account, struct slice value)
{
	uint64_t key[2] = { htobe64(account), 7 };
	struct store_change change = { .verb = STORE_SET,
				       .table = table,
				       .version = STORE_ANY_VERSION,
				       .key = slice_of(key, sizeof(key)),
				       .value = value };

	assert_int_equal(store_apply(store, &change, 1, NULL), RESULT_OK);
}

/* Accounts of two hosts, with something kept in both stores. */
static void
make(struct data *data)
{
	assert_true(folder_make(data->directory, "/dev/shm"));
	assert_int_equal(store_open(data->directory, STORE_CORE, true, &data->core), RESULT_OK);
	assert_int_equal(store_open(data->directory, STORE_MSG, true, &data->msg), RESULT_OK);
	data->romeo = add_account(data, SLICE(ROMEO), 7);
	add_account(data, SLICE("juliet@localhost"), 3);
	add_account(data, SLICE("nurse@example.org"), 1);
	keep(data->core, STORE_ROSTER, data->romeo, SLICE("a roster"));
	keep(data->core, STORE_PEP, 0, SLICE("the server's"));
	keep(data->msg, STORE_PREFERENCES, data->romeo, SLICE("preferences"));
}

static void
end(struct data *data)
{
	char command[128];

	store_close(&data->core);
	store_close(&data->msg);
	snprintf(command, sizeof(command), "rm -rf %s", data->directory);
	assert_int_equal(system(command), 0);
}

static void
check(struct data *data, enum fsck_rule rule)
{
	struct fsck *fsck = fsck_new(false);

	fsck_pass(fsck);
	fsck_stores(fsck, data->core, data->msg);
	fsck_end(fsck);
	assert_broken(fsck, rule);
	fsck_free(&fsck);
}

/* --- how --- */

static void
put(struct store *store, int table, struct slice key, struct slice value)
{
	struct txn *txn = txn_write(store_env(store));

	if (value.length == 0)
		txn_delete(txn, table, key);
	else
		txn_put(txn, table, key, value);
	assert_int_equal(txn_commit(&txn), RESULT_OK);
}

/* A record found by its name, in bytes that can be changed and put again. */
struct copy {
	char bytes[512];
	size_t length;
	struct named_key key;
};

static struct slice
key_of(const struct copy *copy)
{
	return slice_of(copy->key.bytes, sizeof(copy->key.bytes));
}

static void
copy_named(struct data *data, int table, size_t fixed, struct slice name, struct copy *copy)
{
	struct txn *txn = store_read(data->core);
	struct named_record found;
	struct slice value;

	assert_true(store_named(data->core, txn, table, fixed, name, &found));
	assert_true(found.is_found);
	copy->key = found.key;
	assert_true(txn_get(txn, table, key_of(copy), &value));
	memcpy(copy->bytes, value.data, value.length);
	copy->length = value.length;
	txn_end(&txn);
}

static struct account_record *
copy_romeo(struct data *data, struct copy *copy)
{
	copy_named(data, TABLE_ACCOUNT, sizeof(struct account_record), SLICE(ROMEO), copy);
	return (struct account_record *)(void *)copy->bytes;
}

static struct host_record *
copy_host(struct data *data, struct copy *copy)
{
	copy_named(data, TABLE_HOST, sizeof(struct host_record), SLICE("localhost"), copy);
	return (struct host_record *)(void *)copy->bytes;
}

static void
put_back(struct data *data, int table, const struct copy *copy)
{
	put(data->core, table, key_of(copy), slice_of(copy->bytes, copy->length));
}

static void
host_entry(struct data *data, const char *host, uint64_t id, struct slice value)
{
	struct hash128 hash = data->core->hash(data->core, slice_from_text(host));
	uint64_t key[2] = { htobe64(hash.h[0]), htobe64(id) };

	put(data->core, TABLE_ACCOUNT_HOST, slice_of(key, sizeof(key)), value);
}

static void
meta_gone(struct data *data)
{
	put(data->core, TABLE_META, SLICE("secret"), SLICE_EMPTY);
}

static void
meta_cut(struct data *data)
{
	put(data->msg, TABLE_META, SLICE("hash_key"), SLICE("short"));
}

static void
version_ahead(struct data *data)
{
	struct copy copy;

	copy_romeo(data, &copy)->version += 1000;
	put_back(data, TABLE_ACCOUNT, &copy);
}

static void
record_ahead(struct data *data)
{
	uint64_t key[2] = { htobe64(data->romeo), 7 };
	uint64_t value[2] = { 1000, 0 };

	put(data->msg, STORE_PREFERENCES, slice_of(key, sizeof(key)),
	    slice_of(value, sizeof(value)));
}

static void
record_short(struct data *data)
{
	uint64_t key[2] = { htobe64(data->romeo), 7 };

	put(data->core, STORE_ROSTER, slice_of(key, sizeof(key)), SLICE("abc"));
}

static void
account_unreadable(struct data *data)
{
	put(data->core, TABLE_ACCOUNT, SLICE("key"), SLICE("value"));
}

static void
account_without_host(struct data *data)
{
	struct account_record record = { .jid_length = 5, .id = 1 };
	char bytes[sizeof(record) + 5];
	struct copy copy;

	copy_romeo(data, &copy);
	copy.key.bytes[16] = 9;
	memcpy(bytes, &record, sizeof(record));
	memcpy(bytes + sizeof(record), "romeo", 5);
	put(data->core, TABLE_ACCOUNT, key_of(&copy), slice_of(bytes, sizeof(bytes)));
}

/* With it the entry of its host, so that nothing else is wrong. */
static void
account_misplaced(struct data *data)
{
	struct copy copy;

	copy_romeo(data, &copy);
	put(data->core, TABLE_ACCOUNT, key_of(&copy), SLICE_EMPTY);
	copy.key.bytes[3] ^= 1;
	put_back(data, TABLE_ACCOUNT, &copy);
	host_entry(data, "localhost", data->romeo, key_of(&copy));
}

static void
id_ahead(struct data *data)
{
	struct copy copy;

	copy_romeo(data, &copy)->id = 50;
	put_back(data, TABLE_ACCOUNT, &copy);
	host_entry(data, "localhost", data->romeo, SLICE_EMPTY);
	host_entry(data, "localhost", 50, key_of(&copy));
	keep(data->core, STORE_ROSTER, data->romeo, SLICE_EMPTY);
	keep(data->msg, STORE_PREFERENCES, data->romeo, SLICE_EMPTY);
}

static void
entry_gone(struct data *data)
{
	host_entry(data, "localhost", data->romeo, SLICE_EMPTY);
}

static void
entry_of_nobody(struct data *data)
{
	host_entry(data, "localhost", 40, SLICE("nobody"));
}

static void
entry_of_another_host(struct data *data)
{
	host_entry(data, "example.org", data->romeo, SLICE("nobody"));
}

static void
host_counts_more(struct data *data)
{
	struct copy copy;

	copy_host(data, &copy)->accounts++;
	put_back(data, TABLE_HOST, &copy);
}

/* Then a SCRAM hash is offered that an account has no keys for. */
static void
host_counts_keys(struct data *data)
{
	struct copy copy;

	copy_host(data, &copy)->with_hash[2]++;
	put_back(data, TABLE_HOST, &copy);
}

static void
host_gone(struct data *data)
{
	struct copy copy;

	copy_host(data, &copy);
	put(data->core, TABLE_HOST, key_of(&copy), SLICE_EMPTY);
}

static void
host_unreadable(struct data *data)
{
	put(data->core, TABLE_HOST, SLICE("key"), SLICE("value"));
}

static void
kept_for_nobody(struct data *data)
{
	keep(data->msg, STORE_PREFERENCES, 77, SLICE("preferences"));
}

static const struct {
	enum fsck_rule rule;
	void (*breaks)(struct data *data);
} rows[] = {
	{ FSCK_STORE_META, meta_gone },
	{ FSCK_STORE_META, meta_cut },
	{ FSCK_STORE_VERSION, version_ahead },
	{ FSCK_STORE_VERSION, record_ahead },
	{ FSCK_STORE_VERSION, record_short },
	{ FSCK_ACCOUNT_RECORD, account_unreadable },
	{ FSCK_ACCOUNT_RECORD, account_without_host },
	{ FSCK_ACCOUNT_KEY, account_misplaced },
	{ FSCK_ACCOUNT_ID, id_ahead },
	{ FSCK_ACCOUNT_HOST, entry_gone },
	{ FSCK_ACCOUNT_HOST, entry_of_nobody },
	{ FSCK_ACCOUNT_HOST, entry_of_another_host },
	{ FSCK_HOST_COUNTS, host_counts_more },
	{ FSCK_HOST_COUNTS, host_counts_keys },
	{ FSCK_HOST_COUNTS, host_gone },
	{ FSCK_HOST_COUNTS, host_unreadable },
	{ FSCK_DATA_OWNER, kept_for_nobody },
};

static void
whole_stores_have_no_finding(void **state)
{
	struct data data;

	make(&data);
	check(&data, FSCK_RULES);
	end(&data);
}

static void
each_rule_broken_alone_is_named(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct data data;

		make(&data);
		rows[i].breaks(&data);
		check(&data, rows[i].rule);
		end(&data);
	}
}

static void
what_a_deleted_account_left_is_none(void **state)
{
	struct store_change change = { .verb = STORE_ACCOUNT_DELETE, .key = SLICE(ROMEO) };
	struct data data;

	make(&data);
	assert_int_equal(store_apply(data.core, &change, 1, NULL), RESULT_OK);
	check(&data, FSCK_RULES);
	end(&data);
}

static void
an_id_that_two_accounts_have_is_named(void **state)
{
	const struct fsck_finding *findings;
	struct fsck *fsck = fsck_new(false);
	struct data data;
	struct copy copy;
	size_t more, count, named = 0;

	make(&data);
	copy_romeo(&data, &copy)->id = data.romeo + 1;
	put_back(&data, TABLE_ACCOUNT, &copy);
	fsck_pass(fsck);
	fsck_stores(fsck, data.core, NULL);
	fsck_end(fsck);
	count = fsck_findings(fsck, &findings, &more);
	for (size_t i = 0; i < count; i++)
		named += findings[i].rule == FSCK_ACCOUNT_ID;
	assert_int_equal(named, 1);
	fsck_free(&fsck);
	end(&data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_stores_have_no_finding),
		cmocka_unit_test(each_rule_broken_alone_is_named),
		cmocka_unit_test(what_a_deleted_account_left_is_none),
		cmocka_unit_test(an_id_that_two_accounts_have_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
