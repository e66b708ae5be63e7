/* session_order_test.c -- a stanza that is answered later is not overtaken by the session's next one (R8). */
#include "tests/unit/unit.h"

#include "base/result.h"
#include "routing/pending.h"
#include "routing/router.h"
#include "tests/unit/worker_caller.h"

#define FIRST  "<iq id='first' type='get'><later xmlns='urn:test'/></iq>"
#define SECOND "<iq id='second' type='get'><ping xmlns='urn:xmpp:ping'/></iq>"

static struct worker worker;
static struct caller romeo, juliet;
static struct waiting *held, *beside;	/* what the stage keeps: the stanza, and a question of its own */
static bool is_aside, asks_beside;
static int again;			/* answers that are not the last */

/* --- a feature whose answers come later --- */

static int
on_answer(struct stanza *stanza, int result, void *data)
{
	if (again-- > 0) {
		held = pending_hold(stanza, on_answer, NULL, 0);
		return STANZA_LATER;
	}
	return result == RESULT_OK ? router_reply(stanza, NULL) : STANZA_INTERNAL_SERVER_ERROR;
}

static int
on_beside(struct stanza *stanza, int result, void *data)
{
	return STANZA_DONE;
}

static int
hold(struct stanza *stanza)
{
	if (stanza->payload == NULL || !slice_is(stanza->payload->name, "later"))
		return STANZA_PASS;
	if (asks_beside) {
		struct stanza name = *stanza;

		name.is_aside = true;
		beside = pending_hold(&name, on_beside, NULL, 0);
	}
	stanza->is_aside = is_aside;
	held = pending_hold(stanza, on_answer, NULL, 0);
	return STANZA_LATER;
}

static void
release(int result)
{
	pending_release(&worker.server, &held, result);
	worker_settle(&worker);
}

static int
setup(void **state)
{
	static const struct stage_row row = { STAGE_OUTGOING, "test", hold };
	static const struct worker_options options = { .sessions = 2 };

	worker_begin(&worker, &options);
	router_add_stage(worker.server.router, &row);
	caller_enter(&romeo, &worker, "romeo", "orchard");
	caller_enter(&juliet, &worker, "juliet", "balcony");
	held = beside = NULL;
	is_aside = asks_beside = false;
	again = 0;
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

static void
assert_answers(const char *first, const char *second)
{
	const char *heard = caller_hear(&romeo);
	const char *at = strstr(heard, first);

	if (at == NULL || strstr(at, second) == NULL)
		fail_msg("%s, %s: %s", first, second, heard);
}

/* --- */

static void
the_next_waits_for_the_answer(void **state)
{
	caller_say(&romeo, FIRST SECOND);
	assert_string_equal(caller_hear(&romeo), "");
	caller_say(&romeo, "<message to='juliet@localhost/balcony'/>");
	assert_string_equal(caller_hear(&juliet), "");
	caller_say(&juliet, SECOND);	/* others do not wait */
	assert_non_null(strstr(caller_hear(&juliet), "id='second'"));
	release(RESULT_OK);
	assert_answers("id='first'", "id='second'");
	assert_non_null(strstr(caller_hear(&juliet), "<message "));
}

static void
also_for_one_that_comes_in_pieces(void **state)
{
	caller_say(&romeo, FIRST "<iq id='sec");
	caller_say(&romeo, "ond' type='get'><ping xmlns='urn:xmpp:p");
	release(RESULT_OK);
	assert_non_null(strstr(caller_hear(&romeo), "id='first'"));
	caller_say(&romeo, "ing'/></iq>");
	assert_non_null(strstr(caller_hear(&romeo), "id='second'"));
}

static void
an_error_is_an_answer(void **state)
{
	caller_say(&romeo, FIRST SECOND);
	release(RESULT_FAILED);
	assert_answers("<internal-server-error ", "id='second'");
}

static void
who_asks_again_is_still_waited_for(void **state)
{
	again = 2;
	caller_say(&romeo, FIRST SECOND);
	release(RESULT_OK);
	release(RESULT_OK);
	assert_string_equal(caller_hear(&romeo), "");
	release(RESULT_OK);
	assert_answers("id='first'", "id='second'");
}

static void
each_waits_for_the_one_before(void **state)
{
	caller_say(&romeo, FIRST "<iq id='next' type='get'><later xmlns='urn:test'/></iq>" SECOND);
	release(RESULT_OK);
	assert_non_null(strstr(caller_hear(&romeo), "id='first'"));
	release(RESULT_OK);
	assert_answers("id='next'", "id='second'");
}

static void
what_is_asked_beside_its_way_neither_keeps_nor_frees(void **state)
{
	asks_beside = true;
	caller_say(&romeo, FIRST SECOND);
	pending_release(&worker.server, &beside, RESULT_OK);
	worker_settle(&worker);
	assert_string_equal(caller_hear(&romeo), "");
	release(RESULT_OK);
	assert_answers("id='first'", "id='second'");
}

static void
an_answer_aside_is_not_waited_for(void **state)
{
	is_aside = true;
	caller_say(&romeo, FIRST SECOND);
	assert_non_null(strstr(caller_hear(&romeo), "id='second'"));
	release(RESULT_OK);
	assert_non_null(strstr(caller_hear(&romeo), "id='first'"));
}

static void
a_session_that_ends_meanwhile_is_not_missed(void **state)
{
	caller_say(&romeo, FIRST SECOND);
	session_destroy(caller_session(&romeo), "for the test");
	worker_settle(&worker);
	assert_null(caller_session(&romeo));
	release(RESULT_OK);
	caller_say(&juliet, SECOND);
	assert_non_null(strstr(caller_hear(&juliet), "id='second'"));
}

/* The slot's next session has the number of the stanza, and not its epoch. */
static void
the_next_session_of_the_slot_does_not_wait(void **state)
{
	struct slot_ref old = romeo.ref;

	caller_say(&romeo, FIRST SECOND);
	caller_close(&romeo);
	worker_settle(&worker);
	caller_enter(&romeo, &worker, "romeo", "orchard");
	assert_int_equal(romeo.ref.slot, old.slot);
	release(RESULT_OK);
	caller_say(&romeo, SECOND);
	assert_non_null(strstr(caller_hear(&romeo), "id='second'"));
}

static void
a_stream_that_is_closed_meanwhile_ends(void **state)
{
	caller_say(&romeo, FIRST SECOND);
	session_close(caller_session(&romeo), STREAM_CONFLICT, NULL);
	assert_non_null(strstr(caller_hear(&romeo), "<conflict "));
	caller_say(&romeo, "</stream:stream>");
	release(RESULT_OK);
	worker_pass(&worker, 5000);
	assert_true(caller_is_closed(&romeo));
	assert_null(caller_session(&romeo));
}

static void
the_end_of_the_stream_comes_behind_the_answer(void **state)
{
	caller_say(&romeo, FIRST "</stream:stream>");
	assert_non_null(caller_session(&romeo));
	release(RESULT_OK);
	assert_answers("id='first'", "</stream:stream>");
	assert_null(caller_session(&romeo));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(the_next_waits_for_the_answer),
		TEST(also_for_one_that_comes_in_pieces),
		TEST(an_error_is_an_answer),
		TEST(who_asks_again_is_still_waited_for),
		TEST(each_waits_for_the_one_before),
		TEST(what_is_asked_beside_its_way_neither_keeps_nor_frees),
		TEST(an_answer_aside_is_not_waited_for),
		TEST(a_session_that_ends_meanwhile_is_not_missed),
		TEST(the_next_session_of_the_slot_does_not_wait),
		TEST(a_stream_that_is_closed_meanwhile_ends),
		TEST(the_end_of_the_stream_comes_behind_the_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
