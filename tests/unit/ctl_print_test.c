/* ctl_print_test.c -- texts for a terminal. */
#include "ctl/print.h"

#include <locale.h>

#include "unit.h"

static void
check_safe(struct slice text, const char *expected)
{
	struct buffer out;

	buffer_init(&out);
	print_safe(&out, text);
	assert_slice(buffer_slice(&out), expected);
	buffer_clear(&out);
}

static void
ordinary_text_stays_as_it_is(void **state)
{
	check_safe(SLICE("romeo@localhost/Balkon \xc3\xa4\xe2\x82\xac \xf0\x9f\x8c\xb9"),
		   "romeo@localhost/Balkon \xc3\xa4\xe2\x82\xac \xf0\x9f\x8c\xb9");
	check_safe(SLICE_EMPTY, "");
}

static void
what_steers_a_terminal_is_shown_as_bytes(void **state)
{
	check_safe(SLICE("a\x1b[2Jb\r\n\t\x7f"), "a\\x1b[2Jb\\x0d\\x0a\\x09\\x7f");
	check_safe(SLICE("\xc2\x9b"
			 "1m"),
		   "\\xc2\\x9b1m");
	check_safe(slice_of("a\0b", 3), "a\\x00b");
}

static void
marks_of_direction_are_shown_as_bytes(void **state)
{
	check_safe(SLICE("a\xe2\x80\xae"
			 "b"),
		   "a\\xe2\\x80\\xaeb");
	check_safe(SLICE("\xe2\x81\xa6"), "\\xe2\\x81\\xa6");
}

static void
invalid_utf8_is_shown_byte_by_byte(void **state)
{
	check_safe(SLICE("\xc3(\xff"), "\\xc3(\\xff");
	check_safe(SLICE("a\xe2\x82"), "a\\xe2\\x82");
}

static void
width_counts_columns_not_bytes(void **state)
{
	assert_int_equal(print_width(SLICE("abc")), 3);
	assert_int_equal(print_width(SLICE("\xc3\xa4\xe2\x82\xac")), 2);
	assert_int_equal(print_width(SLICE("\xe6\x97\xa5\xe6\x9c\xac")), 4);
	assert_int_equal(print_width(SLICE("e\xcc\x81")), 1);
	assert_int_equal(print_width(SLICE_EMPTY), 0);
}

static void
check_bytes(uint64_t bytes, const char *expected)
{
	struct buffer out;

	buffer_init(&out);
	print_bytes(&out, bytes);
	assert_slice(buffer_slice(&out), expected);
	buffer_clear(&out);
}

static void
bytes_have_the_unit_that_fits(void **state)
{
	check_bytes(0, "0 B");
	check_bytes(1023, "1023 B");
	check_bytes(1024, "1.0 KiB");
	check_bytes(2560, "2.5 KiB");
	check_bytes(12 << 20, "12 MiB");
	check_bytes(UINT64_MAX, "16 EiB");
}

static void
check_duration(uint64_t ms, const char *expected)
{
	struct buffer out;

	buffer_init(&out);
	print_duration(&out, ms);
	assert_slice(buffer_slice(&out), expected);
	buffer_clear(&out);
}

static void
durations_have_two_units_at_most(void **state)
{
	check_duration(0, "0 s");
	check_duration(59999, "59 s");
	check_duration(60000, "1 min");
	check_duration(200000, "3 min 20 s");
	check_duration(7500000, "2 h 5 min");
	check_duration(3605000, "1 h");
	check_duration((11 * 24 + 3) * 3600000ull, "11 d 3 h");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_text_stays_as_it_is),
		cmocka_unit_test(what_steers_a_terminal_is_shown_as_bytes),
		cmocka_unit_test(marks_of_direction_are_shown_as_bytes),
		cmocka_unit_test(invalid_utf8_is_shown_byte_by_byte),
		cmocka_unit_test(width_counts_columns_not_bytes),
		cmocka_unit_test(bytes_have_the_unit_that_fits),
		cmocka_unit_test(durations_have_two_units_at_most),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
