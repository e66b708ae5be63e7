/* stream_state_test.c -- each state of a stream accepts its own elements and no other. */
#include "stream/stream_private.h"

#include <stdio.h>

#include "tests/unit/unit.h"
#include "tests/unit/worker_caller.h"

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

#define SASL "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"

enum where { LOGIN, SASL_OPEN, BIND, READY, WHERES };

/* What comes back: a text in it. The stream's own errors are "<name " within <stream:error>. */
static const struct {
	const char *element;
	const char *answer[WHERES];
} table[] = {
	{ "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
	    { "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>",
		"<stream:error><not-authorized ", "<stream:error><not-authorized ",
		"<stream:error><unsupported-stanza-type " } },
	{ "<auth " SASL " mechanism='SCRAM-SHA-1'>biwsbj1qdWxpZXQscj1h</auth>",
	    { "<challenge ", "<challenge ", "<stream:error><not-authorized ",
		"<stream:error><unsupported-stanza-type " } },
	{ "<auth " SASL " mechanism='NONE'/>",
	    { "<failure " SASL "><invalid-mechanism/></failure>",
		"<failure " SASL "><invalid-mechanism/></failure>",
		"<stream:error><not-authorized ",
		"<stream:error><unsupported-stanza-type " } },
	{ "<response " SASL ">biws</response>",
	    { "<failure " SASL "><not-authorized/></failure>", "<failure " SASL "><",
		"<stream:error><not-authorized ",
		"<stream:error><unsupported-stanza-type " } },
	{ "<abort " SASL "/>",
	    { "<failure " SASL "><not-authorized/></failure>",
		"<failure " SASL "><aborted/></failure>", "<stream:error><not-authorized ",
		"<stream:error><unsupported-stanza-type " } },
	{ "<success " SASL "/>",
	    { "<stream:error><not-authorized ", "<stream:error><not-authorized ",
		"<stream:error><not-authorized ",
		"<stream:error><unsupported-stanza-type " } },
	{ "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
	    { "<stream:error><not-authorized ", "<stream:error><not-authorized ", "<jid>",
		"<not-allowed " } },
	{ "<iq type='get' id='b'><ping xmlns='urn:xmpp:ping'/></iq>",
	    { "<stream:error><not-authorized ", "<stream:error><not-authorized ",
		"<error type='auth'", "type='result'" } },
	{ "<message to='juliet@localhost'><body>a</body></message>",
	    { "<stream:error><not-authorized ", "<stream:error><not-authorized ",
		"<stream:error><not-authorized ", "<service-unavailable " } },
	{ "<presence/>",
	    { "<stream:error><not-authorized ", "<stream:error><not-authorized ",
		"<stream:error><not-authorized ", "<presence " } },
	{ "<presence xmlns='jabber:server'/>",
	    { "<stream:error><not-authorized ", "<stream:error><not-authorized ",
		"<stream:error><not-authorized ",
		"<stream:error><unsupported-stanza-type " } },
	{ "<foreign xmlns='urn:example'/>",
	    { "<stream:error><not-authorized ", "<stream:error><not-authorized ",
		"<stream:error><not-authorized ",
		"<stream:error><unsupported-stanza-type " } },
};

static void
come_to(struct caller *caller, enum where where)
{
	caller_open(caller, &worker, 0, false);
	switch (where) {
	case LOGIN:
		caller_greet(caller);
		break;
	case SASL_OPEN:
		caller_greet(caller);
		caller_say(caller, caller_first(caller, "juliet"));
		caller_hear(caller);
		break;
	case BIND:
		caller_login(caller, "juliet");
		break;
	default:
		caller_login(caller, "juliet");
		caller_bind(caller, "balcony");
	}
}

static void
each_state_accepts_its_rows_alone(void **state)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (enum where where = LOGIN; where < WHERES; where++) {
			struct caller caller;
			const char *heard;

			come_to(&caller, where);
			caller_say(&caller, table[i].element);
			heard = caller_hear(&caller);
			if (strstr(heard, table[i].answer[where]) == NULL)
				fail_msg("state %d: %s: %s", where, table[i].element, heard);
			if (strstr(table[i].answer[where], "stream:") != NULL)
				assert_true(caller_is_closed(&caller));
			caller_close(&caller);
			assert_int_equal(sessions_count(&worker.server), 0);
		}
}

/* The rows themselves: a row that nobody reaches, or a state that got one by accident. */
static void
states_without_rows_have_none(void **state)
{
	assert_null(client_rows(STATE_HEADER));
	assert_null(client_rows(STATE_PROCEED));
	assert_null(client_rows(STATE_SASL_WORK));
	assert_null(client_rows(STATE_CLOSED));
}

static void
nothing_after_an_error_is_looked_at(void **state)
{
	struct caller caller;
	const char *heard;

	come_to(&caller, READY);
	caller_say(&caller, "<foreign xmlns='urn:example'/><presence/><iq type='get' id='i'>"
			    "<ping xmlns='urn:xmpp:ping'/></iq></stream:stream>");
	heard = caller_hear(&caller);
	assert_string_equal(heard,
	    "<stream:error><unsupported-stanza-type "
	    "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>");
	assert_int_equal(worker_counter(&worker, COUNTER_STREAM_ERRORS), 1);
	caller_close(&caller);
}

static void
an_unknown_attempt_too_many_ends_the_stream(void **state)
{
	struct caller caller;

	come_to(&caller, LOGIN);
	for (int i = 0; i < 11; i++) {	/* twelve of any kind; three with a wrong password */
		caller_say(&caller, "<auth " SASL " mechanism='NONE'/>");
		assert_null(strstr(caller_hear(&caller), "stream:error"));
	}
	caller_say(&caller, "<auth " SASL " mechanism='NONE'/>");
	assert_non_null(strstr(caller_hear(&caller), "<stream:error><policy-violation "));
	assert_true(caller_is_closed(&caller));
	caller_close(&caller);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_state_accepts_its_rows_alone, setup,
		    teardown),
		cmocka_unit_test(states_without_rows_have_none),
		cmocka_unit_test_setup_teardown(nothing_after_an_error_is_looked_at, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(an_unknown_attempt_too_many_ends_the_stream,
		    setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
