/* config_option_unit_test.c -- durations and sizes, with units and without. */
#include "config/option_unit.h"

#include "unit.h"

static int64_t
read_right(enum option_type type, const char *text)
{
	int64_t number = -1;

	assert_null(option_unit_read(type, slice_from_text(text), &number));
	return number;
}

static const char *
read_wrong(enum option_type type, const char *text)
{
	int64_t number;
	const char *why = option_unit_read(type, slice_from_text(text), &number);

	assert_non_null(why);
	return why;
}

static void
durations_are_milliseconds(void **state)
{
	assert_int_equal(read_right(OPTION_DURATION, "30 s"), 30000);
	assert_int_equal(read_right(OPTION_DURATION, "30s"), 30000);
	assert_int_equal(read_right(OPTION_DURATION, " 30  s "), 30000);
	assert_int_equal(read_right(OPTION_DURATION, "30"), 30000);
	assert_int_equal(read_right(OPTION_DURATION, "5 min"), 300000);
	assert_int_equal(read_right(OPTION_DURATION, "12 h"), 43200000);
	assert_int_equal(read_right(OPTION_DURATION, "7 d"), 604800000);
	assert_int_equal(read_right(OPTION_DURATION, "250 ms"), 250);
	assert_int_equal(read_right(OPTION_DURATION, "0 s"), 0);
}

static void
sizes_are_bytes(void **state)
{
	assert_int_equal(read_right(OPTION_BYTES, "256 KiB"), 262144);
	assert_int_equal(read_right(OPTION_BYTES, "4MiB"), 4194304);
	assert_int_equal(read_right(OPTION_BYTES, "1 GiB"), INT64_C(1) << 30);
	assert_int_equal(read_right(OPTION_BYTES, "1 TiB"), INT64_C(1) << 40);
	assert_int_equal(read_right(OPTION_BYTES, "10000"), 10000);
	assert_int_equal(read_right(OPTION_BYTES, "10000 B"), 10000);
}

static void
other_texts_are_refused(void **state)
{
	static const char *const texts[] = { "", " ", "s", "30 sec", "30 S", "-1 s", "+1 s",
		"1.5 h", "1 s s", "1 min 30 s", "0x10 s", "1e3 s", "30 KiB" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		read_wrong(OPTION_DURATION, texts[i]);
	read_wrong(OPTION_BYTES, "1 KB");
	read_wrong(OPTION_BYTES, "1 kib");
	read_wrong(OPTION_BYTES, "1 s");
}

static void
nothing_overflows(void **state)
{
	assert_int_equal(read_right(OPTION_BYTES, "9223372036854775807"), INT64_MAX);
	assert_ptr_equal(read_wrong(OPTION_BYTES, "9223372036854775808"), OPTION_UNIT_HUGE);
	assert_ptr_equal(read_wrong(OPTION_BYTES, "8388608 TiB"), OPTION_UNIT_HUGE);
	assert_ptr_equal(read_wrong(OPTION_DURATION, "9223372036854775807 d"), OPTION_UNIT_HUGE);
	assert_ptr_equal(read_wrong(OPTION_DURATION, "99999999999999999999999"), OPTION_UNIT_HUGE);
}

static void
assert_written(enum option_type type, int64_t number, const char *expected)
{
	struct buffer out;

	buffer_init(&out);
	option_unit_write(type, number, &out);
	assert_slice(buffer_slice(&out), expected);
	buffer_clear(&out);
}

static void
values_are_written_in_their_largest_whole_unit(void **state)
{
	assert_written(OPTION_DURATION, 30000, "30 s");
	assert_written(OPTION_DURATION, 90000, "90 s");
	assert_written(OPTION_DURATION, 86400000, "1 d");
	assert_written(OPTION_DURATION, 1, "1 ms");
	assert_written(OPTION_DURATION, 0, "0 ms");
	assert_written(OPTION_BYTES, 10000, "10000 B");
	assert_written(OPTION_BYTES, 262144, "256 KiB");
	assert_written(OPTION_BYTES, INT64_C(1) << 50, "1024 TiB");
	assert_written(OPTION_NUMBER, -5, "-5");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_milliseconds),
		cmocka_unit_test(sizes_are_bytes),
		cmocka_unit_test(other_texts_are_refused),
		cmocka_unit_test(nothing_overflows),
		cmocka_unit_test(values_are_written_in_their_largest_whole_unit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
