/* routing_router_test.c -- what a client may send, what comes back, and what happens where there is no room. */
#include "routing/router.h"

#include <stdio.h>

#include "base/result.h"
#include "routing/pending.h"
#include "shm/blocks.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_caller.h"

#define QUERY "<query xmlns='urn:example'/>"
#define PING  "<ping xmlns='urn:xmpp:ping'/>"

static struct worker worker;
static struct caller romeo, juliet;

static void
begin(const struct worker_options *options)
{
	worker_begin(&worker, options);
	caller_enter(&romeo, &worker, "romeo", "orchard");
	caller_open(&juliet, &worker, 4096, false);
	caller_login(&juliet, "juliet");
	caller_bind(&juliet, "balcony");
	caller_appear(&juliet, 0);
}

static int
setup(void **state)
{
	begin(NULL);
	return 0;
}

static int
teardown(void **state)
{
	caller_close(&romeo);
	caller_close(&juliet);
	worker_end(&worker);
	return 0;
}

static const char *
answer(const char *stanza)
{
	caller_say(&romeo, stanza);
	return caller_hear(&romeo);
}

/* --- what may be sent --- */

static void
wrong_stanzas_get_their_error(void **state)
{
	static const struct {
		const char *stanza;
		const char *condition;
	} rows[] = {
		{ "<message to='@localhost'/>", "jid-malformed" },
		{ "<message to=''/>", "jid-malformed" },
		{ "<presence to='a b@localhost'/>", "jid-malformed" },
		{ "<iq id='1' type='get' to='localhost/'>" PING "</iq>", "jid-malformed" },
		{ "<iq type='get'>" PING "</iq>", "bad-request" },
		{ "<iq id='1'>" PING "</iq>", "bad-request" },
		{ "<iq id='1' type='put'>" PING "</iq>", "bad-request" },
		{ "<iq id='1' type='get'/>", "bad-request" },
		{ "<iq id='1' type='set'>" PING PING "</iq>", "bad-request" },
		{ "<presence type='here'/>", "bad-request" },
		{ "<iq id='1' type='get'>" QUERY "</iq>", "service-unavailable" },
		{ "<iq id='1' type='set'>" PING "</iq>", "service-unavailable" },
		{ "<iq id='1' type='get' to='localhost'>" QUERY "</iq>", "service-unavailable" },
		{ "<iq id='1' type='get' to='localhost/a'>" PING "</iq>", "service-unavailable" },
		{ "<message to='localhost'/>", "service-unavailable" },
		{ "<message to='a@example.org'/>", "remote-server-not-found" },
		{ "<iq id='1' type='get' to='example.org'>" PING "</iq>",
		    "remote-server-not-found" },
		{ "<presence to='a@example.org' type='subscribe'/>", "remote-server-not-found" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char condition[100];
		const char *heard = answer(rows[i].stanza);

		snprintf(condition, sizeof(condition), "<%s ", rows[i].condition);
		if (strstr(heard, "type='error'") == NULL || strstr(heard, condition) == NULL)
			fail_msg("%s: %s", rows[i].stanza, heard);
		assert_non_null(strstr(heard, " to='romeo@localhost/orchard'"));
	}
	assert_int_equal(worker_counter(&worker, COUNTER_STANZA_ERRORS),
	    sizeof(rows) / sizeof(rows[0]));
	assert_int_equal(worker_counter(&worker, COUNTER_STREAM_ERRORS), 0);
}

/* RFC 6120 8.3.1: an answer to an answer would go round for ever. */
static void
errors_and_results_are_never_answered(void **state)
{
	static const char *const rows[] = {
		"<message type='error' to='@'><error/></message>",
		"<message type='error' to='localhost'><error/></message>",
		"<message type='error' to='rosaline@localhost'><error/></message>",
		"<message type='error' to='a@example.org'><error/></message>",
		"<presence type='error' to='@'><error/></presence>",
		"<presence type='error' to='a@example.org'><error/></presence>",
		"<iq id='1' type='error' to='@'><error/></iq>",
		"<iq id='1' type='error' to='localhost'><error/></iq>",
		"<iq id='1' type='result' to='@'/>",
		"<iq id='1' type='result' to='localhost'/>",
		"<iq id='1' type='result' to='a@example.org'/>",
		"<iq type='result'/>",
		"<iq type='error'/>",
		"<presence to='localhost'/>",
		"<presence to='a@example.org'/>",
		"<presence type='probe'/>",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *heard = answer(rows[i]);

		if (heard[0] != 0)
			fail_msg("%s: %s", rows[i], heard);
	}
}

static void
the_answer_carries_id_and_addresses(void **state)
{
	assert_string_equal(answer("<iq id='&lt;1>' type='get' to='localhost'>" QUERY "</iq>"),
	    "<iq from='localhost' to='romeo@localhost/orchard' id='&lt;1&gt;' type='error'>"
	    "<error type='cancel'><service-unavailable "
	    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
	assert_string_equal(answer("<iq id='1' type='get' to='LOCALHOST'>" PING "</iq>"),
	    "<iq type='result' id='1' to='romeo@localhost/orchard' from='localhost'/>");
	assert_string_equal(answer("<iq id='1' type='get'>" PING "</iq>"),
	    "<iq type='result' id='1' to='romeo@localhost/orchard'/>");
}

static void
the_sender_is_who_he_is_whatever_he_says(void **state)
{
	caller_say(&romeo, "<message from='nurse@localhost/house' to='JULIET@Localhost/balcony' "
			   "type='shout'><body>&lt;</body></message>");
	assert_string_equal(caller_hear(&juliet),
	    "<message from='romeo@localhost/orchard' to='juliet@localhost/balcony' "
	    "type='shout'><body>&lt;</body></message>");
}

static void
without_to_it_is_for_the_own_account(void **state)
{
	caller_appear(&romeo, 0);
	assert_non_null(strstr(answer("<message><body>me</body></message>"),
	    "<body>me</body></message>"));
	assert_non_null(strstr(answer("<iq id='1' type='get' to='romeo@localhost'>" PING "</iq>"),
	    "from='romeo@localhost'"));
}

static void
every_stanza_is_counted_as_handled(void **state)
{
	struct slot *slot = caller_session(&romeo)->slot;

	answer("<message to='@'/><message to='juliet@localhost'/><iq id='1' type='result'/>"
	       "<presence type='error'/><message type='error' to='rosaline@localhost'/>");
	assert_int_equal(slot->h_in, 5);
	assert_int_equal(slot->stanzas_in, 5);
	assert_int_equal(worker_counter(&worker, COUNTER_STANZAS_IN), 6);	/* and Juliet's */
}

/* --- no room --- */

static void
say_big(size_t length)
{
	static char body[200000];

	memset(body, 'x', length);
	body[length] = 0;
	caller_send(&romeo, "<message to='juliet@localhost'><body>");
	caller_send(&romeo, body);
	caller_say(&romeo, "</body></message>");
}

static void
where_memory_is_used_up_the_sender_is_told(void **state)
{
	struct worker_options options = { .arena_bytes = 1 << 20 };
	const char *heard = "";
	uint32_t used, committed;
	int count = 0;

	begin(&options);
	for (; count < 20 && heard[0] == 0; count++) {
		say_big(100000);
		heard = caller_hear(&romeo);
	}
	assert_in_range(count, 5, 15);
	assert_non_null(strstr(heard, "<resource-constraint "));
	assert_int_equal(worker_counter(&worker, COUNTER_MEMORY_FULL), 1);
	assert_int_equal(caller_session(&romeo)->slot->h_in, count);
	blocks_count(worker.server.shm, 0, &used, &committed);
	assert_true(used > 200);
	heard = caller_hear(&juliet);
	for (int i = 0; i < count - 1; i++, heard++)
		assert_non_null(heard = strstr(heard, "</message>"));
	assert_null(strstr(heard, "</message>"));
	say_big(100);
	assert_non_null(strstr(caller_hear(&juliet), "</message>"));
}

/* Small ones leave no room for an answer, were none kept. */
static void
to_the_last_block_the_sender_is_told(void **state)
{
	struct worker_options options = { .arena_bytes = 1 << 20 };
	const char *heard = "";
	int count = 0;

	begin(&options);
	for (; count < 2000 && heard[0] == 0; count++) {
		say_big(1500);
		heard = caller_hear(&romeo);
	}
	assert_in_range(count, 200, 1000);
	for (int i = 0; i < 20; i++) {
		assert_non_null(strstr(heard, "<resource-constraint "));
		say_big(1500);
		heard = caller_hear(&romeo);
	}
}

static void
where_not_even_that_can_be_told_the_stream_ends(void **state)
{
	struct worker_options options = { .arena_bytes = 1 << 20 };
	struct shm *shm;
	struct slot *slot;
	const char *heard;
	uint32_t taken[1024];
	int count = 0;

	begin(&options);
	shm = worker.server.shm;
	slot = caller_session(&romeo)->slot;
	while (count < 1024 && blocks_reserve(shm, 1) == RESULT_OK)
		taken[count++] = block_take(shm, caller_session(&juliet)->ref.slot);
	say_big(100);
	heard = caller_hear(&romeo);
	assert_non_null(strstr(heard, "<resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-streams'"));
	assert_non_null(strstr(heard, "</stream:stream>"));
	assert_int_equal(slot->h_in, 0);
	while (count > 0)
		block_give(shm, taken[--count]);
}

static void
who_does_not_read_gets_no_more_than_outbox_bytes(void **state)
{
	const char *heard = "";
	int count = 0;

	worker_reload(&worker, "outbox_bytes = \"64 KiB\"; "
			       "stanza_bytes = \"64 KiB\"; hosts = ( { name = \"localhost\"; "
			       "require_tls = false; } );");
	for (; count < 20 && heard[0] == 0; count++) {
		say_big(20000);
		heard = caller_hear(&romeo);
	}
	assert_in_range(count, 4, 6);
	assert_non_null(strstr(heard, "<resource-constraint "));
	assert_int_equal(worker_counter(&worker, COUNTER_OUTBOX_FULL), 1);
	assert_string_equal(answer("<presence to='juliet@localhost/balcony'/>"), "");
	assert_non_null(strstr(answer("<message to='juliet@localhost/balcony'/>"),
	    "<resource-constraint "));
	caller_hear(&juliet);
	caller_say(&romeo, "<message to='juliet@localhost'/>");
	assert_non_null(strstr(caller_hear(&juliet), "<message "));
}

/* --- a target that ends between the look and the append --- */

static struct slot_ref gone;
static int gone_times;
static bool is_asked;

static int
on_answer(struct stanza *stanza, int result, void *data)
{
	return STANZA_DONE;
}

static int
deliver_to_the_gone(struct stanza *stanza)
{
	if (gone_times-- <= 0)
		return STANZA_PASS;
	router_deliver(stanza, stanza->element, gone);
	if (!is_asked)
		return STANZA_DONE;
	pending_hold(stanza, on_answer, NULL, 0);
	return STANZA_LATER;
}

static void
add_stage(void)
{
	static const struct stage_row row = { STAGE_OUTGOING, "test", deliver_to_the_gone };
	struct caller nurse;

	caller_enter(&nurse, &worker, "nurse", "house");
	gone = nurse.ref;
	caller_close(&nurse);
	router_add_stage(worker.server.router, &row);
}

static void
it_is_looked_for_anew(void **state)
{
	add_stage();
	gone_times = 2;
	caller_say(&romeo, "<message to='juliet@localhost'/>");
	assert_non_null(strstr(caller_hear(&juliet), "<message "));
	assert_string_equal(caller_hear(&romeo), "");
	assert_int_equal(caller_session(&romeo)->slot->h_in, 1);
}

static void
not_for_ever(void **state)
{
	add_stage();
	gone_times = 1000;
	caller_say(&romeo, "<message to='juliet@localhost'/>");
	assert_true(gone_times > 990);
	assert_int_equal(caller_session(&romeo)->slot->h_in, 1);
}

/* Else it would be asked for once more. */
static void
but_not_where_it_waits_for_an_answer(void **state)
{
	add_stage();
	gone_times = 1000;
	is_asked = true;
	caller_say(&romeo, "<message to='juliet@localhost'/>");
	is_asked = false;
	assert_int_equal(gone_times, 999);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(wrong_stanzas_get_their_error),
		TEST(errors_and_results_are_never_answered),
		TEST(the_answer_carries_id_and_addresses),
		TEST(the_sender_is_who_he_is_whatever_he_says),
		TEST(without_to_it_is_for_the_own_account),
		TEST(every_stanza_is_counted_as_handled),
		cmocka_unit_test_teardown(where_memory_is_used_up_the_sender_is_told, teardown),
		cmocka_unit_test_teardown(to_the_last_block_the_sender_is_told, teardown),
		cmocka_unit_test_teardown(where_not_even_that_can_be_told_the_stream_ends,
		    teardown),
		TEST(who_does_not_read_gets_no_more_than_outbox_bytes),
		TEST(it_is_looked_for_anew),
		TEST(not_for_ever),
		TEST(but_not_where_it_waits_for_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
