/* base_ensure_test.c -- facts about ensure(). */
#include "tests/unit/unit.h"

#include "base/ensure.h"
#include "base/log.h"

static int log_pipe[2];

static void
ensure_nonsense(void)
{
	log_to_fd(log_pipe[1]);
	ensure(1 + 1 == 3);
}

static void
ensure_sense(void)
{
	ensure(1 + 1 == 2);
}

static void
a_true_condition_does_nothing(void **state)
{
	assert_false(unit_aborts(ensure_sense));
}

static void
a_false_condition_is_logged_with_its_place_and_aborts(void **state)
{
	char line[4097];
	ssize_t length;

	assert_int_equal(pipe(log_pipe), 0);
	assert_true(unit_aborts(ensure_nonsense));
	length = read(log_pipe[0], line, sizeof(line) - 1);
	assert_true(length > 0);
	line[length] = '\0';
	assert_non_null(strstr(line, "error base ensure failed condition=\"1 + 1 == 3\""));
	assert_non_null(strstr(line, "base_ensure_test.c:"));
	close(log_pipe[0]);
	close(log_pipe[1]);
}

static void
the_condition_is_evaluated_once(void **state)
{
	int count = 0;

	ensure(++count);
	assert_int_equal(count, 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_true_condition_does_nothing),
		cmocka_unit_test(a_false_condition_is_logged_with_its_place_and_aborts),
		cmocka_unit_test(the_condition_is_evaluated_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
