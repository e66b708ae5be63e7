/* features_offline_test.c -- facts about messages kept for an account: who gets them, when, and when they go. */
#include "tests/unit/unit.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/ensure.h"
#include "base/result.h"
#include "routing/pending.h"
#include "shm/outbox.h"
#include "shm/store.h"
#include "tests/unit/worker_caller.h"

#define JULIET 2	/* the second account of the kit */
#define BATCH  64

static const char config[] = "hosts = ( { name = \"localhost\"; require_tls = false; } );"
			     "offline_messages = 200; offline_bytes = \"64 KiB\";"
			     "offline_strangers = 200;";
static const char wary[] = "hosts = ( { name = \"localhost\"; require_tls = false; } );"
			   "offline_strangers = 3;";

static struct worker worker;
static struct store_server *store;
static struct caller romeo, juliet, nook;

static int
setup(void **state)
{
	struct worker_options options = { .config = config };
	struct server *server = &worker.server;

	worker_begin(&worker, &options);
	ensure(store_open(worker.data_dir, STORE_MSG, true, &server->msg) == RESULT_OK);
	ensure(store_client_open(server->shm, 0, STORE_MSG, &server->msg_client) == RESULT_OK);
	ensure(store_server_open(server->shm, server->msg, STORE_MSG, &store) == RESULT_OK);
	caller_enter(&romeo, &worker, "romeo", "orchard");
	return 0;
}

static int
teardown(void **state)
{
	caller_close(&romeo);
	store_server_close(&store);
	store_client_close(&worker.server.msg_client);
	store_close(&worker.server.msg);
	worker_end(&worker);
	return 0;
}

static void
on_answer(void *owner, const struct store_answer *answer)
{
	pending_on_answer(owner, STORE_MSG, answer);
}

/* The store commits what was asked, the worker hears of it, and does what follows: until nothing follows. */
static void
commit(void)
{
	int done;

	do {
		worker_settle(&worker);
		done = store_server_turn(store);
		done += store_answers(worker.server.msg_client, on_answer, &worker.server);
	} while (done > 0);
}

static void
write_to(const char *to, int first, int count)
{
	for (int i = first; i < first + count; i++) {
		char text[200];

		snprintf(text, sizeof(text),
		    "<message to='%s' type='chat' id='m%03d'><body>Hark</body></message>", to, i);
		caller_say(&romeo, text);
	}
}

static void
write_some(int count)
{
	write_to("juliet@localhost", 0, count);
	commit();
}

static uint64_t
kept(void)
{
	uint64_t name = htobe64(JULIET);
	struct txn *txn = store_read(worker.server.msg);
	struct store_queue queue;

	store_queue(worker.server.msg, txn, STORE_OFFLINE, slice_of(&name, sizeof(name)), &queue);
	txn_end(&txn);
	return queue.entries;
}

static int
count(const char *heard, const char *what)
{
	int found = 0;

	while ((heard = strstr(heard, what)) != NULL) {
		found++;
		heard++;
	}
	return found;
}

/* Numbered from first on, each once and in order. */
static void
assert_messages(const char *heard, int first, int number)
{
	assert_int_equal(count(heard, "<message "), number);
	for (int i = first; i < first + number; i++) {
		char id[20];

		snprintf(id, sizeof(id), "id='m%03d'", i);
		heard = strstr(heard, id);
		assert_non_null(heard);
	}
}

static void
appear(struct caller *caller, const char *resource, int priority)
{
	char text[100];

	caller_enter(caller, &worker, "juliet", resource);
	snprintf(text, sizeof(text), "<presence><priority>%d</priority></presence>", priority);
	caller_say(caller, text);
}

static void
the_sender_hears_nothing_and_the_recipient_all_once(void **state)
{
	write_some(3);
	assert_string_equal(caller_hear(&romeo), "");
	assert_int_equal(kept(), 3);
	appear(&juliet, "balcony", 0);
	assert_messages(caller_hear(&juliet), 0, 3);
	commit();
	assert_int_equal(kept(), 0);
	caller_say(&juliet, "<presence type='unavailable'/>");
	caller_say(&juliet, "<presence/>");
	commit();
	assert_int_equal(count(caller_hear(&juliet), "<message "), 0);
	caller_close(&juliet);
}

static void
over_the_number_or_the_bytes_it_is_refused(void **state)
{
	char large[40001];
	char text[40200];

	write_some(200);
	assert_string_equal(caller_hear(&romeo), "");
	write_some(1);
	assert_int_equal(count(caller_hear(&romeo), "<service-unavailable "), 1);
	assert_int_equal(kept(), 200);
	memset(large, 'x', sizeof(large));
	large[sizeof(large) - 1] = 0;
	snprintf(text, sizeof(text), "<message to='nurse@localhost'><body>%s</body></message>",
	    large);
	caller_say(&romeo, text);
	commit();
	assert_string_equal(caller_hear(&romeo), "");
	caller_say(&romeo, text);
	commit();
	assert_int_equal(count(caller_hear(&romeo), "<service-unavailable "), 1);
}

static uint64_t
entries(void)
{
	struct txn *txn = store_read(worker.server.msg);
	uint64_t count = txn_entries(txn, STORE_OFFLINE);

	txn_end(&txn);
	return count;
}

/* Until the account has fetched all there is; then nothing of the count is left. */
static void
a_stranger_has_a_smaller_number(void **state)
{
	worker_reload(&worker, wary);
	for (int round = 0; round < 2; round++) {
		write_some(4);
		assert_int_equal(count(caller_hear(&romeo), "<service-unavailable "), 1);
		caller_enter(&nook, &worker, "nurse", "house");
		caller_say(&nook, "<message to='juliet@localhost' id='m003'><body>Madam</body></message>");
		commit();
		assert_int_equal(count(caller_hear(&nook), "<service-unavailable "), 0);
		caller_close(&nook);
		assert_int_equal(kept(), 4);
		appear(&juliet, "balcony", 0);
		commit();
		assert_messages(caller_hear(&juliet), 0, 4);
		commit();
		caller_close(&juliet);
		assert_int_equal(entries(), 1);	/* the number of the next message */
	}
}

/* Notes to oneself are no stranger's. */
static void
the_account_itself_is_no_stranger(void **state)
{
	worker_reload(&worker, wary);
	write_to("romeo@localhost", 0, 5);
	commit();
	assert_int_equal(count(caller_hear(&romeo), "<service-unavailable "), 0);
}

static void
only_a_priority_of_0_or_more_takes_them(void **state)
{
	write_some(2);
	appear(&juliet, "balcony", -1);
	assert_int_equal(count(caller_hear(&juliet), "<message "), 0);
	caller_say(&juliet, "<presence><priority>-5</priority></presence>");
	assert_int_equal(count(caller_hear(&juliet), "<message "), 0);
	caller_say(&juliet, "<presence><priority>0</priority></presence>");
	assert_messages(caller_hear(&juliet), 0, 2);
	commit();
	assert_int_equal(kept(), 0);
	caller_close(&juliet);
}

/* The registry's commit comes before the look at the store, the store's before the look at the registry. */
static void
who_comes_before_the_commit_gets_what_is_committed(void **state)
{
	write_to("juliet@localhost", 0, 2);
	appear(&juliet, "balcony", 0);
	assert_int_equal(count(caller_hear(&juliet), "<message "), 0);
	commit();
	assert_messages(caller_hear(&juliet), 0, 2);
	assert_int_equal(kept(), 0);
	caller_close(&juliet);
}

static void
a_second_one_gets_none_of_those_the_first_is_given(void **state)
{
	write_some(100);
	appear(&juliet, "balcony", 0);
	appear(&nook, "nook", 5);
	assert_messages(caller_hear(&juliet), 0, BATCH);
	assert_int_equal(count(caller_hear(&nook), "<message "), 0);
	commit();
	assert_messages(caller_hear(&juliet), BATCH, 100 - BATCH);
	assert_int_equal(count(caller_hear(&nook), "<message "), 0);
	assert_int_equal(kept(), 0);
	caller_close(&juliet);
	caller_close(&nook);
}

static void
a_batch_is_dropped_once_it_was_written_and_before_the_next_one(void **state)
{
	struct slot *slot;

	write_some(2 * BATCH);
	caller_open(&juliet, &worker, 4096, false);
	caller_login(&juliet, "juliet");
	caller_bind(&juliet, "balcony");
	slot = caller_session(&juliet)->slot;
	caller_send(&juliet, "<presence/>");
	worker_settle(&worker);
	assert_in_range(outbox_entries(slot), 2, BATCH + 1);
	commit();
	assert_int_equal(kept(), 2 * BATCH);
	assert_messages(caller_hear(&juliet), 0, BATCH);
	assert_int_equal(outbox_entries(slot), 0);
	assert_int_equal(kept(), 2 * BATCH);
	store_server_turn(store);
	assert_int_equal(kept(), BATCH);
	commit();
	assert_messages(caller_hear(&juliet), BATCH, BATCH);
	commit();
	assert_int_equal(kept(), 0);
	caller_close(&juliet);
}

static void
what_was_not_written_goes_to_the_next_one(void **state)
{
	write_some(BATCH);
	caller_open(&juliet, &worker, 4096, false);
	caller_login(&juliet, "juliet");
	caller_bind(&juliet, "balcony");
	caller_send(&juliet, "<presence/>");
	worker_settle(&worker);
	appear(&nook, "nook", 0);
	assert_int_equal(count(caller_hear(&nook), "<message "), 0);
	caller_close(&juliet);
	assert_messages(caller_hear(&nook), 0, BATCH);
	commit();
	assert_int_equal(kept(), 0);
	caller_close(&nook);
}

static void
who_becomes_unavailable_leaves_the_rest_to_another(void **state)
{
	write_some(BATCH + 10);
	appear(&juliet, "balcony", 0);
	appear(&nook, "nook", 0);
	assert_messages(caller_hear(&juliet), 0, BATCH);
	caller_hear(&nook);
	caller_say(&juliet, "<presence type='unavailable'/>");
	commit();
	assert_int_equal(count(caller_hear(&juliet), "<message "), 0);
	assert_messages(caller_hear(&nook), BATCH, 10);
	assert_int_equal(kept(), 0);
	caller_close(&juliet);
	caller_close(&nook);
}

/* What it was given is not given again, though it did not wait for the store. */
static void
who_ends_right_after_the_last_one_has_had_them(void **state)
{
	write_some(5);
	caller_enter(&juliet, &worker, "juliet", "balcony");
	caller_send(&juliet, "<presence/>");
	worker_turns(&worker, 3);
	assert_int_equal(count(caller_hear_once(&juliet), "<message "), 5);
	caller_close(&juliet);
	commit();
	assert_int_equal(kept(), 0);
}

static void
who_ends_while_its_batch_is_dropped_leaves_the_rest_too(void **state)
{
	write_some(BATCH + 10);
	appear(&juliet, "balcony", 0);
	assert_messages(caller_hear(&juliet), 0, BATCH);
	appear(&nook, "nook", -1);
	caller_hear(&nook);
	store_server_turn(store);
	caller_close(&juliet);
	commit();
	assert_int_equal(kept(), 10);
	caller_say(&nook, "<presence><priority>1</priority></presence>");
	assert_messages(caller_hear(&nook), BATCH, 10);
	commit();
	assert_int_equal(kept(), 0);
	caller_close(&nook);
}

static void
appear_managed(struct caller *caller, const char *resource)
{
	caller_enter(caller, &worker, "juliet", resource);
	caller_say(caller, "<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
	caller_say(caller, "<presence/>");
}

static void
leave(struct caller *caller)
{
	caller_say(caller, "</stream:stream>");
	caller_close(caller);
}

/* Its own presence and two messages. */
static void
what_was_acknowledged_goes_to_no_other_before_the_store_has_dropped_it(void **state)
{
	write_some(5);
	appear_managed(&juliet, "balcony");
	assert_messages(caller_hear(&juliet), 0, 5);
	caller_say(&juliet, "<a xmlns='urn:xmpp:sm:3' h='3'/>");
	appear(&nook, "nook", 0);
	leave(&juliet);
	assert_int_equal(count(caller_hear(&nook), "<message "), 0);
	commit();
	assert_messages(caller_hear(&nook), 2, 3);
	commit();
	assert_int_equal(kept(), 0);
	caller_close(&nook);
}

static void
what_is_newer_waits_until_that_which_a_session_leaves_is_kept(void **state)
{
	appear_managed(&juliet, "balcony");
	write_to("juliet@localhost", 0, 3);
	assert_messages(caller_hear(&juliet), 0, 3);
	leave(&juliet);
	write_to("juliet@localhost", 3, 1);
	worker_pass(&worker, 1000);
	store_server_turn(store);
	assert_int_equal(kept(), 3);
	commit();
	worker_pass(&worker, 1000);
	commit();
	assert_int_equal(kept(), 4);
	appear(&nook, "nook", 0);
	assert_messages(caller_hear(&nook), 0, 4);
	commit();
	caller_close(&nook);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(the_sender_hears_nothing_and_the_recipient_all_once),
		TEST(over_the_number_or_the_bytes_it_is_refused),
		TEST(a_stranger_has_a_smaller_number),
		TEST(the_account_itself_is_no_stranger),
		TEST(only_a_priority_of_0_or_more_takes_them),
		TEST(who_comes_before_the_commit_gets_what_is_committed),
		TEST(a_second_one_gets_none_of_those_the_first_is_given),
		TEST(a_batch_is_dropped_once_it_was_written_and_before_the_next_one),
		TEST(what_was_not_written_goes_to_the_next_one),
		TEST(who_becomes_unavailable_leaves_the_rest_to_another),
		TEST(who_ends_right_after_the_last_one_has_had_them),
		TEST(who_ends_while_its_batch_is_dropped_leaves_the_rest_too),
		TEST(what_was_acknowledged_goes_to_no_other_before_the_store_has_dropped_it),
		TEST(what_is_newer_waits_until_that_which_a_session_leaves_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
