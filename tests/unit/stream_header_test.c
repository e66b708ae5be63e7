/* stream_header_test.c -- the opening of a stream, and what is offered after it. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/worker_caller.h"

#define STREAM(attributes) \
	"<stream:stream xmlns:stream='http://etherx.jabber.org/streams'" attributes ">"

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

/* What a fresh client hears for its first bytes. */
static const char *
hear_for(const char *said, bool *is_closed)
{
	static char heard[4096];
	struct caller caller;

	caller_open(&caller, &worker, 0, false);
	caller_say(&caller, said);
	snprintf(heard, sizeof(heard), "%s", caller_hear(&caller));
	*is_closed = caller_is_closed(&caller);
	caller_close(&caller);
	return heard;
}

static void
wrong_headers_get_a_header_and_an_error(void **state)
{
	static const struct {
		const char *said;
		const char *condition;
	} rows[] = {
		{ STREAM(" xmlns='jabber:client' version='1.0'"), "improper-addressing" },
		{ STREAM(" xmlns='jabber:client' to='' version='1.0'"), "improper-addressing" },
		{ STREAM(" xmlns='jabber:client' to='juliet@localhost' version='1.0'"),
		    "improper-addressing" },
		{ STREAM(" xmlns='jabber:client' to='localhost/a' version='1.0'"),
		    "improper-addressing" },
		{ STREAM(" xmlns='jabber:client' to='example.org' version='1.0'"),
		    "host-unknown" },
		{ STREAM(" xmlns='jabber:client' to='localhost'"), "unsupported-version" },
		{ STREAM(" xmlns='jabber:client' to='localhost' version='0.9'"),
		    "unsupported-version" },
		{ STREAM(" xmlns='jabber:client' to='localhost' version='x'"),
		    "unsupported-version" },
		{ STREAM(" xmlns='jabber:server' to='localhost' version='1.0'"),
		    "invalid-namespace" },
		{ STREAM(" to='localhost' version='1.0'"), "invalid-namespace" },
		{ "<stream xmlns='urn:example' to='localhost' version='1.0'>",
		    "invalid-namespace" },
		{ "<stream:features xmlns='jabber:client' "
		  "xmlns:stream='http://etherx.jabber.org/streams' to='localhost' "
		  "version='1.0'>", "bad-format" },
		{ "GET / HTTP/1.1\r\n", "not-well-formed" },
		{ "<?xml version='1.0' encoding='ISO-8859-1'?><a", "unsupported-encoding" },
		{ "<!DOCTYPE a>", "restricted-xml" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char error[100];
		bool is_closed;
		const char *heard = hear_for(rows[i].said, &is_closed);

		snprintf(error, sizeof(error), "<stream:error><%s ", rows[i].condition);
		if (strstr(heard, error) == NULL || !is_closed)
			fail_msg("%s: %s", rows[i].said, heard);
		assert_int_equal(strncmp(heard, "<?xml version='1.0'?><stream:stream ", 36),
		    0);
		assert_non_null(strstr(heard, " from='localhost'"));
		assert_non_null(strstr(heard, "</stream:error></stream:stream>"));
		assert_null(strstr(heard, "<stream:features>"));
	}
}

static void
good_headers_are_greeted(void **state)
{
	static const char *const rows[] = {
		CALLER_HEADER,
		STREAM(" xmlns='jabber:client' to='LOCALHOST' version='1.0'"),
		STREAM(" xmlns='jabber:client' to='localhost' version='1.7'"),
		STREAM(" xmlns='jabber:client' to='localhost' version='1.0' xml:lang='de' "
		       "from='juliet@localhost' id='mine'"),
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool is_closed;
		const char *heard = hear_for(rows[i], &is_closed);

		assert_non_null(strstr(heard, " from='localhost'"));
		assert_non_null(strstr(heard, " version='1.0'"));
		assert_non_null(strstr(heard, "<stream:features>"));
		assert_false(is_closed);
	}
}

static const char *
id_of(const char *heard)
{
	static char id[2][64];
	static int turn;
	const char *at = strstr(heard, " id='");

	turn = !turn;
	assert_non_null(at);
	assert_int_equal(sscanf(at, " id='%63[^']'", id[turn]), 1);
	return id[turn];
}

/* RFC 6120 4.7.3: an id of its own for each header, also on one connection. */
static void
each_header_has_its_own_id(void **state)
{
	struct caller caller;
	const char *first, *second;

	caller_open(&caller, &worker, 0, false);
	caller_say(&caller, CALLER_HEADER);
	first = id_of(caller_hear(&caller));
	caller_say(&caller, caller_first(&caller, "juliet"));
	caller_say(&caller, caller_final(&caller));
	caller_hear(&caller);
	caller_say(&caller, CALLER_HEADER);
	second = id_of(caller_hear(&caller));
	assert_string_not_equal(first, second);
	assert_true(strlen(first) >= 16);
	caller_close(&caller);
}

static void
the_host_cannot_change_on_the_way(void **state)
{
	static const char two_hosts[] =
	    "hosts = ( { name = \"localhost\"; require_tls = false; }, "
	    "{ name = \"example.org\"; require_tls = false; } );";
	struct caller caller;

	worker_reload(&worker, two_hosts);
	caller_open(&caller, &worker, 0, false);
	caller_greet(&caller);
	caller_say(&caller, caller_first(&caller, "juliet"));
	caller_say(&caller, caller_final(&caller));
	caller_hear(&caller);
	caller_say(&caller, STREAM(" xmlns='jabber:client' to='example.org' version='1.0'"));
	assert_non_null(strstr(caller_hear(&caller), "<stream:error><not-authorized "));
	caller_close(&caller);
}

static void
an_error_in_a_later_header_speaks_with_the_hosts_name(void **state)
{
	struct caller caller;
	const char *heard;

	caller_open(&caller, &worker, 0, false);
	caller_greet(&caller);
	caller_say(&caller, caller_first(&caller, "juliet"));
	caller_say(&caller, caller_final(&caller));
	caller_hear(&caller);
	caller_say(&caller, "<<");
	heard = caller_hear(&caller);
	assert_non_null(strstr(heard, "<stream:stream "));
	assert_non_null(strstr(heard, "<not-well-formed "));
	caller_close(&caller);
}

/* The slot shows others whether a header came. */
static void
the_slot_shows_that_the_stream_is_open(void **state)
{
	struct caller caller;

	caller_open(&caller, &worker, 0, false);
	assert_true(caller_session(&caller)->slot->flags & SLOT_NOTOPEN);
	caller_greet(&caller);
	assert_false(caller_session(&caller)->slot->flags & SLOT_NOTOPEN);
	assert_string_equal(caller_session(&caller)->slot->stream_id,
	    caller_session(&caller)->id);
	caller_close(&caller);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(wrong_headers_get_a_header_and_an_error,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(good_headers_are_greeted, setup, teardown),
		cmocka_unit_test_setup_teardown(each_header_has_its_own_id, setup, teardown),
		cmocka_unit_test_setup_teardown(the_host_cannot_change_on_the_way, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    an_error_in_a_later_header_speaks_with_the_hosts_name, setup, teardown),
		cmocka_unit_test_setup_teardown(the_slot_shows_that_the_stream_is_open, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
