/* features_account_change_test.c -- new passwords and deletions: what is stored, which sessions end, who was first. */
#include "features/account_change.h"

#include "auth/credentials.h"
#include "base/result.h"
#include "tests/unit/core_kit.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_caller.h"

#define JID    SLICE("romeo@localhost")
#define REMOVE "<iq type='set' id='r'><query xmlns='jabber:iq:register'><remove/></query></iq>"
#define PASSWORD(word)                                                                            \
	"<iq type='set' id='p'><query xmlns='jabber:iq:register'><username>romeo</username>"      \
	"<password>" word "</password></query></iq>"

static struct worker worker;
static struct caller orchard, garden, juliet;

static int
setup(void **state)
{
	worker_begin(&worker, NULL);
	core_begin(&worker);
	caller_enter(&orchard, &worker, "romeo", "orchard");
	caller_enter(&garden, &worker, "romeo", "garden");
	caller_enter(&juliet, &worker, "juliet", "balcony");
	return 0;
}

static int
teardown(void **state)
{
	caller_close(&orchard);
	caller_close(&garden);
	caller_close(&juliet);
	core_end(&worker);
	worker_end(&worker);
	return 0;
}

static bool
read_account(struct credentials *credentials, uint64_t *version)
{
	struct store *core = worker.server.core;
	struct txn *txn = store_read(core);
	struct account account;
	bool is_there = store_account(core, txn, JID, &account);

	if (is_there) {
		assert_int_equal(credentials_unpack(account.record, credentials), RESULT_OK);
		*version = account.version;
	}
	txn_end(&txn);
	return is_there;
}

static bool
nothing_is_under_way(struct worker *of)
{
	return of->server.account_changes == NULL;
}

/* As somebody else would: the same keys, another version. */
static void
touch(void)
{
	uint8_t record[CREDENTIALS_RECORD_MAX];
	struct credentials credentials;
	struct store_change change = { .verb = STORE_ACCOUNT_PUT,
		.version = STORE_ANY_VERSION,
		.hashes = (1u << SCRAM_HASH_COUNT) - 1,
		.key = JID };
	uint64_t version;

	assert_true(read_account(&credentials, &version));
	change.value = slice_of(record, credentials_pack(&credentials, record));
	core_apply(&worker, &change);
}

/* --- */

static void
a_new_password_has_new_keys_and_ends_the_other_sessions(void **state)
{
	struct credentials before, after;
	uint64_t version, newer;

	assert_true(read_account(&before, &version));
	caller_say(&orchard, PASSWORD("juliet"));
	core_commit_until(&worker, nothing_is_under_way);
	assert_true(read_account(&after, &newer));
	assert_true(newer > version);
	assert_memory_not_equal(before.scram, after.scram, sizeof(before.scram));
	assert_non_null(strstr(caller_hear(&orchard), "type='result' id='p'"));
	assert_non_null(strstr(caller_hear(&garden), "<reset "));
	assert_string_equal(caller_hear(&juliet), "");
	assert_non_null(caller_session(&orchard));
}

static void
a_password_that_nobody_can_send_changes_nothing(void **state)
{
	struct credentials before, after;
	uint64_t version, same;

	read_account(&before, &version);
	caller_say(&orchard, PASSWORD("a&#x9;b"));
	core_commit_until(&worker, nothing_is_under_way);
	assert_non_null(strstr(caller_hear(&orchard), "<not-acceptable "));
	read_account(&after, &same);
	assert_int_equal(version, same);
	assert_string_equal(caller_hear(&garden), "");
}

static void
a_deletion_takes_the_account_and_all_its_sessions(void **state)
{
	struct credentials credentials;
	const char *heard;
	uint64_t version;

	caller_say(&orchard, REMOVE);
	core_commit(&worker);
	assert_false(read_account(&credentials, &version));
	heard = caller_hear(&orchard);
	assert_non_null(strstr(heard, "type='result' id='r'"));
	assert_non_null(strstr(strstr(heard, "type='result'"), "<not-authorized "));
	assert_non_null(strstr(caller_hear(&garden), "<not-authorized "));
	assert_string_equal(caller_hear(&juliet), "");
}

static void
what_remembers_the_deletion_is_committed_with_it(void **state)
{
	struct store_deleted deleted;
	struct txn *txn;

	caller_say(&orchard, REMOVE);
	core_commit(&worker);
	txn = store_read(worker.server.core);
	assert_true(store_deleted(worker.server.core, txn, 0, &deleted));
	assert_slice(deleted.jid, "romeo@localhost");
	txn_end(&txn);
}

static void
who_meets_another_change_tries_again(void **state)
{
	struct credentials credentials;
	uint64_t version;

	caller_say(&orchard, REMOVE);
	touch();
	core_commit(&worker);
	assert_false(read_account(&credentials, &version));
	assert_non_null(strstr(caller_hear(&orchard), "type='result' id='r'"));
}

static void
of_two_that_delete_one_finds_nothing(void **state)
{
	caller_say(&orchard, REMOVE);
	caller_say(&garden, REMOVE);
	core_commit(&worker);
	assert_non_null(strstr(caller_hear(&orchard), "type='result' id='r'"));
	assert_non_null(strstr(caller_hear(&garden), "<registration-required "));
}

/* Its client has gone meanwhile: done all the same. */
static void
who_has_gone_is_not_answered(void **state)
{
	struct credentials credentials;
	uint64_t version;

	caller_say(&orchard, REMOVE);
	session_destroy(caller_session(&orchard), "for the test");
	core_commit(&worker);
	assert_false(read_account(&credentials, &version));
	assert_non_null(strstr(caller_hear(&garden), "<not-authorized "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_new_password_has_new_keys_and_ends_the_other_sessions),
		TEST(a_password_that_nobody_can_send_changes_nothing),
		TEST(a_deletion_takes_the_account_and_all_its_sessions),
		TEST(what_remembers_the_deletion_is_committed_with_it),
		TEST(who_meets_another_change_tries_again),
		TEST(of_two_that_delete_one_finds_nothing),
		TEST(who_has_gone_is_not_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
