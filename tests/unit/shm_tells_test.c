/* shm_tells_test.c -- facts about versions that a session is told of: each once, in order, by however many workers. */
#include "tests/unit/shm_kit.h"

#include <string.h>

#include "base/result.h"

static struct kit kit;
static struct shm *other;	/* the same memory, as worker 1 has it */
static struct slot_ref session;

static int
setup(void **state)
{
	kit_begin(&kit, 2, 8, 4u << 20);
	other = kit_worker(&kit, 1);
	session = kit_slot(&kit);
	return 0;
}

static int
teardown(void **state)
{
	shm_detach(&other);
	kit_end(&kit);
	return 0;
}

static void
draft(struct shm *shm)
{
	effect_draft(shm, (struct slot_ref){ UINT32_MAX, 0 }, 0, false);
}

static void
add(struct shm *shm, char letter, enum step_tells tells, uint64_t told)
{
	struct effect_piece piece = { 0, 1 };
	char *memory;

	assert_int_equal(effect_stage(shm, 1, &memory, &piece.offset), RESULT_OK);
	*memory = letter;
	assert_int_equal(effect_add(shm, session, ENTRY_IQ, 0, &piece, 1), RESULT_OK);
	effect_tells(shm, tells, told);
}

static void
expect(const char *text, uint64_t told)
{
	struct outbox_cursor cursor;
	char bytes[100];

	outbox_start(kit.shm, session, &cursor);
	assert_slice(slice_of(bytes, outbox_read(kit.shm, session, &cursor, bytes,
				  sizeof(bytes), 0)), text);
	assert_int_equal(atomic_load(&kit.shm->slots[session.slot].told), told);
}

static void
nobody_is_told_before_the_first_answer(void **state)
{
	draft(kit.shm);
	add(kit.shm, 'a', STEP_TELLS_NEXT, 5);
	assert_int_equal(effect_run(kit.shm), 0);
	expect("", 0);
	draft(kit.shm);
	add(kit.shm, 'A', STEP_TELLS_ALL, 5);
	add(kit.shm, 'b', STEP_TELLS_NEXT, 6);
	assert_int_equal(effect_run(kit.shm), 0);
	expect("Ab", 6);
}

static void
what_two_workers_have_drafted_comes_once_and_in_order(void **state)
{
	draft(kit.shm);
	add(kit.shm, 'A', STEP_TELLS_ALL, 1);
	assert_int_equal(effect_run(kit.shm), 0);
	draft(kit.shm);		/* this one saw two versions */
	add(kit.shm, 'b', STEP_TELLS_NEXT, 2);
	add(kit.shm, 'c', STEP_TELLS_NEXT, 3);
	draft(other);		/* and that one three */
	add(other, 'b', STEP_TELLS_NEXT, 2);
	add(other, 'c', STEP_TELLS_NEXT, 3);
	add(other, 'd', STEP_TELLS_NEXT, 4);
	assert_int_equal(effect_run(other), 0);
	assert_int_equal(effect_run(kit.shm), 0);
	expect("Abcd", 4);
}

static void
an_answer_that_read_less_takes_back_what_was_told(void **state)
{
	draft(kit.shm);
	add(kit.shm, 'A', STEP_TELLS_ALL, 5);
	assert_int_equal(effect_run(kit.shm), 0);
	draft(other);
	add(other, 'f', STEP_TELLS_NEXT, 6);
	draft(kit.shm);
	add(kit.shm, 'B', STEP_TELLS_ALL, 4);
	assert_int_equal(effect_run(kit.shm), 0);
	assert_int_equal(effect_run(other), 0);	/* leaves a gap: nothing */
	draft(kit.shm);
	add(kit.shm, 'e', STEP_TELLS_NEXT, 5);
	add(kit.shm, 'f', STEP_TELLS_NEXT, 6);
	assert_int_equal(effect_run(kit.shm), 0);
	expect("ABef", 6);
}

static void
a_slot_taken_again_was_told_nothing(void **state)
{
	draft(kit.shm);
	add(kit.shm, 'A', STEP_TELLS_ALL, 5);
	assert_int_equal(effect_run(kit.shm), 0);
	slot_give(kit.shm, session);
	for (int i = 0; i < 8; i++) {
		struct slot_ref again;

		assert_int_equal(slot_take(kit.shm, &again), RESULT_OK);
		assert_int_equal(atomic_load(&kit.shm->slots[again.slot].told), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(nobody_is_told_before_the_first_answer),
		TEST(what_two_workers_have_drafted_comes_once_and_in_order),
		TEST(an_answer_that_read_less_takes_back_what_was_told),
		TEST(a_slot_taken_again_was_told_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
