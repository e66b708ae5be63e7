/* base_result_test.c -- facts about results. */
#include "tests/unit/unit.h"

#include "base/result.h"

static void
every_result_has_a_text_of_its_own(void **state)
{
	for (int i = RESULT_TIMEOUT; i <= RESULT_OK; i++) {
		assert_string_not_equal(result_text(i), "unknown result");
		for (int j = RESULT_TIMEOUT; j < i; j++)
			assert_string_not_equal(result_text(i), result_text(j));
	}
}

static void
counts_are_ok_and_strange_numbers_unknown(void **state)
{
	assert_string_equal(result_text(RESULT_OK), "ok");
	assert_string_equal(result_text(7), "ok");
	assert_string_equal(result_text(RESULT_TIMEOUT - 1), "unknown result");
	assert_string_equal(result_text(RESULT_NOT_FOUND), "not found");
	assert_string_equal(result_text(RESULT_LAYOUT), "of another layout version");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_result_has_a_text_of_its_own),
		cmocka_unit_test(counts_are_ok_and_strange_numbers_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
