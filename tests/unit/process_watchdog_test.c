/* process_watchdog_test.c -- who has stood still for too long, and who of them is the cause. */
#include "unit.h"

#include "process/watchdog.h"

#define COUNT 3

static struct watchdog all[COUNT];
static bool end[COUNT];

static int
set_up(void **state)
{
	for (int i = 0; i < COUNT; i++)
		all[i] = (struct watchdog){ .period_ms = 10000 };
	return 0;
}

/* Turns of half a second, in which nobody moves. */
static int
pass(int turns)
{
	int ended = 0;

	for (int i = 0; i < turns && ended == 0; i++)
		ended = watchdog_turn(all, end, COUNT, 500);
	return ended;
}

static void
moving_is_left_alone(void **state)
{
	for (uint64_t beat = 1; beat < 100; beat++) {
		for (int i = 0; i < COUNT; i++)
			watchdog_hear(&all[i], beat, 0);
		assert_int_equal(pass(1), 0);
	}
}

static void
still_is_ended_after_its_period(void **state)
{
	assert_int_equal(pass(19), 0);
	watchdog_hear(&all[0], 7, 0);
	watchdog_hear(&all[2], 7, 0);
	assert_int_equal(pass(1), 1);
	assert_false(end[0]);
	assert_true(end[1]);
	assert_false(end[2]);
}

static void
it_is_due_when_the_next_turn_ends_somebody(void **state)
{
	assert_int_equal(pass(18), 0);
	assert_false(watchdog_is_due(all, COUNT, 500));
	assert_int_equal(pass(1), 0);
	assert_true(watchdog_is_due(all, COUNT, 500));
	assert_int_equal(pass(1), COUNT);
}

static void
holder_is_ended_first_and_others_start_anew(void **state)
{
	watchdog_hear(&all[1], 0, 500);
	watchdog_hear(&all[2], 0, 400);
	assert_int_equal(pass(20), 1);
	assert_true(end[2]);
	watchdog_hear(&all[2], 1, 0);
	assert_int_equal(pass(19), 0);
	assert_int_equal(pass(1), 1);
	assert_true(end[1]);
}

static void
holder_that_beat_last_is_waited_for(void **state)
{
	assert_int_equal(pass(1), 0);
	watchdog_hear(&all[2], 1, 400);
	assert_int_equal(pass(19), 0);
	assert_int_equal(pass(1), 1);
	assert_true(end[2]);
}

static void
holder_that_moves_is_no_cause(void **state)
{
	for (uint64_t beat = 1; beat < 20; beat++) {
		watchdog_hear(&all[0], beat, 100);
		assert_int_equal(pass(1), 0);
	}
	watchdog_hear(&all[0], 20, 100);
	assert_int_equal(pass(1), 2);
	assert_false(end[0]);
}

/* The master was stopped for an hour: so may they have been. */
static void
time_in_which_the_master_stood_counts_little(void **state)
{
	assert_int_equal(watchdog_turn(all, end, COUNT, 3600000), 0);
	assert_int_equal(pass(17), 0);
	assert_int_equal(pass(1), COUNT);
}

static void
unwatched_is_left_alone(void **state)
{
	all[0].period_ms = all[1].period_ms = all[2].period_ms = 0;
	assert_int_equal(pass(1000), 0);
}

static void
who_waits_for_a_lock_that_nobody_holds_is_told_from_others(void **state)
{
	all[0].waits = all[1].waits = all[2].waits = true;
	assert_int_equal(pass(19), 0);
	assert_true(watchdog_waits_for_nobody(all, COUNT, 500));
	all[1].waits = false;
	assert_false(watchdog_waits_for_nobody(all, COUNT, 500));
	watchdog_hear(&all[1], 1, 0);
	assert_true(watchdog_waits_for_nobody(all, COUNT, 500));
	watchdog_hear(&all[1], 2, 100);
	assert_false(watchdog_waits_for_nobody(all, COUNT, 500));
	all[1].period_ms = 0;
	assert_true(watchdog_waits_for_nobody(all, COUNT, 500));
}

static void
who_waits_for_less_than_its_period_is_waited_for(void **state)
{
	all[0].waits = all[1].waits = all[2].waits = true;
	assert_int_equal(pass(18), 0);
	assert_false(watchdog_waits_for_nobody(all, COUNT, 500));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(moving_is_left_alone, set_up),
		cmocka_unit_test_setup(still_is_ended_after_its_period, set_up),
		cmocka_unit_test_setup(it_is_due_when_the_next_turn_ends_somebody, set_up),
		cmocka_unit_test_setup(holder_is_ended_first_and_others_start_anew, set_up),
		cmocka_unit_test_setup(holder_that_beat_last_is_waited_for, set_up),
		cmocka_unit_test_setup(holder_that_moves_is_no_cause, set_up),
		cmocka_unit_test_setup(time_in_which_the_master_stood_counts_little, set_up),
		cmocka_unit_test_setup(unwatched_is_left_alone, set_up),
		cmocka_unit_test_setup(who_waits_for_a_lock_that_nobody_holds_is_told_from_others, set_up),
		cmocka_unit_test_setup(who_waits_for_less_than_its_period_is_waited_for, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
