/* base_slice_test.c -- facts about slices. */
#include "tests/unit/unit.h"

#include "base/slice.h"

#define NOTHING slice_of(NULL, 0)

static void
slices_without_bytes_are_equal_and_start_all(void **state)
{
	assert_true(slice_equal(NOTHING, SLICE("")));
	assert_true(slice_equal(NOTHING, NOTHING));
	assert_true(slice_starts_with(NOTHING, NOTHING));
	assert_true(slice_starts_with(SLICE("a"), NOTHING));
	assert_false(slice_starts_with(NOTHING, SLICE("a")));
}

static void
equality_sees_length_case_and_nul(void **state)
{
	assert_true(slice_equal(SLICE("a\0b"), SLICE("a\0b")));
	assert_false(slice_equal(SLICE("a\0b"), SLICE("a\0c")));
	assert_false(slice_equal(SLICE("a"), SLICE("ab")));
	assert_false(slice_is(SLICE("a"), "A"));
}

static void
order_is_of_unsigned_bytes_the_shorter_first(void **state)
{
	assert_int_equal(slice_compare(SLICE("a"), SLICE("a")), 0);
	assert_int_equal(slice_compare(NOTHING, SLICE("")), 0);
	assert_true(slice_compare(SLICE("a"), SLICE("ab")) < 0);
	assert_true(slice_compare(SLICE("b"), SLICE("ab")) > 0);
	assert_true(slice_compare(SLICE("\x7f"), SLICE("\x80")) < 0);
	assert_true(slice_compare(NOTHING, SLICE("a")) < 0);
}

static void
find_gives_the_first_place_or_the_length(void **state)
{
	assert_int_equal(slice_find(SLICE("a@b@c"), '@'), 1);
	assert_int_equal(slice_find(SLICE("abc"), '@'), 3);
	assert_int_equal(slice_find(NOTHING, '@'), 0);
	assert_int_equal(slice_find(SLICE("ab\0c"), '\0'), 2);
}

static void
after_drops_the_first_bytes(void **state)
{
	assert_slice(slice_after(SLICE("romeo@"), 5), "@");
	assert_slice(slice_after(SLICE("romeo"), 5), "");
}

static void
trim_takes_the_four_spaces_of_xml_only(void **state)
{
	assert_slice(slice_trim(SLICE(" \t\r\na b\n ")), "a b");
	assert_slice(slice_trim(SLICE(" \t\r\n")), "");
	assert_slice(slice_trim(SLICE("\va\f")), "\va\f");
	assert_int_equal(slice_trim(NOTHING).length, 0);
}

static void
integers_are_read_with_or_without_a_sign(void **state)
{
	int64_t value;

	assert_true(slice_to_int(SLICE("0"), 0, 9, &value));
	assert_int_equal(value, 0);
	assert_true(slice_to_int(SLICE("-128"), -128, 127, &value));
	assert_int_equal(value, -128);
	assert_true(slice_to_int(SLICE("+007"), -128, 127, &value));
	assert_int_equal(value, 7);
}

static void
integers_reach_both_ends_of_their_type(void **state)
{
	int64_t value = 0;

	assert_true(
	    slice_to_int(SLICE("9223372036854775807"), INT64_MIN, INT64_MAX, &value));
	assert_true(value == INT64_MAX);
	assert_true(
	    slice_to_int(SLICE("-9223372036854775808"), INT64_MIN, INT64_MAX, &value));
	assert_true(value == INT64_MIN);
	assert_false(
	    slice_to_int(SLICE("9223372036854775808"), INT64_MIN, INT64_MAX, &value));
	assert_false(
	    slice_to_int(SLICE("-9223372036854775809"), INT64_MIN, INT64_MAX, &value));
	assert_false(
	    slice_to_int(SLICE("92233720368547758070"), INT64_MIN, INT64_MAX, &value));
}

static void
integers_out_of_range_leave_the_value(void **state)
{
	int64_t value = 42;

	assert_false(slice_to_int(SLICE("128"), -128, 127, &value));
	assert_false(slice_to_int(SLICE("-129"), -128, 127, &value));
	assert_int_equal(value, 42);
}

static void
what_is_not_all_digits_is_no_integer(void **state)
{
	static const char *const wrong[] = { "", "-", "+", "--1", "+-1", " 1", "1 ", "1.0",
		"0x1", "1e3", "one", "\xd9\xa1", "/", ":" };
	int64_t value;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(slice_to_int(slice_from_text(wrong[i]), INT64_MIN, INT64_MAX,
		    &value));
	assert_false(slice_to_int(NOTHING, INT64_MIN, INT64_MAX, &value));
	assert_false(slice_to_int(SLICE("1\0"), INT64_MIN, INT64_MAX, &value));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_without_bytes_are_equal_and_start_all),
		cmocka_unit_test(equality_sees_length_case_and_nul),
		cmocka_unit_test(order_is_of_unsigned_bytes_the_shorter_first),
		cmocka_unit_test(find_gives_the_first_place_or_the_length),
		cmocka_unit_test(after_drops_the_first_bytes),
		cmocka_unit_test(trim_takes_the_four_spaces_of_xml_only),
		cmocka_unit_test(integers_are_read_with_or_without_a_sign),
		cmocka_unit_test(integers_reach_both_ends_of_their_type),
		cmocka_unit_test(integers_out_of_range_leave_the_value),
		cmocka_unit_test(what_is_not_all_digits_is_no_integer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
