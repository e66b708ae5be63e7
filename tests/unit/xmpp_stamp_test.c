/* xmpp_stamp_test.c -- facts about dates and times of XEP-0082. */
#include "unit.h"

#include <string.h>

#include "base/clock.h"
#include "xmpp/stamp.h"

static void
check(const char *text, uint64_t expected)
{
	uint64_t us = 1;

	if (!stamp_read(slice_from_text(text), &us) || us != expected)
		fail_msg("%s is %llu", text, (unsigned long long)us);
}

static void
refuse(const char *text)
{
	uint64_t us = 1;

	if (stamp_read(slice_from_text(text), &us) || us != 1)
		fail_msg("%s is taken", text);
}

static void
stamps_are_read(void **state)
{
	check("1970-01-01T00:00:00Z", 0);
	check("1970-01-01T00:00:01.5Z", 1500000);
	check("1970-01-02T00:00:00.0000009Z", UINT64_C(86400000000));
	check("2000-02-29T12:00:00Z", UINT64_C(951825600000000));
	check("2026-11-21T13:17:02.123456Z", UINT64_C(1795267022123456));
	check("2100-03-01T00:00:00Z", UINT64_C(4107542400000000));
	check("9999-12-31T23:59:60Z", UINT64_C(253402300800000000));
}

static void
zones_are_counted_in(void **state)
{
	check("1970-01-01T01:00:00+01:00", 0);
	check("1969-12-31T19:00:00-05:00", 0);
	check("1970-01-01T00:00:00-00:30", UINT64_C(1800000000));
}

static void
what_was_before_1970_is_0(void **state)
{
	check("1969-07-21T02:56:15Z", 0);
	check("0001-01-01T00:00:00Z", 0);
	check("1970-01-01T00:30:00+01:00", 0);
}

static void
what_is_no_stamp_is_refused(void **state)
{
	static const char *const wrong[] = { "", "Z", "2026-11-21", "2026-11-21T13:17:02",
		"2026-11-21 13:17:02Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
		"2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
		"2026-11-00T00:00:00Z", "0000-01-01T00:00:00Z", "2026-11-21T24:00:00Z",
		"2026-11-21T13:60:00Z", "2026-11-21T13:17:61Z", "2026-11-21T13:17:02.Z",
		"2026-11-21T13:17:02z", "2026-11-21T13:17:02+0100", "2026-11-21T13:17:02+24:00",
		"2026-11-21T13:17:02+01:60", "2026-11-21T13:17:02Z ", "-026-11-21T13:17:02Z",
		"20261121T13:17:02", "2026-11-21T13:17:02ZZ" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refuse(wrong[i]);
}

static void
what_the_clock_writes_is_read(void **state)
{
	char text[CLOCK_STAMP_SIZE];
	uint64_t us;

	for (uint64_t at = 1; at < UINT64_C(250000000000000000); at = at * 3 + 86399999999) {
		clock_stamp(at, text, sizeof(text));
		assert_true(stamp_read(slice_from_text(text), &us));
		assert_int_equal(us, at);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stamps_are_read),
		cmocka_unit_test(zones_are_counted_in),
		cmocka_unit_test(what_was_before_1970_is_0),
		cmocka_unit_test(what_is_no_stamp_is_refused),
		cmocka_unit_test(what_the_clock_writes_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
