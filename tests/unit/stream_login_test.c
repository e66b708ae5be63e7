/* stream_login_test.c -- SASL, the restart behind it, and the binding of a resource. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/worker_caller.h"

#define BIND(inner) \
	"<iq type='set' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" inner \
	"</bind></iq>"

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

/* What stands behind </response> in its packet belongs to the new stream. */
static void
a_header_in_the_packet_of_the_response_is_read(void **state)
{
	struct caller caller;
	char packet[4096];
	const char *heard;

	caller_open(&caller, &worker, 0, false);
	caller_greet(&caller);
	caller_say(&caller, caller_first(&caller, "juliet"));
	snprintf(packet, sizeof(packet), "%s%s%s", caller_final(&caller), CALLER_HEADER,
	    BIND("<resource>balcony</resource>") "<presence/>");
	caller_say(&caller, packet);
	heard = caller_hear(&caller);
	assert_int_equal(strncmp(heard, "<success ", 9), 0);
	assert_non_null(strstr(heard, "</success><?xml version='1.0'?><stream:stream "));
	assert_non_null(strstr(heard, "<jid>juliet@localhost/balcony</jid>"));
	assert_non_null(strstr(heard, "<presence from='juliet@localhost/balcony'"));
	caller_close(&caller);
}

static void
the_same_comes_byte_by_byte(void **state)
{
	struct caller caller;
	char packet[4096];

	caller_open(&caller, &worker, 0, false);
	caller_greet(&caller);
	caller_say(&caller, caller_first(&caller, "juliet"));
	snprintf(packet, sizeof(packet), "%s%s%s", caller_final(&caller), CALLER_HEADER,
	    BIND("<resource>balcony</resource>"));
	for (const char *at = packet; *at != 0; at++) {
		caller_say_bytes(&caller, slice_of(at, 1));
	}
	assert_non_null(strstr(caller_hear(&caller), "<jid>juliet@localhost/balcony</jid>"));
	caller_close(&caller);
}

static void
the_slot_follows_the_login(void **state)
{
	struct caller caller;
	struct slot *slot;

	caller_open(&caller, &worker, 0, false);
	slot = caller_session(&caller)->slot;
	assert_int_equal(slot->type, SLOT_C2S_UNAUTHED);
	caller_login(&caller, "juliet");
	assert_int_equal(slot->type, SLOT_C2S_UNBOUND);
	assert_int_not_equal(slot->account, 0);
	assert_string_equal(slot->mechanism, "SCRAM-SHA-1");
	caller_bind(&caller, "balcony");
	assert_int_equal(slot->type, SLOT_C2S);
	assert_int_not_equal(slot->bound_us, 0);
	assert_int_equal(worker_counter(&worker, COUNTER_LOGINS), 1);
	assert_int_equal(worker_counter(&worker, COUNTER_BINDS), 1);
	caller_close(&caller);
	assert_int_equal(slot->type, SLOT_FREE);
}

static void
a_wrong_password_may_be_tried_again(void **state)
{
	struct caller caller;

	caller_open(&caller, &worker, 0, false);
	caller_greet(&caller);
	caller.lies = true;
	caller_say(&caller, caller_first(&caller, "juliet"));
	caller_say(&caller, caller_final(&caller));
	caller.lies = false;
	assert_non_null(strstr(caller_hear(&caller), "<not-authorized/></failure>"));
	assert_int_equal(worker_counter(&worker, COUNTER_LOGIN_FAILURES), 1);
	assert_true(worker_logged(&worker, "user=juliet"));
	caller_say(&caller, caller_first(&caller, "juliet"));
	caller_say(&caller, caller_final(&caller));
	assert_non_null(strstr(caller_hear(&caller), "<success "));
	caller_close(&caller);
}

/* An account that is not there is told from one that is by nothing but the end. */
static void
an_unknown_name_is_challenged_like_any(void **state)
{
	struct caller caller;

	caller_open(&caller, &worker, 0, false);
	caller_greet(&caller);
	caller_say(&caller, caller_first(&caller, "nobody"));
	caller_say(&caller, caller_final(&caller));
	assert_non_null(strstr(caller_hear(&caller), "<not-authorized/></failure>"));
	caller_close(&caller);
}

static void
what_is_no_base64_is_told_so(void **state)
{
	struct caller caller;

	caller_open(&caller, &worker, 0, false);
	caller_greet(&caller);
	caller_say(&caller, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' "
			    "mechanism='SCRAM-SHA-1'>!</auth>");
	assert_non_null(strstr(caller_hear(&caller), "<incorrect-encoding/></failure>"));
	caller_close(&caller);
}

/* --- binding (RFC 6120 7) --- */

static const char *
bind_with(struct caller *caller, const char *iq)
{
	caller_open(caller, &worker, 0, false);
	caller_login(caller, "juliet");
	caller_say(caller, iq);
	return caller_hear(caller);
}

static void
a_resource_is_bound_as_asked_or_made(void **state)
{
	struct caller asked, made, empty, forbidden;

	assert_string_equal(bind_with(&asked, BIND("<resource>balcony</resource>")),
	    "<iq type='result' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
	    "<jid>juliet@localhost/balcony</jid></bind></iq>");
	assert_non_null(strstr(bind_with(&made, BIND("")), "<jid>juliet@localhost/"));
	assert_non_null(strstr(bind_with(&empty, BIND("<resource/>")),
	    "<jid>juliet@localhost/"));
	assert_true(caller_session(&empty)->jid.resource.length > 0);
	assert_non_null(strstr(bind_with(&forbidden, BIND("<resource>&#x7f;</resource>")),
	    "<jid>juliet@localhost/"));
	assert_false(slice_is(caller_session(&forbidden)->jid.resource, "\x7f"));
	caller_close(&asked);
	caller_close(&made);
	caller_close(&empty);
	caller_close(&forbidden);
}

static void
what_is_no_binding_is_refused_and_may_be_followed_by_one(void **state)
{
	static const char *const wrong[] = {
		"<iq type='get' id='w'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
		"<iq type='set' id='w'><query xmlns='jabber:iq:roster'/></iq>",
		"<iq type='set' id='w'/>",
	};
	struct caller caller;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *heard = bind_with(&caller, wrong[i]);

		assert_non_null(strstr(heard, "<iq id='w' type='error'"));
		assert_non_null(strstr(heard, "<not-authorized "));
		caller_bind(&caller, "balcony");
		caller_close(&caller);
	}
	assert_string_equal(bind_with(&caller, "<iq type='result' id='w'/>"), "");
	caller_close(&caller);
}

static void
with_kick_new_the_second_gets_conflict(void **state)
{
	struct caller first, second;
	const char *heard;

	worker_reload(&worker, "hosts = ( { name = \"localhost\"; require_tls = false; "
			       "conflict = \"kick_new\"; } );");
	caller_enter(&first, &worker, "juliet", "balcony");
	heard = bind_with(&second, BIND("<resource>balcony</resource>"));
	assert_non_null(strstr(heard, "<iq id='b1' type='error'"));
	assert_non_null(strstr(heard, "<conflict "));
	assert_string_equal(caller_hear(&first), "");
	caller_bind(&second, "chamber");
	caller_close(&first);
	caller_close(&second);
}

static void
the_account_has_only_so_many_sessions(void **state)
{
	struct caller caller[3];

	worker_reload(&worker, "sessions_per_account = 2; "
			       "hosts = ( { name = \"localhost\"; require_tls = false; } );");
	caller_enter(&caller[0], &worker, "juliet", "a");
	caller_enter(&caller[1], &worker, "juliet", "b");
	assert_non_null(strstr(bind_with(&caller[2], BIND("<resource>c</resource>")),
	    "<resource-constraint "));
	caller_close(&caller[0]);
	caller_bind(&caller[2], "c");
	caller_close(&caller[1]);
	caller_close(&caller[2]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_header_in_the_packet_of_the_response_is_read),
		TEST(the_same_comes_byte_by_byte),
		TEST(the_slot_follows_the_login),
		TEST(a_wrong_password_may_be_tried_again),
		TEST(an_unknown_name_is_challenged_like_any),
		TEST(what_is_no_base64_is_told_so),
		TEST(a_resource_is_bound_as_asked_or_made),
		TEST(what_is_no_binding_is_refused_and_may_be_followed_by_one),
		TEST(with_kick_new_the_second_gets_conflict),
		TEST(the_account_has_only_so_many_sessions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
