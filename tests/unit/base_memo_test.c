/* base_memo_test.c -- what a memo knows, and when it stops knowing it. */
#include "unit.h"

#include "base/memo.h"

static void
what_was_noted_is_known(void **state)
{
	struct memo *memo = memo_new();

	assert_false(memo_has(memo, 7, 0));
	memo_note(memo, 7, 3);
	assert_true(memo_has(memo, 7, 3));
	assert_false(memo_has(memo, 8, 3));
	memo_free(&memo);
	assert_null(memo);
}

static void
another_state_is_unknown(void **state)
{
	struct memo *memo = memo_new();

	memo_note(memo, 7, 3);
	assert_false(memo_has(memo, 7, 4));
	assert_false(memo_has(memo, 7, 2));
	memo_note(memo, 7, 4);
	assert_true(memo_has(memo, 7, 4));
	memo_free(&memo);
}

/* Whatever the number of places: a key that has another's is never taken for it. */
static void
keys_of_one_place_are_told_apart(void **state)
{
	struct memo *memo = memo_new();

	for (uint64_t place = 1; place <= (uint64_t)1 << 40; place *= 2) {
		memo_note(memo, 5, 1);
		memo_note(memo, 5 + place, 1);
		assert_true(memo_has(memo, 5 + place, 1));
		memo_note(memo, 5, 2);
		assert_true(memo_has(memo, 5, 2));
		assert_false(memo_has(memo, 5 + place, 2));
	}
	memo_free(&memo);
}

static void
no_key_is_never_known(void **state)
{
	struct memo *memo = memo_new();

	assert_false(memo_has(memo, 0, 0));
	memo_free(&memo);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_noted_is_known),
		cmocka_unit_test(another_state_is_unknown),
		cmocka_unit_test(keys_of_one_place_are_told_apart),
		cmocka_unit_test(no_key_is_never_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
