/* stream_output_test.c -- what reaches the socket: whole stanzas, in order, offered again as they were. */
#include "stream/stream_private.h"

#include <stdlib.h>

#include "shm/outbox.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_caller.h"
#include "xml/writer.h"

#define SMALL_BUFFER 4096

static struct worker worker;
static struct caller juliet, romeo;
static char body[30001];

/* Juliet reads through a small buffer, so that what she gets is always under way. */
static int
setup(void **state)
{
	worker_begin(&worker, NULL);
	caller_open(&juliet, &worker, SMALL_BUFFER, false);
	caller_login(&juliet, "juliet");
	caller_bind(&juliet, "balcony");
	caller_enter(&romeo, &worker, "romeo", "orchard");
	memset(body, 'x', sizeof(body) - 1);
	return 0;
}

static int
teardown(void **state)
{
	caller_close(&juliet);
	caller_close(&romeo);
	worker_end(&worker);
	return 0;
}

static void
say_big(void)
{
	caller_send(&romeo, "<message to='juliet@localhost/balcony'><body>");
	caller_send(&romeo, body);
	caller_say(&romeo, "</body></message>");
}

static int
count(const char *text, const char *word)
{
	int found = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		found++;
	return found;
}

static struct stream *
stream_of_juliet(void)
{
	return caller_session(&juliet)->conn;
}

/* Control bytes wait for the end of the stanza that is half written. */
static void
an_error_never_stands_inside_a_stanza(void **state)
{
	const char *heard;

	say_big();
	assert_true(caller_session(&juliet)->cursor.offset > 0);
	caller_say(&juliet, "<wrong/>");
	heard = caller_hear(&juliet);
	assert_int_equal(count(heard, "<message "), 1);
	assert_non_null(strstr(heard, "x</body></message><stream:error>"));
	assert_non_null(strstr(heard, "</stream:error></stream:stream>"));
	assert_true(caller_is_closed(&juliet));
}

static void
a_big_stanza_comes_whole(void **state)
{
	const char *heard;

	for (int i = 0; i < 5; i++)
		say_big();
	heard = caller_hear(&juliet);
	assert_int_equal(count(heard, "<message "), 5);
	assert_int_equal(count(heard, "x</body></message>"), 5);
	assert_int_equal(strlen(heard),
	    5 * (strlen("<message to='juliet@localhost/balcony' "
			"from='romeo@localhost/orchard'><body></body></message>") +
		    strlen(body)));
}

/* TLS wants the same bytes again: whatever else was said meanwhile comes behind. */
static void
what_was_offered_is_offered_again_as_it_was(void **state)
{
	struct stream *stream = stream_of_juliet();
	struct outbox_cursor cursor;
	char first[65536], second[65536];
	size_t length, offered;

	say_big();
	offered = stream->offer.control + stream->offer.stanzas;
	assert_true(offered > 0);
	cursor = caller_session(&juliet)->cursor;
	length = outbox_read(worker.server.shm, juliet.ref, &cursor, first, offered, 0);
	assert_int_equal(length, offered);
	stream_write(stream, "<after/>");
	say_big();
	assert_int_equal(stream->offer.control + stream->offer.stanzas, offered);
	cursor = caller_session(&juliet)->cursor;
	assert_int_equal(outbox_read(worker.server.shm, juliet.ref, &cursor, second, offered,
			     0), offered);
	assert_memory_equal(first, second, offered);
	assert_non_null(strstr(caller_hear(&juliet), "</body></message><after/><message "));
}

/* One write and one packet for both; where the socket takes a part of it, the rest is the same when it is offered again. */
static void
a_request_for_an_acknowledgement_rides_behind_the_stanzas(void **state)
{
	static const char request[] = "<r xmlns='urn:xmpp:sm:3'/>";
	struct stream *stream = stream_of_juliet();
	const char *heard;

	caller_say(&juliet, "<enable xmlns='urn:xmpp:sm:3'/>");
	caller_hear(&juliet);
	body[3000] = '\0';
	for (int i = 0; i < 10; i++) {
		caller_send(&romeo, "<message to='juliet@localhost/balcony'><body>");
		caller_send(&romeo, body);
		caller_send(&romeo, "</body></message>");
	}
	worker_settle(&worker);
	body[3000] = 'x';
	assert_true(stream->offer.stanzas > 0);
	assert_int_equal(stream->offer.behind, strlen(request));
	stream_write(stream, "<after/>");
	heard = caller_hear(&juliet);
	assert_int_equal(count(heard, "<message "), 10);
	assert_int_equal(count(heard, request), 1);
	assert_non_null(strstr(heard, "</message><r xmlns='urn:xmpp:sm:3'/><after/>"));
	assert_false(stream_has_offered(stream));
}

/* An end asked for in order lets what waits go first. */
static void
an_orderly_end_comes_behind_what_waits(void **state)
{
	const char *heard;

	say_big();
	say_big();
	session_close(caller_session(&juliet), 0, "for the test");
	heard = caller_hear(&juliet);
	assert_int_equal(count(heard, "x</body></message>"), 2);
	assert_non_null(strstr(heard, "</message></stream:stream>"));
	caller_say(&juliet, "</stream:stream>");
	assert_true(caller_is_closed(&juliet));
}

static void
an_end_with_an_error_comes_behind_what_waits(void **state)
{
	const char *heard;

	say_big();
	say_big();
	session_close(caller_session(&juliet), STREAM_SYSTEM_SHUTDOWN, NULL);
	caller_say(&juliet, "<presence/>");
	heard = caller_hear(&juliet);
	assert_int_equal(count(heard, "x</body></message>"), 2);
	assert_non_null(strstr(heard, "</message><stream:error><system-shutdown "));
	assert_non_null(strstr(heard, "</stream:error></stream:stream>"));
	assert_int_equal(count(heard, "<presence"), 0);
	assert_true(caller_is_closed(&juliet));
}

static void
closing_twice_is_harmless(void **state)
{
	const char *heard;

	say_big();
	session_close(caller_session(&juliet), 0, "once");
	session_close(caller_session(&juliet), 0, "twice");
	session_close(caller_session(&juliet), STREAM_RESET, "thrice");
	session_close(caller_session(&juliet), STREAM_CONFLICT, "again");
	heard = caller_hear(&juliet);
	assert_int_equal(count(heard, "</stream:stream>"), 1);
	assert_true(count(heard, "<stream:error>") <= 1);
	assert_int_equal(count(heard, "x</body></message>"), 1);
}

/* RFC 6120 4.4: the peer may still speak until it has answered our end. */
static void
stanzas_after_our_end_are_still_routed(void **state)
{
	session_close(caller_session(&juliet), 0, "for the test");
	assert_string_equal(caller_hear(&juliet), "</stream:stream>");
	caller_say(&juliet, "<message to='romeo@localhost/orchard'><body>bye</body></message>"
			    "</stream:stream>");
	assert_non_null(strstr(caller_hear(&romeo), "<body>bye</body>"));
	assert_null(caller_session(&juliet));
}

static void
the_clients_end_is_answered_behind_what_waits(void **state)
{
	const char *heard;

	say_big();
	caller_say(&juliet, "</stream:stream>");
	heard = caller_hear(&juliet);
	assert_int_equal(count(heard, "x</body></message></stream:stream>"), 1);
	assert_true(caller_is_closed(&juliet));
}

/* --- back-pressure --- */

static void
a_paused_stream_handles_nothing_until_it_is_resumed(void **state)
{
	struct stream *stream = caller_session(&romeo)->conn;

	stream_pause(stream);
	caller_say(&romeo, "<message to='juliet@localhost/balcony' id='1'/>"
			   "<message to='juliet@localhost/balcony' id='2'/>");
	caller_say(&romeo, "<message to='juliet@localhost/balcony' id='3'/>");
	assert_string_equal(caller_hear(&juliet), "");
	stream_resume(stream);
	worker_settle(&worker);
	assert_int_equal(count(caller_hear(&juliet), "<message "), 3);
	stream_resume(stream);
	caller_say(&romeo, "<message to='juliet@localhost/balcony' id='4'/>");
	assert_int_equal(count(caller_hear(&juliet), "id='4'"), 1);
}

static void
what_is_wrong_behind_a_pause_is_told_when_it_ends(void **state)
{
	struct stream *stream = caller_session(&romeo)->conn;

	stream_pause(stream);
	caller_say(&romeo, "<message to='juliet@localhost/balcony' id='1'/></a>");
	assert_string_equal(caller_hear(&romeo), "");
	stream_resume(stream);
	assert_non_null(strstr(caller_hear(&romeo), "<not-well-formed "));
	assert_int_equal(count(caller_hear(&juliet), "<message "), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(an_error_never_stands_inside_a_stanza),
		TEST(a_big_stanza_comes_whole),
		TEST(what_was_offered_is_offered_again_as_it_was),
		TEST(a_request_for_an_acknowledgement_rides_behind_the_stanzas),
		TEST(an_orderly_end_comes_behind_what_waits),
		TEST(an_end_with_an_error_comes_behind_what_waits),
		TEST(closing_twice_is_harmless),
		TEST(stanzas_after_our_end_are_still_routed),
		TEST(the_clients_end_is_answered_behind_what_waits),
		TEST(a_paused_stream_handles_nothing_until_it_is_resumed),
		TEST(what_is_wrong_behind_a_pause_is_told_when_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
