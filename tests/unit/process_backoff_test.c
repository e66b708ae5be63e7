/* process_backoff_test.c -- how long the replacement of a process that died young has to wait. */
#include "unit.h"

#include "process/backoff.h"

static void
long_life_is_replaced_at_once(void **state)
{
	unsigned young = 0;

	assert_int_equal(backoff_delay(BACKOFF_YOUNG_MS, &young), 0);
	assert_int_equal(backoff_delay(3600000, &young), 0);
	assert_int_equal(young, 0);
}

static void
young_deaths_wait_longer_each_time(void **state)
{
	static const uint64_t delays[] = { 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000 };
	unsigned young = 0;

	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++)
		assert_int_equal(backoff_delay(999, &young), delays[i]);
}

static void
wait_never_passes_the_most(void **state)
{
	unsigned young = 0;

	for (int i = 0; i < 100000; i++)
		assert_true(backoff_delay(0, &young) <= BACKOFF_MOST_MS);
}

static void
long_life_forgets_young_deaths(void **state)
{
	unsigned young = 0;

	backoff_delay(0, &young);
	backoff_delay(0, &young);
	assert_int_equal(backoff_delay(5000, &young), 0);
	assert_int_equal(backoff_delay(0, &young), BACKOFF_FIRST_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_life_is_replaced_at_once),
		cmocka_unit_test(young_deaths_wait_longer_each_time),
		cmocka_unit_test(wait_never_passes_the_most),
		cmocka_unit_test(long_life_forgets_young_deaths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
