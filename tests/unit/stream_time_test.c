/* stream_time_test.c -- how long each state lasts, by a clock that the test moves. */
#include "stream/stream_private.h"

#include "tests/unit/unit.h"
#include "tests/unit/worker_caller.h"

#define SECOND 1000u

static struct worker worker;

static int
setup(void **state)
{
	worker_begin(&worker, NULL);
	return 0;
}

static int
teardown(void **state)
{
	worker_end(&worker);
	return 0;
}

static const struct stream *
stream_of(struct caller *caller)
{
	return caller_session(caller)->conn;
}

static void
assert_timed_out(struct caller *caller)
{
	assert_non_null(strstr(caller_hear(caller), "<stream:error><connection-timeout "));
	assert_true(caller_is_closed(caller));
	caller_close(caller);
	assert_true(worker_is_clean(&worker));
}

static void
silence_before_the_header_lasts_handshake_timeout(void **state)
{
	struct caller caller;

	caller_open(&caller, &worker, 0, false);
	worker_pass(&worker, 9 * SECOND);
	assert_string_equal(caller_hear(&caller), "");
	worker_pass(&worker, 1 * SECOND);
	assert_timed_out(&caller);
}

static void
silence_before_the_login_lasts_handshake_timeout(void **state)
{
	struct caller caller;

	caller_open(&caller, &worker, 0, false);
	caller_greet(&caller);
	caller_say(&caller, caller_first(&caller, "juliet"));
	caller_hear(&caller);
	assert_int_equal(stream_of(&caller)->state, STATE_SASL);
	worker_pass(&worker, 9 * SECOND);
	assert_string_equal(caller_hear(&caller), "");
	worker_pass(&worker, 1 * SECOND);
	assert_timed_out(&caller);
}

/* Bytes that come one by one do not make it longer. */
static void
the_login_lasts_login_timeout_at_most(void **state)
{
	struct caller caller;

	caller_open(&caller, &worker, 0, false);
	caller_greet(&caller);
	for (int i = 0; i < 5; i++) {
		worker_pass(&worker, 5800);
		caller_say(&caller, " ");
	}
	assert_string_equal(caller_hear(&caller), "");
	worker_pass(&worker, 1 * SECOND);
	assert_timed_out(&caller);
}

/* An account under attack is answered late; the time that took is not the client's silence. */
static void
a_late_answer_is_not_the_silence_of_who_waits_for_it(void **state)
{
	struct caller caller;

	worker.has_limits = true;
	worker_reload(&worker, "login_failures_per_account = 10; handshake_timeout = \"1 s\"; trusted_networks = [ \"0.0.0.0/0\" ];"
			       "hosts = ( { name = \"localhost\"; require_tls = false; } );");
	caller_open(&caller, &worker, 0, false);
	caller_greet(&caller);
	caller.lies = true;
	for (unsigned i = 0; i < 2; i++) {
		caller_say(&caller, caller_first(&caller, "juliet"));
		worker_pass(&worker, i * SECOND);
		caller_say(&caller, caller_final(&caller));
		assert_non_null(strstr(caller_hear(&caller), "<not-authorized/>"));
	}
	caller.lies = false;
	caller_say(&caller, caller_first(&caller, "juliet"));
	for (int i = 0; i < 5; i++)	/* 2 s until the answer, and half of what there is for the next word */
		worker_pass(&worker, 500);
	caller_say(&caller, caller_final(&caller));
	assert_non_null(strstr(caller_hear(&caller), "<success "));
	caller_close(&caller);
}

static void
binding_must_come_within_login_timeout(void **state)
{
	struct caller caller;

	caller_open(&caller, &worker, 0, false);
	caller_login(&caller, "juliet");
	assert_int_equal(stream_of(&caller)->state, STATE_BIND);
	worker_pass(&worker, 29 * SECOND);
	assert_string_equal(caller_hear(&caller), "");
	worker_pass(&worker, 1 * SECOND);
	assert_timed_out(&caller);
}

/* --- of a session --- */

static void
silence_is_met_with_a_ping_and_then_dropped(void **state)
{
	struct caller caller;

	caller_enter(&caller, &worker, "juliet", "balcony");
	worker_pass(&worker, 299 * SECOND);
	assert_string_equal(caller_hear(&caller), "");
	worker_pass(&worker, 1 * SECOND);
	assert_string_equal(caller_hear(&caller),
	    "<iq type='get' id='alive' from='localhost' to='juliet@localhost/balcony'>"
	    "<ping xmlns='urn:xmpp:ping'/></iq>");
	worker_pass(&worker, 119 * SECOND);
	assert_string_equal(caller_hear(&caller), "");
	assert_false(caller_is_closed(&caller));
	worker_pass(&worker, 1 * SECOND);
	assert_true(caller_is_closed(&caller));
	assert_true(worker_logged(&worker, "reason=silent for too long"));
	caller_close(&caller);
}

static void
any_byte_shows_that_the_client_lives(void **state)
{
	struct caller caller;

	caller_enter(&caller, &worker, "juliet", "balcony");
	for (int i = 0; i < 5; i++) {
		worker_pass(&worker, 300 * SECOND);
		assert_non_null(strstr(caller_hear(&caller), "id='alive'"));
		worker_pass(&worker, 100 * SECOND);
		caller_say(&caller, " ");
	}
	caller_close(&caller);
}

/* Also where the second question would come before the first answer's time is up. */
static void
each_silence_is_asked_about(void **state)
{
	struct caller caller;

	worker_reload(&worker, "idle_timeout = \"10 s\"; idle_drop = \"120 s\"; "
			       "hosts = ( { name = \"localhost\"; require_tls = false; } );");
	caller_enter(&caller, &worker, "juliet", "balcony");
	worker_pass(&worker, 11 * SECOND);
	assert_non_null(strstr(caller_hear(&caller), "id='alive'"));
	caller_say(&caller, " ");
	worker_pass(&worker, 11 * SECOND);
	assert_non_null(strstr(caller_hear(&caller), "id='alive'"));
	caller_close(&caller);
}

/* Nor while it waits for an answer and says nothing meanwhile. Its silence begins when it is read again. */
static void
nobody_is_silent_while_it_is_not_read(void **state)
{
	static const char *const words[] = { " ", "" };
	struct caller caller;

	for (int i = 0; i < 2; i++) {
		caller_enter(&caller, &worker, "juliet", "balcony");
		session_wait(caller_session(&caller), 1);
		caller_say(&caller, words[i]);
		for (int k = 0; k < 5; k++)
			worker_pass(&worker, 300 * SECOND);
		assert_string_equal(caller_hear(&caller), "");
		session_go_on(caller_session(&caller), 1);
		worker_settle(&worker);
		worker_pass(&worker, 299 * SECOND);
		assert_string_equal(caller_hear(&caller), "");
		worker_pass(&worker, 1 * SECOND);
		assert_non_null(strstr(caller_hear(&caller), "id='alive'"));
		worker_pass(&worker, 120 * SECOND);
		assert_true(caller_is_closed(&caller));
		caller_close(&caller);
	}
}

/* Idle memory goes after ten seconds; the stream goes on as if nothing had been. */
static void
an_idle_stream_gives_its_memory_back(void **state)
{
	struct caller caller;
	size_t before;

	caller_enter(&caller, &worker, "juliet", "balcony");
	before = parser_memory(stream_of(&caller)->parser);
	worker_pass(&worker, 10 * SECOND);
	assert_true(parser_memory(stream_of(&caller)->parser) < before);
	assert_int_equal(stream_of(&caller)->control.capacity, 0);
	caller_say(&caller, "<presence><status>&lt;</status></presence>");
	assert_non_null(strstr(caller_hear(&caller), "<status>&lt;</status>"));
	caller_close(&caller);
}

/* A word now and then does not keep it for the whole time until silence is asked about. */
static void
and_again_after_the_next_silence(void **state)
{
	struct caller caller;

	caller_enter(&caller, &worker, "juliet", "balcony");
	worker_pass(&worker, 6 * SECOND);
	assert_true(stream_of(&caller)->released);
	caller_say(&caller, " ");
	assert_false(stream_of(&caller)->released);
	worker_pass(&worker, 6 * SECOND);
	assert_true(stream_of(&caller)->released);
	caller_close(&caller);
}

static void
a_client_that_does_not_read_is_dropped(void **state)
{
	static char big[20000];
	struct caller caller, other;

	caller_open(&caller, &worker, 4096, false);
	caller_login(&caller, "juliet");
	caller_bind(&caller, "balcony");
	caller_enter(&other, &worker, "romeo", "orchard");
	memset(big, 'x', sizeof(big) - 1);
	caller_send(&other, "<message to='juliet@localhost/balcony'><body>");
	caller_send(&other, big);
	caller_say(&other, "</body></message>");
	for (int i = 0; i < 13; i++) {
		worker_pass(&worker, 10 * SECOND);
		if (caller_session(&caller) != NULL)
			caller_say(&caller, " ");	/* it lives, and speaks */
	}
	assert_null(caller_session(&caller));
	assert_true(worker_logged(&worker, "reason=the peer does not read"));
	caller_close(&caller);
	caller_close(&other);
}

/* --- of the end --- */

static void
a_client_that_does_not_answer_the_end_is_dropped(void **state)
{
	struct caller caller;

	caller_enter(&caller, &worker, "juliet", "balcony");
	session_close(caller_session(&caller), 0, "for the test");
	assert_string_equal(caller_hear(&caller), "</stream:stream>");
	worker_pass(&worker, 3 * SECOND);
	assert_non_null(caller_session(&caller));
	worker_pass(&worker, 2 * SECOND);
	assert_null(caller_session(&caller));
	assert_true(worker_logged(&worker, "reason=for the test"));
	caller_close(&caller);
}

static void
a_client_that_stays_after_an_error_is_dropped(void **state)
{
	struct caller caller;

	caller_enter(&caller, &worker, "juliet", "balcony");
	caller_say(&caller, "<wrong/>");
	assert_non_null(strstr(caller_hear(&caller), "</stream:stream>"));
	assert_non_null(caller_session(&caller));
	worker_pass(&worker, 5 * SECOND);
	assert_null(caller_session(&caller));
	caller_close(&caller);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(silence_before_the_header_lasts_handshake_timeout),
		TEST(silence_before_the_login_lasts_handshake_timeout),
		TEST(the_login_lasts_login_timeout_at_most),
		TEST(a_late_answer_is_not_the_silence_of_who_waits_for_it),
		TEST(binding_must_come_within_login_timeout),
		TEST(silence_is_met_with_a_ping_and_then_dropped),
		TEST(any_byte_shows_that_the_client_lives),
		TEST(each_silence_is_asked_about),
		TEST(nobody_is_silent_while_it_is_not_read),
		TEST(an_idle_stream_gives_its_memory_back),
		TEST(and_again_after_the_next_silence),
		TEST(a_client_that_does_not_read_is_dropped),
		TEST(a_client_that_does_not_answer_the_end_is_dropped),
		TEST(a_client_that_stays_after_an_error_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
