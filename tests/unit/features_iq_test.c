/* features_iq_test.c -- the features that answer questions, and the tables they speak from. */
#include "features/feature.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/unit/unit.h"
#include "tests/unit/worker_caller.h"

static struct worker worker;
static struct caller juliet;

static int
setup(void **state)
{
	worker_begin(&worker, NULL);
	caller_enter(&juliet, &worker, "juliet", "balcony");
	return 0;
}

static int
teardown(void **state)
{
	caller_close(&juliet);
	worker_end(&worker);
	return 0;
}

static const char *
ask(const char *to, const char *payload)
{
	char text[600];

	snprintf(text, sizeof(text), "<iq id='1' type='get'%s%s%s>%s</iq>",
	    to == NULL ? "" : " to='", to == NULL ? "" : to, to == NULL ? "" : "'", payload);
	caller_say(&juliet, text);
	return caller_hear(&juliet);
}

static int
count(const char *text, const char *word)
{
	int found = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		found++;
	return found;
}

/* --- XEP-0030: exactly what the features say of themselves --- */

static int
assert_lists(const char *heard, const char *const *vars)
{
	char feature[300];
	int listed = 0;

	for (; vars != NULL && vars[listed] != NULL; listed++) {
		snprintf(feature, sizeof(feature), "<feature var='%s'/>", vars[listed]);
		if (count(heard, feature) != 1)
			fail_msg("%s: %s", feature, heard);
	}
	return listed;
}

static void
disco_lists_exactly_the_features_tables(void **state)
{
	const struct feature *const *feature;
	int listed = 0;
	const char *heard;

	heard = ask("localhost", "<query xmlns='http://jabber.org/protocol/disco#info'/>");
	for (feature = features_all(); *feature != NULL; feature++)
		listed += assert_lists(heard, (*feature)->host_vars);
	assert_true(listed > 0);
	assert_int_equal(count(heard, "<feature "), listed);
	assert_int_equal(count(heard, "<identity category='server' type='im'"), 1);

	listed = 0;
	heard = ask("juliet@localhost",
	    "<query xmlns='http://jabber.org/protocol/disco#info'/>");
	for (feature = features_all(); *feature != NULL; feature++)
		listed += assert_lists(heard, (*feature)->account_vars);
	assert_int_equal(count(heard, "<feature "), listed);
	assert_int_equal(count(heard, "<identity category='account' type='registered'/>"), 1);
}

/* What is announced is answered, and what is answered has a name, a document and a sentence. */
static void
each_feature_says_what_it_is(void **state)
{
	for (const struct feature *const *feature = features_all(); *feature != NULL;
	     feature++) {
		assert_non_null((*feature)->name);
		assert_non_null((*feature)->spec);
		assert_int_equal((*feature)->about[strlen((*feature)->about) - 1], '.');
		for (const struct iq_row *row = (*feature)->iqs;
		     row != NULL && row->name != NULL; row++) {
			assert_non_null(row->handle);
			assert_int_not_equal(row->types, 0);
			assert_int_not_equal(row->scopes, 0);
		}
	}
}

static void
disco_has_no_nodes_and_no_items(void **state)
{
	assert_non_null(strstr(ask("localhost",
	    "<query xmlns='http://jabber.org/protocol/disco#info' node='a'/>"),
	    "<item-not-found "));
	assert_non_null(strstr(ask("localhost",
	    "<query xmlns='http://jabber.org/protocol/disco#items' node='a'/>"),
	    "<item-not-found "));
	assert_non_null(strstr(ask("localhost",
	    "<query xmlns='http://jabber.org/protocol/disco#items'/>"),
	    "<query xmlns='http://jabber.org/protocol/disco#items'/></iq>"));
}

/* XEP-0030 8: nor whether the account exists. */
static void
another_account_tells_nothing(void **state)
{
	static const char info[] = "<query xmlns='http://jabber.org/protocol/disco#info'/>";

	assert_non_null(strstr(ask("romeo@localhost", info), "<service-unavailable "));
	assert_non_null(strstr(ask("rosaline@localhost", info), "<service-unavailable "));
}

/* --- the small ones --- */

static void
pings_are_answered_everywhere(void **state)
{
	static const char ping[] = "<ping xmlns='urn:xmpp:ping'/>";

	assert_non_null(strstr(ask("localhost", ping), "type='result'"));
	assert_non_null(strstr(ask("juliet@localhost", ping), "type='result'"));
	assert_non_null(strstr(ask("romeo@localhost", ping), "type='result'"));
	assert_non_null(strstr(ask(NULL, ping), "type='result'"));
	assert_non_null(strstr(ask("rosaline@localhost", ping), "<service-unavailable "));
}

static void
the_version_may_be_hidden(void **state)
{
	static const char query[] = "<query xmlns='jabber:iq:version'/>";
	const char *heard = ask("localhost", query);

	assert_non_null(strstr(heard, "<name>Rookery</name>"));
	assert_non_null(strstr(heard, "<version>" PACKAGE_VERSION "</version><os>"));
	worker_reload(&worker, "show_version = false; "
			       "hosts = ( { name = \"localhost\"; require_tls = false; } );");
	heard = ask("localhost", query);
	assert_null(strstr(heard, PACKAGE_VERSION));
	assert_null(strstr(heard, "<os>"));
}

/* XEP-0082: the stamp in UTC, the distance with a sign. */
static void
the_time_is_told_with_its_distance_from_utc(void **state)
{
	static const struct {
		const char *zone;
		const char *expected;
	} rows[] = {
		{ "UTC0", "<tzo>+00:00</tzo>" },
		{ "IST-5:30", "<tzo>+05:30</tzo>" },
		{ "NST3:30", "<tzo>-03:30</tzo>" },
	};
	const char *heard, *stamp;
	int year, month, day;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setenv("TZ", rows[i].zone, 1);
		tzset();
		heard = ask("localhost", "<time xmlns='urn:xmpp:time'/>");
		assert_non_null(strstr(heard, rows[i].expected));
		assert_non_null(stamp = strstr(heard, "<utc>"));
		assert_int_equal(sscanf(stamp, "<utc>%4d-%2d-%2dT", &year, &month, &day), 3);
		assert_non_null(strstr(stamp, "Z</utc>"));
	}
	unsetenv("TZ");
	tzset();
}

static void
old_clients_get_their_session_and_no_second_binding(void **state)
{
	caller_say(&juliet, "<iq id='1' type='set'>"
			    "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>");
	assert_non_null(strstr(caller_hear(&juliet), "type='result'"));
	caller_say(&juliet, "<iq id='2' type='set'>"
			    "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
	assert_non_null(strstr(caller_hear(&juliet), "<not-allowed "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(disco_lists_exactly_the_features_tables),
		cmocka_unit_test(each_feature_says_what_it_is),
		TEST(disco_has_no_nodes_and_no_items),
		TEST(another_account_tells_nothing),
		TEST(pings_are_answered_everywhere),
		TEST(the_version_may_be_hidden),
		TEST(the_time_is_told_with_its_distance_from_utc),
		TEST(old_clients_get_their_session_and_no_second_binding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
