/* routing_account_test.c -- who gets a stanza for an account: each row of RFC 6121 8.5. */
#include "tests/unit/unit.h"

#include <stdio.h>

#include "tests/unit/worker_caller.h"

enum { ABSENT = 1000, SILENT = 1001 };	/* not online; bound, without presence */
enum { A = 1, B = 2 };			/* Juliet's resources, as a mask */
enum { NORMAL, CHAT, GROUPCHAT, HEADLINE, ERROR, TYPES };

#define REFUSED 4	/* the sender gets service-unavailable */

static const char *const types[] = { "", " type='chat'", " type='groupchat'",
	" type='headline'", " type='error'" };

static struct worker worker;
static struct caller romeo, juliet[2];

static int
setup(void **state)
{
	worker_begin(&worker, NULL);
	caller_enter(&romeo, &worker, "romeo", "orchard");
	return 0;
}

static int
teardown(void **state)
{
	caller_close(&romeo);
	worker_end(&worker);
	return 0;
}

static void
bring(const int *priorities)
{
	static const char *const resources[] = { "a", "b" };

	for (int i = 0; i < 2; i++) {
		if (priorities[i] == ABSENT)
			continue;
		caller_enter(&juliet[i], &worker, "juliet", resources[i]);
		if (priorities[i] != SILENT)
			caller_appear(&juliet[i], priorities[i]);
	}
	for (int i = 0; i < 2; i++)
		if (priorities[i] != ABSENT)
			caller_hear(&juliet[i]);
}

static void
send_home(const int *priorities)
{
	for (int i = 0; i < 2; i++)
		if (priorities[i] != ABSENT)
			caller_close(&juliet[i]);
}

/* Who got it, and whether the sender was refused: what the rows are made of. */
static int
outcome(const int *priorities, const char *stanza)
{
	int found = 0;
	const char *heard;

	caller_say(&romeo, stanza);
	for (int i = 0; i < 2; i++)
		if (priorities[i] != ABSENT && caller_hear(&juliet[i])[0] != 0)
			found |= 1 << i;
	heard = caller_hear(&romeo);
	if (heard[0] != 0) {
		assert_non_null(strstr(heard, "type='error'"));
		assert_non_null(strstr(heard, "<service-unavailable "));
		found |= REFUSED;
	}
	return found;
}

#define TO_A	" to='juliet@localhost/a'"
#define TO_BARE " to='juliet@localhost'"
#define QUERY	"<query xmlns='urn:example'/>"

static void
messages_to_the_account(void **state)
{
	static const struct {
		int priorities[2];
		int expected[TYPES];
	} rows[] = {
		/* a, b			  normal   chat     groupchat headline error */
		{ { ABSENT, ABSENT },	{ REFUSED, REFUSED, REFUSED, 0, 0 } },
		{ { SILENT, ABSENT },	{ REFUSED, REFUSED, REFUSED, 0, 0 } },
		{ { -1, ABSENT },	{ REFUSED, REFUSED, REFUSED, 0, 0 } },
		{ { -5, SILENT },	{ REFUSED, REFUSED, REFUSED, 0, 0 } },
		{ { 0, ABSENT },	{ A, A, REFUSED, A, 0 } },
		{ { 0, SILENT },	{ A, A, REFUSED, A, 0 } },
		{ { 5, 5 },		{ A | B, A | B, REFUSED, A | B, 0 } },
		{ { 0, 0 },		{ A | B, A | B, REFUSED, A | B, 0 } },
		{ { 5, 1 },		{ A, A, REFUSED, A | B, 0 } },
		{ { 1, 5 },		{ B, B, REFUSED, A | B, 0 } },
		{ { 1, -1 },		{ A, A, REFUSED, A, 0 } },
		{ { -1, 0 },		{ B, B, REFUSED, B, 0 } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bring(rows[i].priorities);
		for (int type = 0; type < TYPES; type++) {
			char text[200];
			int got;

			snprintf(text, sizeof(text),
			    "<message" TO_BARE "%s id='1'>" QUERY "</message>", types[type]);
			got = outcome(rows[i].priorities, text);
			if (got != rows[i].expected[type])
				fail_msg("row %zu%s: %d", i, types[type], got);
		}
		send_home(rows[i].priorities);
	}
}

/* RFC 6121 8.5.3: whoever is connected with that resource, else as the type says. */
static void
messages_to_a_resource(void **state)
{
	static const struct {
		int priorities[2];
		int expected[TYPES];
	} rows[] = {
		{ { 0, 5 },		{ A, A, A, A, A } },
		{ { -1, 5 },		{ A, A, A, A, A } },
		{ { SILENT, 5 },	{ A, A, A, A, A } },
		{ { ABSENT, 5 },	{ B, B, REFUSED, 0, 0 } },
		{ { ABSENT, -1 },	{ REFUSED, REFUSED, REFUSED, 0, 0 } },
		{ { ABSENT, ABSENT },	{ REFUSED, REFUSED, REFUSED, 0, 0 } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bring(rows[i].priorities);
		for (int type = 0; type < TYPES; type++) {
			char text[200];
			int got;

			snprintf(text, sizeof(text),
			    "<message" TO_A "%s id='1'>" QUERY "</message>", types[type]);
			got = outcome(rows[i].priorities, text);
			if (got != rows[i].expected[type])
				fail_msg("row %zu%s: %d", i, types[type], got);
		}
		send_home(rows[i].priorities);
	}
}

static void
presence_and_iqs(void **state)
{
	static const struct {
		int priorities[2];
		const char *stanza;
		int expected;
	} rows[] = {
		{ { 0, -1 }, "<presence" TO_BARE "/>", A | B },
		{ { 0, SILENT }, "<presence" TO_BARE "/>", A },
		{ { 0, -1 }, "<presence" TO_BARE " type='unavailable'/>", A | B },
		{ { ABSENT, ABSENT }, "<presence" TO_BARE "/>", 0 },
		{ { 0, 0 }, "<presence" TO_BARE " type='error'>" QUERY "</presence>", 0 },
		{ { 0, 0 }, "<presence" TO_A "/>", A },
		{ { SILENT, 0 }, "<presence" TO_A "/>", A },
		{ { ABSENT, 0 }, "<presence" TO_A "/>", 0 },
		{ { 0, 0 }, "<iq id='1' type='get'" TO_A ">" QUERY "</iq>", A },
		{ { SILENT, 0 }, "<iq id='1' type='set'" TO_A ">" QUERY "</iq>", A },
		{ { 0, 0 }, "<iq id='1' type='result'" TO_A "/>", A },
		{ { 0, 0 }, "<iq id='1' type='error'" TO_A ">" QUERY "</iq>", A },
		{ { ABSENT, 0 }, "<iq id='1' type='get'" TO_A ">" QUERY "</iq>", REFUSED },
		{ { ABSENT, 0 }, "<iq id='1' type='result'" TO_A "/>", 0 },
		{ { ABSENT, 0 }, "<iq id='1' type='error'" TO_A ">" QUERY "</iq>", 0 },
		{ { 0, 0 }, "<iq id='1' type='get'" TO_BARE ">" QUERY "</iq>", REFUSED },
		{ { 0, 0 }, "<iq id='1' type='result'" TO_BARE "/>", 0 },
		{ { 0, 0 }, "<iq id='1' type='error'" TO_BARE ">" QUERY "</iq>", 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int got;

		bring(rows[i].priorities);
		got = outcome(rows[i].priorities, rows[i].stanza);
		if (got != rows[i].expected)
			fail_msg("%s: %d", rows[i].stanza, got);
		send_home(rows[i].priorities);
	}
}

/* RFC 6121 8.5.1: the same as for one that is not there. */
static void
an_account_that_does_not_exist(void **state)
{
	static const int nobody[] = { ABSENT, ABSENT };
	static const struct {
		const char *stanza;
		int expected;
	} rows[] = {
		{ "<message to='rosaline@localhost'/>", REFUSED },
		{ "<message to='rosaline@localhost/a' type='chat'/>", REFUSED },
		{ "<message to='rosaline@localhost' type='error'>" QUERY "</message>", 0 },
		{ "<message to='rosaline@localhost' type='headline'/>", 0 },
		{ "<presence to='rosaline@localhost'/>", 0 },
		{ "<iq id='1' type='get' to='rosaline@localhost'>" QUERY "</iq>", REFUSED },
		{ "<iq id='1' type='get' to='rosaline@localhost/a'>" QUERY "</iq>", REFUSED },
		{ "<iq id='1' type='result' to='rosaline@localhost'/>", 0 },
		/* The last: the sender's next stanza would wait for the store. */
		{ "<presence to='rosaline@localhost' type='subscribe'/>", 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int got = outcome(nobody, rows[i].stanza);

		if (got != rows[i].expected)
			fail_msg("%s: %d", rows[i].stanza, got);
	}
}

static void
a_resource_that_became_unavailable_gets_nothing_for_the_account(void **state)
{
	static const int one[] = { 5, ABSENT };

	bring(one);
	caller_say(&juliet[0], "<presence type='unavailable'/>");
	caller_hear(&juliet[0]);
	assert_int_equal(outcome(one, "<message to='juliet@localhost'/>"), REFUSED);
	assert_int_equal(outcome(one, "<message to='juliet@localhost/a'/>"), A);
	caller_appear(&juliet[0], 0);
	assert_int_equal(outcome(one, "<message to='juliet@localhost'/>"), A);
	send_home(one);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(messages_to_the_account),
		TEST(messages_to_a_resource),
		TEST(presence_and_iqs),
		TEST(an_account_that_does_not_exist),
		TEST(a_resource_that_became_unavailable_gets_nothing_for_the_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
