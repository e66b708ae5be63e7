/* features_turn_test.c -- changes of one account take turns, meet conflicts, and come in parts. */
#include "features/turn.h"

#include "base/result.h"
#include "tests/unit/core_kit.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_caller.h"

#define KEY	SLICE("the record")
#define TURN(id) "<iq type='set' id='" id "'><turn xmlns='urn:test'/></iq>"

static struct worker worker;
static struct caller orchard, garden, juliet;
static int computed, done, parts, verdict;
static bool always_wrong, is_empty;
static enum turn_kind kind;

/* --- a feature --- */

static int
compute(struct stanza *stanza, struct turn_op *op, struct turn_request *request)
{
	struct server *server = router_server(stanza->router);
	struct txn *txn = store_read(server->core);
	struct slice value;
	uint64_t version = 0;

	computed++;
	store_get(server->core, txn, STORE_DATA, KEY, &value, &version);
	txn_end(&txn);
	assert_int_equal(op->is_again, parts < 3 && parts >= 0 && computed > 1);
	op->along = SLICE("along");
	op->also = SLICE("and this");
	op->is_partial = parts > 0 && --parts > 0;
	if (!is_empty && verdict == STANZA_PASS)
		request->change[request->count++] = (struct store_change){ .verb = STORE_SET,
			.table = STORE_DATA,
			.version = always_wrong ? version + 1 : version,
			.key = KEY,
			.value = SLICE("value") };
	return verdict;
}

static int
on_done(struct stanza *stanza, struct turn_op *op)
{
	done++;
	assert_slice(op->along, "along");
	assert_slice(op->also, "and this");
	return router_reply(stanza, NULL);
}

static int
on_submit(struct stanza *stanza)
{
	struct turn_op op = { .kind = kind,
		.account = stanza->session == NULL ? 0 : stanza->session->account,
		.compute = compute,
		.done = on_done };

	return stanza->payload != NULL && slice_is(stanza->payload->name, "turn")
	    ? turn_begin(stanza, &op)
	    : STANZA_PASS;
}

static int
setup(void **state)
{
	static const struct stage_row row = { STAGE_SUBMIT, "test", on_submit };

	worker_begin(&worker, NULL);
	core_begin(&worker);
	router_add_stage(worker.server.router, &row);
	caller_enter(&orchard, &worker, "romeo", "orchard");
	caller_enter(&garden, &worker, "romeo", "garden");
	caller_enter(&juliet, &worker, "juliet", "balcony");
	computed = done = 0;
	parts = -1;
	verdict = STANZA_PASS;
	always_wrong = is_empty = false;
	kind = TURN_PRIVATE;
	return 0;
}

static int
teardown(void **state)
{
	caller_close(&orchard);
	caller_close(&garden);
	caller_close(&juliet);
	core_end(&worker);
	worker_end(&worker);
	return 0;
}

static void
change_behind_its_back(void)
{
	struct store_change change = { .verb = STORE_SET,
		.table = STORE_DATA,
		.version = STORE_ANY_VERSION,
		.key = KEY,
		.value = SLICE("other") };

	core_apply(&worker, &change);
}

/* --- */

static void
the_second_begins_when_the_first_was_answered(void **state)
{
	caller_say(&orchard, TURN("1"));
	caller_say(&garden, TURN("2"));
	assert_int_equal(computed, 1);
	assert_string_equal(caller_hear(&garden), "");
	core_commit(&worker);
	assert_int_equal(computed, 2);
	assert_non_null(strstr(caller_hear(&orchard), "type='result' id='1'"));
	assert_non_null(strstr(caller_hear(&garden), "type='result' id='2'"));
}

static void
others_do_not_wait(void **state)
{
	caller_say(&orchard, TURN("1"));
	caller_say(&juliet, TURN("2"));	/* another account */
	assert_int_equal(computed, 2);
	kind = TURN_PUSH;		/* another kind */
	caller_say(&garden, TURN("3"));
	assert_int_equal(computed, 3);
	core_commit(&worker);
	assert_int_equal(done, 3);
}

static void
who_loses_computes_anew(void **state)
{
	caller_say(&orchard, TURN("1"));
	change_behind_its_back();
	core_commit(&worker);
	assert_int_equal(computed, 2);
	assert_int_equal(done, 1);
	assert_non_null(strstr(caller_hear(&orchard), "type='result'"));
}

static void
but_not_for_ever(void **state)
{
	always_wrong = true;
	caller_say(&orchard, TURN("1"));
	core_commit(&worker);
	assert_int_equal(computed, 64);
	assert_int_equal(done, 0);
	assert_non_null(strstr(caller_hear(&orchard), "<resource-constraint "));
	always_wrong = false;
	caller_say(&orchard, TURN("2"));
	core_commit(&worker);
	assert_non_null(strstr(caller_hear(&orchard), "type='result'"));
}

static void
what_comes_in_parts_is_done_with_the_last(void **state)
{
	parts = 3;
	caller_say(&orchard, TURN("1"));
	core_commit(&worker);
	assert_int_equal(computed, 3);
	assert_int_equal(done, 1);
	assert_non_null(strstr(caller_hear(&orchard), "type='result'"));
}

static void
where_nothing_changes_no_store_is_asked(void **state)
{
	is_empty = true;
	caller_say(&orchard, TURN("1"));
	assert_int_equal(done, 1);
	assert_non_null(strstr(caller_hear(&orchard), "type='result'"));
}

/* Neither by itself nor by the next one. */
static void
a_refusal_ends_the_turn(void **state)
{
	caller_say(&orchard, TURN("1"));
	caller_say(&garden, TURN("2"));
	verdict = STANZA_NOT_ACCEPTABLE;
	core_commit(&worker);
	assert_non_null(strstr(caller_hear(&orchard), "type='result'"));
	assert_non_null(strstr(caller_hear(&garden), "<not-acceptable "));
	verdict = STANZA_PASS;
	caller_say(&garden, TURN("3"));
	core_commit(&worker);
	assert_non_null(strstr(caller_hear(&garden), "type='result' id='3'"));
}

static void
who_waits_and_leaves_still_has_its_turn(void **state)
{
	caller_say(&orchard, TURN("1"));
	caller_say(&garden, TURN("2"));
	caller_close(&garden);
	core_commit(&worker);
	assert_int_equal(done, 2);
}

/* The worker ends while some wait: nothing is left, which teardown looks at. */
static void
an_end_forgets_who_waits(void **state)
{
	caller_say(&orchard, TURN("1"));
	caller_say(&garden, TURN("2"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(the_second_begins_when_the_first_was_answered),
		TEST(others_do_not_wait),
		TEST(who_loses_computes_anew),
		TEST(but_not_for_ever),
		TEST(what_comes_in_parts_is_done_with_the_last),
		TEST(where_nothing_changes_no_store_is_asked),
		TEST(a_refusal_ends_the_turn),
		TEST(who_waits_and_leaves_still_has_its_turn),
		TEST(an_end_forgets_who_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
