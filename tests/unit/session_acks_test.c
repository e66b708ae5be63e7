/* session_acks_test.c -- what a client with stream management is told to be handled, and what it may tell (XEP-0198). */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "base/result.h"
#include "routing/pending.h"
#include "routing/router.h"
#include "shm/slots.h"
#include "tests/unit/worker_caller.h"

#define LATER	"<iq id='later' type='get'><later xmlns='urn:test'/></iq>"
#define PING	"<iq id='ping' type='get'><ping xmlns='urn:xmpp:ping'/></iq>"
#define ENABLE	"<enable xmlns='urn:xmpp:sm:3' resume='true'/>"
#define REQUEST "<r xmlns='urn:xmpp:sm:3'/>"

static struct worker worker;
static struct caller romeo, juliet;
static struct waiting *held;
static char id[64];

/* --- a feature whose answers come later --- */

static int
on_answer(struct stanza *stanza, int result, void *data)
{
	return result == RESULT_OK ? router_reply(stanza, NULL) : STANZA_INTERNAL_SERVER_ERROR;
}

static int
hold(struct stanza *stanza)
{
	if (stanza->payload == NULL || !slice_is(stanza->payload->name, "later"))
		return STANZA_PASS;
	held = pending_hold(stanza, on_answer, NULL, 0);
	return STANZA_LATER;
}

static void
release(void)
{
	pending_release(&worker.server, &held, RESULT_OK);
	worker_settle(&worker);
}

/* --- clients --- */

static void
enable(struct caller *caller)
{
	caller_say(caller, ENABLE);
	assert_int_equal(sscanf(caller_hear(caller), "<enabled xmlns='urn:xmpp:sm:3' id='%63[^']'", id),
	    1);
}

static int
begin(const char *config)
{
	static const struct stage_row row = { STAGE_OUTGOING, "test", hold };
	struct worker_options options = { .config = config };

	worker_begin(&worker, &options);
	router_add_stage(worker.server.router, &row);
	caller_enter(&romeo, &worker, "romeo", "orchard");
	caller_enter(&juliet, &worker, "juliet", "balcony");
	enable(&juliet);
	held = NULL;
	return 0;
}

static int
setup(void **state)
{
	return begin(NULL);
}

static int
teardown(void **state)
{
	if (romeo.fd >= 0)
		caller_close(&romeo);
	if (juliet.fd >= 0)
		caller_close(&juliet);
	worker_end(&worker);
	return 0;
}

static void
ask_for(struct caller *caller, uint32_t h)
{
	char text[128];

	snprintf(text, sizeof(text), "<resume xmlns='urn:xmpp:sm:3' previd='%.40s' h='%u'/>", id, h);
	caller_say(caller, text);
}

static void
assert_hears(struct caller *caller, const char *what)
{
	const char *heard = caller_hear(caller);

	if (strstr(heard, what) == NULL)
		fail_msg("no %s in %s", what, heard);
}

static struct slot *
slot(void)
{
	return slot_find(worker.server.shm, juliet.ref);
}

/* --- counts --- */

/* As after 2^32 - 2 stanzas in and out. */
static void
they_go_round_at_2_to_the_32(void **state)
{
	atomic_fetch_sub(&slot()->sm_in, UINT64_C(0xfffffffe));
	atomic_fetch_add(&slot()->sm_passed, UINT64_C(0xfffffffe));
	caller_say(&juliet, PING REQUEST);
	assert_hears(&juliet, "<a xmlns='urn:xmpp:sm:3' h='4294967295'/>");
	caller_say(&juliet, "<a xmlns='urn:xmpp:sm:3' h='4294967295'/>");
	assert_int_equal(outbox_entries(slot()), 0);
	caller_say(&juliet, PING PING REQUEST);
	assert_hears(&juliet, "<a xmlns='urn:xmpp:sm:3' h='1'/>");
	assert_int_equal(outbox_entries(slot()), 2);
	caller_say(&juliet, "<a xmlns='urn:xmpp:sm:3' h='0'/>");
	assert_int_equal(outbox_entries(slot()), 1);
	caller_say(&juliet, "<a xmlns='urn:xmpp:sm:3' h='1'/>");
	assert_int_equal(outbox_entries(slot()), 0);
	caller_say(&juliet, "<a xmlns='urn:xmpp:sm:3' h='2'/>");
	assert_hears(&juliet, "<handled-count-too-high xmlns='urn:xmpp:sm:3' h='2' send-count='1'/>");
}

static void
entries_stay_until_they_are_acknowledged(void **state)
{
	caller_say(&romeo, "<message to='juliet@localhost/balcony'><body>1</body></message>"
			   "<message to='juliet@localhost/balcony'><body>2</body></message>");
	assert_hears(&juliet, "<body>2</body>");
	assert_int_equal(outbox_entries(slot()), 2);
	caller_say(&juliet, "<a xmlns='urn:xmpp:sm:3' h='1'/>");
	assert_int_equal(outbox_entries(slot()), 1);
}

/* What counts as too much is what was not sent: its acknowledgements could not be read otherwise. */
static void
who_does_not_acknowledge_is_still_read(void **state)
{
	for (int i = 0; i < 60; i++) {
		char text[8192];

		snprintf(text, sizeof(text), "<message to='juliet@localhost/balcony'><body>%06000d</body>"
					     "</message>", i);
		caller_say(&romeo, text);
		caller_hear(&juliet);
	}
	assert_true(outbox_bytes(slot()) > 300000);
	caller_say(&juliet, PING PING);
	assert_hears(&juliet, "id='ping'");
	caller_say(&juliet, "<a xmlns='urn:xmpp:sm:3' h='62'/>");
	assert_int_equal(outbox_bytes(slot()), 0);
}

/* --- requests --- */

/* Returns what juliet hears. */
static const char *
send_ten(void)
{
	for (int i = 0; i < 10; i++)
		caller_say(&romeo, "<message to='juliet@localhost/balcony'><body>1</body></message>");
	return caller_hear(&juliet);
}

/* However much comes, and however long it takes; the answer to it brings the next one, for all that went meanwhile. */
static void
one_request_at_a_time(void **state)
{
	assert_non_null(strstr(send_ten(), "</message>" REQUEST));
	assert_null(strstr(send_ten(), "<r"));
	worker_pass(&worker, 50000);
	assert_null(strstr(send_ten(), "<r"));
	caller_say(&juliet, "<a xmlns='urn:xmpp:sm:3' h='10'/>");
	assert_string_equal(caller_hear(&juliet), REQUEST);
	caller_say(&juliet, "<a xmlns='urn:xmpp:sm:3' h='30'/>");
	assert_string_equal(caller_hear(&juliet), "");
	assert_int_equal(outbox_entries(slot()), 0);
}

/* Within a minute from when it went. */
static void
each_request_is_to_be_answered(void **state)
{
	send_ten();
	send_ten();
	worker_pass(&worker, 50000);
	caller_say(&juliet, "<a xmlns='urn:xmpp:sm:3' h='10'/>");
	assert_string_equal(caller_hear(&juliet), REQUEST);
	worker_pass(&worker, 50000);
	assert_false(caller_is_closed(&juliet));
	worker_pass(&worker, 15000);
	assert_true(caller_is_closed(&juliet));
}

/* XEP-0198 4: it may acknowledge what it was not asked for, and that ends the wait just as well. */
static void
an_answer_may_say_more_than_was_asked_for(void **state)
{
	send_ten();
	send_ten();
	caller_say(&juliet, "<a xmlns='urn:xmpp:sm:3' h='20'/>");
	worker_pass(&worker, 100000);
	assert_false(caller_is_closed(&juliet));
	assert_string_equal(caller_hear(&juliet), "");
}

/* --- what is safe --- */

static void
a_stanza_that_is_answered_later_counts_then(void **state)
{
	uint64_t before = atomic_load(&slot()->h_in);

	caller_say(&juliet, LATER REQUEST);
	assert_string_equal(caller_hear(&juliet), "");
	assert_int_equal(atomic_load(&slot()->h_in), before);
	release();
	assert_hears(&juliet, "<a xmlns='urn:xmpp:sm:3' h='1'/>");
	assert_int_equal(atomic_load(&slot()->h_in), before + 1);
}

static void
what_a_store_is_to_keep_is_acknowledged_behind_the_commit(void **state)
{
	struct session *session = caller_session(&juliet);

	caller_say(&juliet, PING);
	session_keeps(session, session->received);
	caller_say(&juliet, PING);
	session_keeps(session, session->received);
	caller_hear(&juliet);
	caller_say(&juliet, REQUEST);
	assert_string_equal(caller_hear(&juliet), "");
	session_kept(session, session->received - 1);
	worker_settle(&worker);
	assert_string_equal(caller_hear(&juliet), "");
	assert_int_equal(acks_safe(session), 1);
	session_kept(session, session->received);
	worker_settle(&worker);
	assert_string_equal(caller_hear(&juliet), "<a xmlns='urn:xmpp:sm:3' h='2'/>");
}

static void
unless_the_host_says_that_memory_is_enough(void **state)
{
	struct session *session;

	teardown(state);
	begin("hosts = ( { name = \"localhost\"; require_tls = false; ack = \"memory\"; } );");
	session = caller_session(&juliet);
	caller_say(&juliet, PING);
	session_keeps(session, session->received);
	caller_say(&juliet, REQUEST);
	assert_hears(&juliet, "<a xmlns='urn:xmpp:sm:3' h='1'/>");
}

/* --- resuming --- */

static void
who_resumes_waits_for_what_is_under_way(void **state)
{
	struct caller again;

	caller_say(&juliet, LATER);
	caller_close(&juliet);
	caller_open(&again, &worker, 0, false);
	caller_login(&again, "juliet");
	ask_for(&again, 0);
	worker_pass(&worker, 100);
	assert_string_equal(caller_hear(&again), "");
	release();
	worker_pass(&worker, 100);
	assert_hears(&again, "h='1'/>");
	assert_null(caller_session(&again));	/* the older one goes on */
	assert_int_equal(slot()->epoch, juliet.ref.epoch);
	caller_close(&again);
}

/* No time passes: the session itself wakes who waits for it. */
static void
who_resumes_has_it_as_soon_as_another_worker_gives_it(void **state)
{
	struct worker_options options = { .workers = 2 };
	struct caller again;

	teardown(state);
	worker_begin(&worker, &options);
	caller_enter(&romeo, &worker, "romeo", "orchard");
	caller_enter(&juliet, &worker, "juliet", "balcony");
	enable(&juliet);
	caller_close(&juliet);
	atomic_store(&slot()->taker, 2);
	slot_ask(worker.server.shm, juliet.ref, ORDER_GIVE_AWAY);
	worker_settle(&worker);
	assert_int_equal(atomic_load(&slot()->owner), 2);
	caller_open(&again, &worker, 0, false);
	caller_login(&again, "juliet");
	ask_for(&again, 0);
	assert_string_equal(caller_hear(&again), "");
	slot_move(worker.server.shm, juliet.ref, 0);
	worker_settle(&worker);
	assert_hears(&again, "<resumed ");
	caller_close(&again);
}

/* Who had asked was of the server before, or has drained. */
static void
no_session_is_given_to_who_is_not_there(void **state)
{
	struct worker_options options = { .workers = 2 };

	teardown(state);
	worker_begin(&worker, &options);
	caller_enter(&romeo, &worker, "romeo", "orchard");
	caller_enter(&juliet, &worker, "juliet", "balcony");
	enable(&juliet);
	caller_close(&juliet);
	atomic_store(&worker.server.shm->instance->serving, 1);
	atomic_store(&slot()->taker, 2);
	slot_ask(worker.server.shm, juliet.ref, ORDER_GIVE_AWAY);
	worker_settle(&worker);
	assert_int_equal(atomic_load(&slot()->owner), 1);
	assert_non_null(caller_session(&juliet));
}

static void
one_that_gives_up_waiting_leaves_nothing(void **state)
{
	struct caller again;

	caller_say(&juliet, LATER);
	caller_close(&juliet);
	caller_open(&again, &worker, 0, false);
	caller_login(&again, "juliet");
	ask_for(&again, 0);
	caller_close(&again);
	worker_pass(&worker, 30000);	/* nothing is read from it, so it is the time to log in that ends */
	assert_null(caller_session(&again));
	release();
	assert_non_null(slot());
}

static void
too_much_for_one_that_waits_goes_another_way(void **state)
{
	teardown(state);
	begin("hibernated_stanzas = 2; hosts = ( { name = \"localhost\"; require_tls = false; } );");
	caller_close(&juliet);
	caller_say(&romeo, "<iq id='1' type='get' to='juliet@localhost/balcony'><q xmlns='urn:test'/></iq>"
			   "<iq id='2' type='get' to='juliet@localhost/balcony'><q xmlns='urn:test'/></iq>");
	assert_non_null(slot());
	assert_string_equal(caller_hear(&romeo), "");
	caller_say(&romeo, "<iq id='3' type='get' to='juliet@localhost/balcony'><q xmlns='urn:test'/></iq>");
	assert_null(slot());
	assert_hears(&romeo, "id='3' type='error'");
	assert_int_equal(worker_counter(&worker, COUNTER_HANDED_ON), 3);
}

static bool is_drained;

static void
on_drained(struct server *server)
{
	is_drained = true;
}

/* Who can come back is sent away at the pace, and found afterwards; who cannot stays until the time is up. */
static void
a_worker_is_drained_gently(void **state)
{
	is_drained = false;
	caller_say(&juliet, PING);
	caller_hear(&juliet);
	sessions_drain(&worker.server, 60000, 1, on_drained);
	worker_settle(&worker);
	assert_string_equal(caller_hear(&juliet), "<a xmlns='urn:xmpp:sm:3' h='1'/>");
	assert_true(caller_is_closed(&juliet));
	caller_close(&juliet);
	caller_say(&romeo, PING);
	assert_hears(&romeo, "id='ping'");
	worker_pass(&worker, 50);
	assert_false(is_drained);
	assert_non_null(caller_session(&juliet));
	worker_pass(&worker, 60000);
	assert_hears(&romeo, "<system-shutdown ");
	caller_close(&romeo);
	worker_pass(&worker, 50);
	assert_true(is_drained);
	assert_null(caller_session(&juliet));
	assert_true(atomic_load(&slot()->flags) & SLOT_HIBERNATING);
	slot_give(worker.server.shm, juliet.ref);
}

/* The <a/> has come, behind a stanza that is answered later. */
static void
who_is_not_read_is_not_late_with_its_acknowledgement(void **state)
{
	caller_say(&romeo, "<message to='juliet@localhost/balcony'/>");
	caller_say(&juliet, LATER);
	worker_pass(&worker, 5000);
	assert_hears(&juliet, REQUEST);
	caller_say(&juliet, "<a xmlns='urn:xmpp:sm:3' h='1'/>");
	for (int i = 0; i < 30; i++)
		worker_pass(&worker, 5000);
	assert_int_equal(outbox_entries(slot()), 1);
	assert_non_null(caller_session(&juliet)->conn);
	release();
	assert_hears(&juliet, "type='result' id='later'");
	assert_int_equal(outbox_entries(slot()), 1);	/* the result */
}

static void
silence_is_asked_about_by_asking_for_an_acknowledgement(void **state)
{
	worker_pass(&worker, 300000);
	assert_string_equal(caller_hear(&juliet), REQUEST);
	caller_say(&juliet, "<a xmlns='urn:xmpp:sm:3' h='0'/>");
	assert_false(caller_is_closed(&juliet));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(they_go_round_at_2_to_the_32),
		TEST(entries_stay_until_they_are_acknowledged),
		TEST(who_does_not_acknowledge_is_still_read),
		TEST(one_request_at_a_time),
		TEST(each_request_is_to_be_answered),
		TEST(an_answer_may_say_more_than_was_asked_for),
		TEST(a_stanza_that_is_answered_later_counts_then),
		TEST(what_a_store_is_to_keep_is_acknowledged_behind_the_commit),
		TEST(unless_the_host_says_that_memory_is_enough),
		TEST(who_resumes_waits_for_what_is_under_way),
		TEST(who_resumes_has_it_as_soon_as_another_worker_gives_it),
		TEST(no_session_is_given_to_who_is_not_there),
		TEST(one_that_gives_up_waiting_leaves_nothing),
		TEST(too_much_for_one_that_waits_goes_another_way),
		TEST(a_worker_is_drained_gently),
		TEST(who_is_not_read_is_not_late_with_its_acknowledgement),
		TEST(silence_is_asked_about_by_asking_for_an_acknowledgement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
