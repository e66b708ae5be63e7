/* ctl_fsck_test.c -- facts about the checker of what features keep: each rule, broken alone, is named. */
#include "tests/folder.h"
#include "tests/unit/shm_fsck_kit.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/credentials.h"
#include "base/result.h"
#include "config/config.h"
#include "ctl/ctl.h"
#include "ctl/fsck_kept.h"
#include "features/archive_record.h"
#include "features/blocking_list.h"
#include "features/offline.h"
#include "features/roster_item.h"
#include "features/roster_record.h"
#include "shm/store_record.h"

#define ROMEO  "romeo@localhost"
#define JULIET "juliet@localhost"

/* Two accounts that are contacts, a message between them, one kept for later. */
struct data {
	char directory[64];
	struct ctl ctl;
	struct config config;
	struct config_host host;
	struct store *core;
	struct store *msg;
	struct arena arena;
	uint8_t secret[32];
	uint64_t romeo;
	uint64_t juliet;
};

static uint64_t
add_account(struct data *data, const char *jid, uint32_t counts)
{
	struct credentials credentials = { 0 };
	uint8_t record[CREDENTIALS_RECORD_MAX];
	struct store_change change = { .verb = STORE_ACCOUNT_PUT,
				       .key = slice_from_text(jid),
				       .hashes = counts };
	uint64_t id;

	assert_true(credentials_derive(&credentials, 1 << SCRAM_SHA_1, SLICE("secret"),
				       SCRAM_ITERATIONS_LEAST));
	change.value = slice_of(record, credentials_pack(&credentials, record));
	assert_int_equal(store_apply(data->core, &change, 1, &id), RESULT_OK);
	return id;
}

static void
set(struct store *store, int table, struct slice key, struct slice value)
{
	struct store_change change = { .verb = STORE_SET,
				       .table = table,
				       .version = STORE_ANY_VERSION,
				       .key = key,
				       .value = value };

	assert_int_equal(store_apply(store, &change, 1, NULL), RESULT_OK);
}

/* --- rosters --- */

static struct roster_item
item_of(const char *jid, unsigned flags)
{
	return (struct roster_item){ .jid = slice_from_text(jid),
				     .flags = flags | ROSTER_LISTED };
}

static void
set_item(struct data *data, uint64_t account, const char *jid, unsigned flags)
{
	struct roster_item item = item_of(jid, flags);
	char key[ROSTER_KEY_MAX];

	set(data->core, STORE_ROSTER,
	    roster_item_key(key, data->secret, account, item.jid),
	    roster_item_pack(&data->arena, &item, false));
}

static void
set_meta(struct data *data, uint64_t account, const struct roster_meta *meta)
{
	char key[ROSTER_KEY_MAX];

	set(data->core, STORE_ROSTER, roster_key(key, account, ROSTER_META, SLICE("")),
	    slice_of(meta, sizeof(*meta)));
}

/* A roster of one contact. */
static struct roster_meta
set_roster(struct data *data, uint64_t account, const char *contact, unsigned flags)
{
	struct roster_item item = item_of(contact, flags);
	struct roster_meta meta = { .version = 1,
				    .bytes = roster_item_size(&data->arena, &item),
				    .items = 1 };

	set_item(data, account, contact, flags);
	set_meta(data, account, &meta);
	return meta;
}

/* --- messages --- */

static void
add_message(struct data *data, uint64_t id)
{
	struct store_change change[ARCHIVE_CHANGES_MAX];
	struct archive_changes changes = { change, 0, &data->arena };
	struct archive_record record = { { { data->romeo, 11 }, { data->juliet, 12 } },
					 SLICE(ROMEO "/a"), SLICE(JULIET), SLICE("<m/>") };

	archive_put(&changes, id, &record, 0);
	assert_int_equal(store_apply(data->msg, change, changes.count, NULL), RESULT_OK);
}

static void
keep_message(struct data *data, struct slice name)
{
	struct store_change change = { .verb = STORE_QUEUE_ADD,
				       .table = STORE_OFFLINE,
				       .key = name,
				       .value = SLICE("<message/>"),
				       .hashes = 100,
				       .version = 10000 };

	assert_int_equal(store_apply(data->msg, &change, 1, NULL), RESULT_OK);
}

static struct slice
queue_of(struct data *data, struct offline_key *key, bool is_stranger)
{
	memset(key, 7, sizeof(*key));
	key->account = htobe64(data->juliet);
	return slice_of(key, is_stranger ? sizeof(*key) : sizeof(key->account));
}

/* --- all of it --- */

static void
make(struct data *data)
{
	struct offline_key key;
	struct txn *txn;

	memset(data, 0, sizeof(*data));
	arena_init(&data->arena);
	arena_init(&data->ctl.arena);
	assert_true(folder_make(data->directory, "/dev/shm"));
	data->host.name = "localhost";
	data->config.hosts = &data->host;
	data->config.host_count = 1;
	data->ctl.config = &data->config;
	assert_int_equal(store_open(data->directory, STORE_CORE, true, &data->core), RESULT_OK);
	assert_int_equal(store_open(data->directory, STORE_MSG, true, &data->msg), RESULT_OK);
	txn = store_read(data->core);
	store_secret(data->core, txn, data->secret);
	txn_end(&txn);
	data->romeo = add_account(data, ROMEO, 1 << SCRAM_SHA_1);
	data->juliet = add_account(data, JULIET, 1 << SCRAM_SHA_1);
	set_roster(data, data->romeo, JULIET, ROSTER_TO);
	set_roster(data, data->juliet, ROMEO, ROSTER_FROM);
	add_message(data, 100);
	add_message(data, 200);
	keep_message(data, queue_of(data, &key, false));
	keep_message(data, queue_of(data, &key, false));
	keep_message(data, queue_of(data, &key, true));
}

static void
end(struct data *data)
{
	char command[128];

	store_close(&data->core);
	store_close(&data->msg);
	arena_clear(&data->arena);
	arena_clear(&data->ctl.arena);
	snprintf(command, sizeof(command), "rm -rf %s", data->directory);
	assert_int_equal(system(command), 0);
}

static void
check(struct data *data, enum fsck_rule rule)
{
	struct fsck *fsck = fsck_new(false);
	struct txn *msg = store_read(data->msg);
	struct txn *core = store_read(data->core);
	struct fsck_accounts accounts;

	fsck_pass(fsck);
	fsck_accounts_read(fsck, &data->ctl, data->core, core, &accounts);
	fsck_rosters(fsck, &data->ctl, data->core, core, &accounts);
	fsck_messages(fsck, data->msg, msg, &accounts);
	fsck_end(fsck);
	txn_end(&msg);
	txn_end(&core);
	fsck_accounts_free(&accounts);
	assert_broken(fsck, rule);
	fsck_free(&fsck);
}

/* --- how --- */

static void
keys_counted_too_many(struct data *data)
{
	add_account(data, "nurse@localhost", 3);
}

static void
keys_not_counted(struct data *data)
{
	add_account(data, "nurse@localhost", 0);
}

static void
keys_unreadable(struct data *data)
{
	struct store_change change = { .verb = STORE_ACCOUNT_PUT,
				       .key = SLICE("nurse@localhost"),
				       .value = SLICE("keys") };

	assert_int_equal(store_apply(data->core, &change, 1, NULL), RESULT_OK);
}

static void
item_unreadable(struct data *data)
{
	char key[ROSTER_KEY_MAX];

	set_roster(data, data->romeo, "a@elsewhere", ROSTER_BOTH);
	set_item(data, data->romeo, JULIET, ROSTER_TO);
	set(data->core, STORE_ROSTER,
	    roster_item_key(key, data->secret, data->romeo, SLICE("b@elsewhere")),
	    SLICE("bytes"));
	/* The other two are counted. */
	{
		struct roster_item one = item_of("a@elsewhere", ROSTER_BOTH);
		struct roster_item two = item_of(JULIET, ROSTER_TO);
		struct roster_meta meta = {
			.bytes = roster_item_size(&data->arena, &one) +
				 roster_item_size(&data->arena, &two),
			.items = 2,
		};

		set_meta(data, data->romeo, &meta);
	}
}

static void
item_misplaced(struct data *data)
{
	struct roster_item item = item_of("a@elsewhere", ROSTER_BOTH);
	struct roster_meta meta = { .bytes = roster_item_size(&data->arena, &item),
				    .items = 1 };
	uint64_t nurse = add_account(data, "nurse@localhost", 1 << SCRAM_SHA_1);
	char key[ROSTER_KEY_MAX];

	set(data->core, STORE_ROSTER,
	    roster_item_key(key, data->secret, nurse, SLICE("b@elsewhere")),
	    roster_item_pack(&data->arena, &item, false));
	set_meta(data, nurse, &meta);
}

static void
key_unreadable(struct data *data)
{
	uint64_t word = htobe64(data->romeo);
	char key[12];

	memcpy(key, &word, sizeof(word));
	memcpy(key + 8, "xyz", 3);
	set(data->core, STORE_ROSTER, slice_of(key, 11), SLICE("bytes"));
}

static void
change_unreadable(struct data *data)
{
	uint64_t version = htobe64(1);
	char key[ROSTER_KEY_MAX];

	set(data->core, STORE_ROSTER,
	    roster_key(key, data->romeo, ROSTER_CHANGE, slice_of(&version, 8)), SLICE("x"));
}

static void
counts_unreadable(struct data *data)
{
	char key[ROSTER_KEY_MAX];

	set(data->core, STORE_ROSTER, roster_key(key, data->romeo, ROSTER_META, SLICE("")),
	    SLICE("short"));
}

static void
counts_gone(struct data *data)
{
	char key[ROSTER_KEY_MAX];

	set(data->core, STORE_ROSTER, roster_key(key, data->romeo, ROSTER_META, SLICE("")),
	    SLICE(""));
}

static void
counts_other(struct data *data)
{
	struct roster_meta meta = set_roster(data, data->romeo, JULIET, ROSTER_TO);

	meta.requests++;
	set_meta(data, data->romeo, &meta);
}

static void
bytes_other(struct data *data)
{
	struct roster_meta meta = set_roster(data, data->romeo, JULIET, ROSTER_TO);

	meta.bytes++;
	set_meta(data, data->romeo, &meta);
}

static void
pair_one_sided(struct data *data)
{
	set_roster(data, data->romeo, JULIET, ROSTER_BOTH);
}

static void
pair_alone(struct data *data)
{
	uint64_t nurse = add_account(data, "nurse@localhost", 1 << SCRAM_SHA_1);

	set_roster(data, nurse, JULIET, ROSTER_TO);
}

static void
pair_with_nobody(struct data *data)
{
	uint64_t nurse = add_account(data, "nurse@localhost", 1 << SCRAM_SHA_1);

	set_roster(data, nurse, "nobody@localhost", ROSTER_TO);
}

static void
message_unreadable(struct data *data)
{
	char key[8];

	archive_log_key(300, key);
	set(data->msg, STORE_STANZA, slice_of(key, sizeof(key)), SLICE("bytes"));
}

static void
entry_unreadable(struct data *data)
{
	char key[ARCHIVE_KEY_SIZE];

	archive_key(data->romeo, 0, 300, key);
	set(data->msg, STORE_ARCHIVE, slice_of(key, sizeof(key)), SLICE("bytes"));
}

static void
entry_gone(struct data *data)
{
	char key[ARCHIVE_KEY_SIZE];

	archive_key(data->romeo, 11, 100, key);
	set(data->msg, STORE_ARCHIVE, slice_of(key, sizeof(key)), SLICE(""));
}

static void
journal_unreadable(struct data *data)
{
	struct txn *txn = txn_write(store_env(data->msg));

	txn_put(txn, TABLE_JOURNAL, SLICE("\377\0\0\0\0\0\0\0"), SLICE("bytes"));
	assert_int_equal(txn_commit(&txn), RESULT_OK);
}

static void
message_gone(struct data *data)
{
	char key[8];

	archive_log_key(100, key);
	set(data->msg, STORE_STANZA, slice_of(key, sizeof(key)), SLICE(""));
}

static void
numbers_falling(struct data *data)
{
	struct store_entry entry = { 2, 2 };	/* as the one behind it */
	char key[ARCHIVE_KEY_SIZE];

	archive_key(data->romeo, 0, 100, key);
	set(data->msg, STORE_ARCHIVE, slice_of(key, sizeof(key)),
	    slice_of(&entry, sizeof(entry)));
}

static void
tally_other(struct data *data)
{
	uint64_t tally[3] = { 3, 20, 2 };
	struct offline_key key;

	set(data->msg, STORE_OFFLINE, queue_of(data, &key, false),
	    slice_of(tally, sizeof(tally)));
}

static void
tally_gone(struct data *data)
{
	struct offline_key key;

	set(data->msg, STORE_OFFLINE, queue_of(data, &key, true), SLICE(""));
}

static const struct {
	enum fsck_rule rule;
	void (*breaks)(struct data *data);
} rows[] = {
	{ FSCK_ACCOUNT_KEYS, keys_counted_too_many },
	{ FSCK_ACCOUNT_KEYS, keys_not_counted },
	{ FSCK_ACCOUNT_KEYS, keys_unreadable },
	{ FSCK_ROSTER_RECORD, item_unreadable },
	{ FSCK_ROSTER_RECORD, item_misplaced },
	{ FSCK_ROSTER_RECORD, key_unreadable },
	{ FSCK_ROSTER_RECORD, change_unreadable },
	{ FSCK_ROSTER_RECORD, counts_unreadable },
	{ FSCK_ROSTER_COUNTS, counts_gone },
	{ FSCK_ROSTER_COUNTS, counts_other },
	{ FSCK_ROSTER_COUNTS, bytes_other },
	{ FSCK_ROSTER_PAIR, pair_one_sided },
	{ FSCK_ROSTER_PAIR, pair_alone },
	{ FSCK_ROSTER_PAIR, pair_with_nobody },
	{ FSCK_ARCHIVE_RECORD, message_unreadable },
	{ FSCK_ARCHIVE_RECORD, entry_unreadable },
	{ FSCK_JOURNAL_RECORD, journal_unreadable },
	{ FSCK_ARCHIVE_ENTRY, entry_gone },
	{ FSCK_ARCHIVE_STANZA, message_gone },
	{ FSCK_ARCHIVE_NUMBERS, numbers_falling },
	{ FSCK_QUEUE_TALLY, tally_other },
	{ FSCK_QUEUE_TALLY, tally_gone },
};

static void
whole_data_have_no_finding(void **state)
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

/* --- what is no finding --- */

/* The one that is blocked does not hear that it is not seen any more. */
static void
a_pair_of_which_one_blocks_the_other_is_none(void **state)
{
	struct blocking_list nobody = { SLICE(""), 0 };
	struct slice jid = SLICE(ROMEO);
	struct data data;
	uint64_t key;

	make(&data);
	pair_one_sided(&data);
	key = htobe64(data.juliet);
	set(data.core, STORE_BLOCKLIST, slice_of(&key, sizeof(key)),
	    blocking_list_add(&data.arena, &nobody, &jid, 1));
	check(&data, FSCK_RULES);
	end(&data);
}

/* The server tells its contacts by and by. */
static void
a_contact_that_was_deleted_is_none(void **state)
{
	struct store_change change = { .verb = STORE_ACCOUNT_DELETE, .key = SLICE(JULIET) };
	struct data data;

	make(&data);
	assert_int_equal(store_apply(data.core, &change, 1, NULL), RESULT_OK);
	check(&data, FSCK_RULES);
	end(&data);
}

/* Its quota was used up; the other end has it still. */
static void
a_message_that_one_archive_has_given_up_is_none(void **state)
{
	struct store_change change[ARCHIVE_CHANGES_MAX];
	struct data data;
	struct archive_changes changes = { change, 0, &data.arena };

	make(&data);
	archive_remove_end(&changes, 100, &(struct archive_end){ data.romeo, 11 });
	assert_int_equal(store_apply(data.msg, change, changes.count, NULL), RESULT_OK);
	check(&data, FSCK_RULES);
	end(&data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_data_have_no_finding),
		cmocka_unit_test(each_rule_broken_alone_is_named),
		cmocka_unit_test(a_pair_of_which_one_blocks_the_other_is_none),
		cmocka_unit_test(a_contact_that_was_deleted_is_none),
		cmocka_unit_test(a_message_that_one_archive_has_given_up_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
