/* features_presence_test.c -- a resource becomes available, tells its priority, and goes. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "shm/registry.h"
#include "tests/unit/worker_caller.h"

static struct worker worker;
static struct caller juliet, other;

static int
setup(void **state)
{
	worker_begin(&worker, NULL);
	caller_enter(&juliet, &worker, "juliet", "balcony");
	caller_enter(&other, &worker, "juliet", "chamber");
	return 0;
}

static int
teardown(void **state)
{
	caller_close(&juliet);
	caller_close(&other);
	worker_end(&worker);
	return 0;
}

/* The route of the balcony, as every worker sees it. */
static struct route
route(void)
{
	struct txn *txn = registry_read(worker.server.registry);
	struct route found;

	assert_true(registry_find_resource(worker.server.registry, txn,
	    caller_session(&juliet)->account, SLICE("balcony"), &found));
	txn_end(&txn);
	return found;
}

static void
priorities_are_read_and_clamped(void **state)
{
	static const struct {
		const char *text;
		int priority;
	} rows[] = {
		{ "5", 5 }, { "0", 0 }, { "-1", -1 }, { "+7", 7 }, { " 3 \n", 3 }, { "007", 7 },
		{ "127", 127 }, { "128", 127 }, { "999", 127 }, { "2147483648", 127 },
		{ "-128", -128 }, { "-129", -128 }, { "-99999999999", -128 },
		{ "", 0 }, { "high", 0 }, { "1.5", 0 }, { "5x", 0 }, { "- 5", 0 }, { "0x10", 0 },
	};
	char text[200];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "<presence><priority>%s</priority></presence>",
		    rows[i].text);
		caller_say(&juliet, text);
		caller_hear(&juliet);
		if (route().priority != rows[i].priority)
			fail_msg("'%s': %d", rows[i].text, route().priority);
		assert_int_equal(caller_session(&juliet)->slot->priority, rows[i].priority);
		assert_true(route().flags & SLOT_AVAILABLE);
	}
	caller_say(&juliet, "<presence><priority>9</priority></presence>");
	caller_say(&juliet, "<presence/>");
	assert_int_equal(route().priority, 0);
}

static void
the_accounts_available_resources_see_it_come_change_and_go(void **state)
{
	caller_say(&juliet, "<presence/>");
	assert_string_equal(caller_hear(&other), "");
	caller_say(&other, "<presence/>");
	caller_hear(&other);
	assert_non_null(strstr(caller_hear(&juliet), " from='juliet@localhost/chamber'"));
	caller_say(&juliet, "<presence><show>away</show></presence>");
	assert_string_equal(caller_hear(&other),
	    "<presence from='juliet@localhost/balcony' to='juliet@localhost'>"
	    "<show>away</show></presence>");
	caller_say(&juliet, "<presence type='unavailable'><status>night</status></presence>");
	assert_string_equal(caller_hear(&other),
	    "<presence type='unavailable' from='juliet@localhost/balcony' "
	    "to='juliet@localhost'>"
	    "<status>night</status></presence>");
	assert_false(route().flags & SLOT_AVAILABLE);
	assert_int_equal(route().priority, 0);
	caller_say(&juliet, "<presence type='unavailable'/>");
	assert_string_equal(caller_hear(&other), "");
}

static void
however_a_session_ends_it_is_seen_to_go(void **state)
{
	static const char gone[] =
	    "<presence type='unavailable' from='juliet@localhost/balcony' "
	    "to='juliet@localhost'/>";

	caller_appear(&other, 0);
	caller_appear(&juliet, 0);
	caller_hear(&other);
	caller_close(&juliet);
	assert_string_equal(caller_hear(&other), gone);

	caller_enter(&juliet, &worker, "juliet", "balcony");
	caller_appear(&juliet, 0);
	caller_hear(&other);
	caller_say(&juliet, "</stream:stream>");
	assert_string_equal(caller_hear(&other), gone);
	caller_close(&juliet);

	caller_enter(&juliet, &worker, "juliet", "balcony");
	caller_appear(&juliet, 0);
	caller_hear(&other);
	caller_say(&juliet, "<wrong/>");
	caller_close(&juliet);
	assert_string_equal(caller_hear(&other),	/* R31 */
	    "<presence type='unavailable' from='juliet@localhost/balcony' to='juliet@localhost'>"
	    "<status>Disconnected: unsupported-stanza-type</status></presence>");

	caller_enter(&juliet, &worker, "juliet", "balcony");
	caller_close(&juliet);
	assert_string_equal(caller_hear(&other), "");
	caller_enter(&juliet, &worker, "juliet", "balcony");
}

/* Whoever takes the resource over is another session: the old one's end must not speak for the new one. */
static void
a_displaced_session_does_not_end_its_successors_presence(void **state)
{
	struct caller newer;

	caller_appear(&other, 0);
	caller_appear(&juliet, 0);
	caller_enter(&newer, &worker, "juliet", "balcony");
	caller_appear(&newer, 3);
	caller_hear(&other);
	caller_say(&juliet, "</stream:stream>");
	caller_close(&juliet);
	assert_null(strstr(caller_hear(&other), "unavailable"));
	assert_null(strstr(caller_hear(&newer), "unavailable"));
	caller_say(&other, "<message to='juliet@localhost/balcony'/>");
	assert_non_null(strstr(caller_hear(&newer), "<message "));
	juliet = newer;
	assert_int_equal(route().priority, 3);
	assert_true(route().flags & SLOT_AVAILABLE);
}

static void
a_presence_over_eight_kib_is_refused(void **state)
{
	char status[8201];

	memset(status, 'x', sizeof(status) - 1);
	status[sizeof(status) - 1] = 0;
	caller_send(&juliet, "<presence><status>");
	caller_send(&juliet, status);
	caller_say(&juliet, "</status></presence>");
	assert_non_null(strstr(caller_hear(&juliet), "<policy-violation "));
	assert_false(route().flags & SLOT_AVAILABLE);
	assert_non_null(caller_session(&juliet));
}

static void
a_probe_or_error_without_to_is_dropped_and_a_subscription_refused(void **state)
{
	static const char *const wrong[] = { "subscribe", "subscribed", "unsubscribe",
		"unsubscribed" };
	char text[100];

	caller_say(&juliet, "<presence type='probe'/><presence type='error'><error/></presence>");
	assert_string_equal(caller_hear(&juliet), "");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), "<presence type='%s'/>", wrong[i]);
		caller_say(&juliet, text);
		assert_non_null(strstr(caller_hear(&juliet), "<bad-request "));
	}
}

static void
directed_presence_makes_nobody_available(void **state)
{
	caller_say(&juliet, "<presence to='juliet@localhost/chamber'/>");
	assert_non_null(strstr(caller_hear(&other), "<presence "));
	assert_false(route().flags & SLOT_AVAILABLE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(priorities_are_read_and_clamped),
		TEST(the_accounts_available_resources_see_it_come_change_and_go),
		TEST(however_a_session_ends_it_is_seen_to_go),
		TEST(a_displaced_session_does_not_end_its_successors_presence),
		TEST(a_presence_over_eight_kib_is_refused),
		TEST(a_probe_or_error_without_to_is_dropped_and_a_subscription_refused),
		TEST(directed_presence_makes_nobody_available),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
