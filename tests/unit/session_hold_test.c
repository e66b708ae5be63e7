/* session_hold_test.c -- facts about what waits for a client that is inactive. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "shm/outbox.h"
#include "tests/unit/worker_caller.h"

#define QUEUE 5
#define GRACE 5000

static const char config[] = "hosts = ( { name = \"localhost\"; require_tls = false; } );"
			     "csi_queue = 5; csi_grace = \"5 s\";";

static struct worker worker;
static struct caller romeo, nurse, juliet;

static int
setup(void **state)
{
	struct worker_options options = { .config = config };

	worker_begin(&worker, &options);
	caller_enter(&romeo, &worker, "romeo", "orchard");
	caller_enter(&nurse, &worker, "nurse", "house");
	caller_enter(&juliet, &worker, "juliet", "phone");
	caller_say(&juliet, "<inactive xmlns='urn:xmpp:csi:0'/>");
	return 0;
}

static int
teardown(void **state)
{
	caller_close(&romeo);
	caller_close(&nurse);
	caller_close(&juliet);
	worker_end(&worker);
	return 0;
}

static void
show(struct caller *caller, int number)
{
	char text[200];

	snprintf(text, sizeof(text),
	    "<presence to='juliet@localhost/phone'><status>%d</status></presence>", number);
	caller_say(caller, text);
}

static void
type(struct caller *caller)
{
	caller_say(caller,
	    "<message to='juliet@localhost/phone' type='chat'>"
	    "<composing xmlns='http://jabber.org/protocol/chatstates'/></message>");
}

static void
tell(struct caller *caller)
{
	caller_say(caller, "<message to='juliet@localhost/phone'><body>Hark</body></message>");
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

static void
the_slot_shows_who_is_inactive(void **state)
{
	struct slot *slot = caller_session(&juliet)->slot;

	assert_true((atomic_load(&slot->flags) & SLOT_INACTIVE) != 0);
	caller_say(&juliet, "<inactive xmlns='urn:xmpp:csi:0'/>");
	assert_true((atomic_load(&slot->flags) & SLOT_INACTIVE) != 0);
	caller_say(&juliet, "<active xmlns='urn:xmpp:csi:0'/>");
	assert_false((atomic_load(&slot->flags) & SLOT_INACTIVE) != 0);
	assert_string_equal(caller_hear(&juliet), "");
}

static void
what_can_wait_waits_for_what_cannot(void **state)
{
	const char *heard;

	for (int i = 0; i < 3; i++)
		show(&romeo, i);
	type(&romeo);
	assert_string_equal(caller_hear(&juliet), "");
	tell(&nurse);
	heard = caller_hear(&juliet);
	assert_int_equal(count(heard, "<presence "), 1);
	assert_non_null(strstr(heard, "<status>2</status>"));
	assert_true(strstr(heard, "<status>2") < strstr(heard, "<composing"));
	assert_true(strstr(heard, "<composing") < strstr(heard, "<body>"));
	assert_int_equal(outbox_entries(caller_session(&juliet)->slot), 0);
}

static void
more_than_the_queue_lets_all_go(void **state)
{
	for (int i = 0; i < QUEUE; i++)
		type(&romeo);
	assert_string_equal(caller_hear(&juliet), "");
	type(&romeo);
	assert_int_equal(count(caller_hear(&juliet), "<composing"), QUEUE + 1);
}

static void
for_a_while_afterwards_nothing_waits(void **state)
{
	tell(&romeo);
	caller_hear(&juliet);
	show(&romeo, 1);
	assert_int_equal(count(caller_hear(&juliet), "<status>1<"), 1);
	worker_pass(&worker, GRACE);
	show(&romeo, 2);
	show(&nurse, 3);
	assert_string_equal(caller_hear(&juliet), "");
	tell(&romeo);
	assert_int_equal(count(caller_hear(&juliet), "<presence "), 2);
}

static void
what_the_client_sends_lets_it_go(void **state)
{
	show(&romeo, 1);
	show(&romeo, 2);
	caller_say(&juliet, "<message to='romeo@localhost/orchard'><body>I come</body></message>");
	assert_int_equal(count(caller_hear(&juliet), "<presence "), 1);
}

static void
the_server_asks_for_a_sign_of_life_all_the_same(void **state)
{
	show(&romeo, 1);
	worker_pass(&worker, 5 * 60 * 1000);
	assert_int_equal(count(caller_hear(&juliet), "urn:xmpp:ping"), 1);
}

static void
what_was_sent_before_is_not_touched(void **state)
{
	caller_say(&juliet, "<active xmlns='urn:xmpp:csi:0'/>");
	show(&romeo, 1);
	caller_send(&romeo, "<presence to='juliet@localhost/phone'><status>2</status></presence>");
	caller_say(&juliet, "<inactive xmlns='urn:xmpp:csi:0'/>");
	assert_int_equal(count(caller_hear(&juliet), "<presence "), 2);
	show(&romeo, 3);
	assert_string_equal(caller_hear(&juliet), "");
}

static void
senders_are_told_apart_and_unavailable_replaces_too(void **state)
{
	const char *heard;

	show(&romeo, 1);
	show(&nurse, 1);
	caller_say(&romeo, "<presence to='juliet@localhost/phone' type='unavailable'/>");
	show(&nurse, 2);
	caller_say(&juliet, "<active xmlns='urn:xmpp:csi:0'/>");
	heard = caller_hear(&juliet);
	assert_int_equal(count(heard, "<presence "), 2);
	assert_int_equal(count(heard, "type='unavailable'"), 1);
	assert_int_equal(count(heard, "<status>2</status>"), 1);
	assert_int_equal(outbox_entries(caller_session(&juliet)->slot), 0);
}

/* Requests of subscriptions, errors and the like, between states of the same sender. */
static void
other_presences_replace_nothing(void **state)
{
	const char *heard;

	show(&romeo, 1);
	caller_say(&romeo,
	    "<presence to='juliet@localhost/phone' type='error'><error type='cancel'/></presence>");
	heard = caller_hear(&juliet);
	assert_int_equal(count(heard, "<presence "), 2);
	assert_true(strstr(heard, "<status>1<") < strstr(heard, "type='error'"));
}

static void
the_end_of_the_stream_comes_behind_what_waits(void **state)
{
	const char *heard;

	show(&romeo, 1);
	session_close(caller_session(&juliet), STREAM_SYSTEM_SHUTDOWN, NULL);
	worker_settle(&worker);
	heard = caller_hear(&juliet);
	assert_int_equal(count(heard, "<presence "), 1);
	assert_true(strstr(heard, "<presence ") < strstr(heard, "<system-shutdown "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(the_slot_shows_who_is_inactive),
		TEST(what_can_wait_waits_for_what_cannot),
		TEST(more_than_the_queue_lets_all_go),
		TEST(for_a_while_afterwards_nothing_waits),
		TEST(what_the_client_sends_lets_it_go),
		TEST(the_server_asks_for_a_sign_of_life_all_the_same),
		TEST(what_was_sent_before_is_not_touched),
		TEST(senders_are_told_apart_and_unavailable_replaces_too),
		TEST(other_presences_replace_nothing),
		TEST(the_end_of_the_stream_comes_behind_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
