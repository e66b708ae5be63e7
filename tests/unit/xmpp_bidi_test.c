/* xmpp_bidi_test.c -- each condition of the Bidi Rule. */
#include "tests/unit/xmpp_support.h"

#include "xmpp/bidi.h"

static struct code_points
decode(struct arena *arena, const char *text)
{
	struct code_points points;

	assert_true(code_points_decode(arena, slice_from_text(text), &points));
	return points;
}

static void
assert_rule(const char *text, bool is_met)
{
	struct arena arena;
	struct code_points points;

	arena_init(&arena);
	points = decode(&arena, text);
	if (bidi_rule_is_met(&points) != is_met)
		fail_msg("\"%s\" is not as expected", text);
	arena_clear(&arena);
}

static void
a_letter_comes_first(void **state)
{
	assert_rule("a", true);
	assert_rule("\u05d0", true);
	assert_rule("\u0628", true);
	assert_rule("1a", false);
	assert_rule("-a", false);
	assert_rule("\u0661\u0628", false);
	assert_rule("\u0301a", false);
	assert_rule("", false);
}

static void
right_to_left_holds_nothing_from_left_to_right(void **state)
{
	assert_rule("\u05d0+1,2%!\u05b8\u05d1", true);
	assert_rule("\u05d0a\u05d1", false);
	assert_rule("\u05d0 \u05d1", false);
	assert_rule("\u05d0\u202a\u05d1", false);
}

static void
right_to_left_ends_in_a_letter_or_digit(void **state)
{
	assert_rule("\u05d01", true);
	assert_rule("\u0628\u0661", true);
	assert_rule("\u05d0\u05b8\u05b8", true);
	assert_rule("\u05d0-", false);
	assert_rule("\u05d0!\u05b8", false);
}

static void
right_to_left_has_one_kind_of_digits(void **state)
{
	assert_rule("\u06281\u0628", true);
	assert_rule("\u0628\u0661\u0628", true);
	assert_rule("\u0628\u06611\u0628", false);
	assert_rule("\u06281\u0628\u0661", false);
	assert_rule("\u0628\u06f1\u0661", false); /* U+06F1 counts as European */
}

static void
left_to_right_holds_nothing_from_right_to_left(void **state)
{
	assert_rule("a+1,2%!\u0301b", true);
	assert_rule("a\u05d0b", false);
	assert_rule("a\u0628b", false);
	assert_rule("a\u0661b", false);
	assert_rule("a b", false);
}

static void
left_to_right_ends_in_a_letter_or_digit(void **state)
{
	assert_rule("a1", true);
	assert_rule("a\u0301", true);
	assert_rule("a-", false);
	assert_rule("a!\u0301", false);
}

static void
what_is_written_from_right_to_left_is_found(void **state)
{
	struct arena arena;
	struct code_points points;

	arena_init(&arena);
	points = decode(&arena, "abc\u05d0");
	assert_true(bidi_has_right_to_left(&points));
	points = decode(&arena, "abc\u0628");
	assert_true(bidi_has_right_to_left(&points));
	points = decode(&arena, "abc\u0661");
	assert_true(bidi_has_right_to_left(&points));
	points = decode(&arena, "abc-1\u03b1\u4e2d");
	assert_false(bidi_has_right_to_left(&points));
	arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_letter_comes_first),
		cmocka_unit_test(right_to_left_holds_nothing_from_left_to_right),
		cmocka_unit_test(right_to_left_ends_in_a_letter_or_digit),
		cmocka_unit_test(right_to_left_has_one_kind_of_digits),
		cmocka_unit_test(left_to_right_holds_nothing_from_right_to_left),
		cmocka_unit_test(left_to_right_ends_in_a_letter_or_digit),
		cmocka_unit_test(what_is_written_from_right_to_left_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
