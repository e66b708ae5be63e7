/* net_timer_test.c -- timers fire in order, once a turn, and follow the clock. */
#include "net_kit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define MANY 500

static char fired[64];
static char letter_a[] = "a", letter_b[] = "b", letter_c[] = "c";
static struct timer a, b, c;

static void
note(struct timer *timer, void *parameter)
{
	size_t length = strlen(fired);

	assert_false(timer_is_armed(timer));
	assert_true(length + 1 < sizeof(fired));
	fired[length] = *(const char *)parameter;
	fired[length + 1] = '\0';
}

static int
setup(void **state)
{
	memset(fired, 0, sizeof(fired));
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	memset(&c, 0, sizeof(c));
	return kit_setup(state);
}

static void
timers_fire_by_their_time_then_by_their_arming(void **state)
{
	timer_start(kit_timers, &a, 30000, note, letter_a);
	timer_start(kit_timers, &b, 10000, note, letter_b);
	timer_start(kit_timers, &c, 10000, note, letter_c);
	timers_run(kit_timers);
	assert_string_equal(fired, "");
	clock_advance(100000);
	timers_run(kit_timers);
	assert_string_equal(fired, "bca");
	timers_run(kit_timers);
	assert_string_equal(fired, "bca");
	assert_int_equal(timers_count(kit_timers), 0);
}

static void
a_moved_timer_fires_at_its_new_time_alone(void **state)
{
	timer_start(kit_timers, &a, 1000, note, letter_a);
	timer_start(kit_timers, &b, 5000, note, letter_b);
	timer_move(kit_timers, &a, 100000);
	clock_advance(6000);
	timers_run(kit_timers);
	assert_string_equal(fired, "b");
	timer_move(kit_timers, &a, 1000);
	clock_advance(2000);
	timers_run(kit_timers);
	assert_string_equal(fired, "ba");
	timer_move(kit_timers, &b, 0);
	timers_run(kit_timers);
	assert_string_equal(fired, "bab");
}

static void
a_stopped_timer_does_not_fire(void **state)
{
	timer_start(kit_timers, &a, 1000, note, letter_a);
	timer_stop(kit_timers, &a);
	timer_stop(kit_timers, &a);
	clock_advance(2000);
	timers_run(kit_timers);
	assert_string_equal(fired, "");
}

static void
stop_others(struct timer *timer, void *parameter)
{
	note(timer, parameter);
	timer_stop(kit_timers, timer);
	timer_stop(kit_timers, &b);
	timer_move(kit_timers, &c, 50000);
}

static void
a_callback_may_stop_and_move_what_is_due(void **state)
{
	timer_start(kit_timers, &a, 10, stop_others, letter_a);
	timer_start(kit_timers, &b, 10, note, letter_b);
	timer_start(kit_timers, &c, 10, note, letter_c);
	clock_advance(1000);
	timers_run(kit_timers);
	assert_string_equal(fired, "a");
	clock_advance(60000);
	timers_run(kit_timers);
	assert_string_equal(fired, "ac");
}

static void
again_at_once(struct timer *timer, void *parameter)
{
	note(timer, parameter);
	timer_move(kit_timers, timer, 0);
	if (!timer_is_armed(&c))
		timer_start(kit_timers, &c, 0, note, letter_c);
}

static void
a_timer_never_fires_twice_in_a_turn(void **state)
{
	timer_start(kit_timers, &a, 0, again_at_once, letter_a);
	timer_start(kit_timers, &b, 0, note, letter_b);
	timers_run(kit_timers);
	assert_string_equal(fired, "ab");
	timers_run(kit_timers);
	assert_string_equal(fired, "abac");
	timer_stop(kit_timers, &a);
	timer_stop(kit_timers, &c);
}

static void
delay_nought_is_the_next_turn_of_the_loop(void **state)
{
	timer_start(kit_timers, &a, 0, again_at_once, letter_a);
	kit_turn();
	assert_string_equal(fired, "a");
	kit_turn();
	assert_string_equal(fired, "aac");
	timer_stop(kit_timers, &a);
	timer_stop(kit_timers, &c);
}

static void
the_loop_notices_at_its_next_turn_that_the_clock_moved(void **state)
{
	timer_start(kit_timers, &a, 3600000, note, letter_a);
	kit_turn();
	assert_string_equal(fired, "");
	clock_advance(3600000);
	kit_turn();
	assert_string_equal(fired, "a");
}

static void
stop_loop(struct timer *timer, void *parameter)
{
	note(timer, parameter);
	loop_stop(kit_loop);
}

static void
the_loop_wakes_for_the_earliest_timer(void **state)
{
	loop_set_hooks(kit_loop, NULL, NULL);
	timer_start(kit_timers, &a, 3600000, note, letter_a);
	timer_start(kit_timers, &b, 3, stop_loop, letter_b);
	loop_run(kit_loop);
	assert_string_equal(fired, "b");
	timer_stop(kit_timers, &a);
}

static void
a_clock_moved_by_another_process_is_noticed_in_sleep(void **state)
{
	_Atomic uint64_t *offset = mmap(NULL, sizeof(*offset), PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	assert_ptr_not_equal(offset, MAP_FAILED);
	clock_share(offset);
	loop_set_hooks(kit_loop, NULL, NULL);
	timers_watch_clock(kit_timers, 5);
	timer_start(kit_timers, &a, 3600000, stop_loop, letter_a);
	child = fork();
	if (child == 0) {
		clock_advance(3600000);
		_exit(0);
	}
	loop_run(kit_loop);
	assert_string_equal(fired, "a");
	assert_int_equal(waitpid(child, NULL, 0), child);
	clock_share(NULL);
	munmap((void *)offset, sizeof(*offset));
}

static uint64_t last_due;
static int fired_count;

static void
check_order(struct timer *timer, void *parameter)
{
	assert_true(timer->due_ms >= last_due);
	last_due = timer->due_ms;
	fired_count++;
}

static void
many_timers_stay_in_order_while_they_move_and_stop(void **state)
{
	static struct timer many[MANY];
	uint32_t seed = 12345;
	int armed = 0;

	last_due = 0;
	fired_count = 0;
	for (int i = 0; i < 20 * MANY; i++) {
		struct timer *timer = &many[(seed >> 8) % MANY];

		seed = seed * 1664525 + 1013904223;
		if (seed >> 30 == 0)
			timer_stop(kit_timers, timer);
		else
			timer_start(kit_timers, timer, (seed >> 16) % 1000, check_order,
				    NULL);
	}
	for (int i = 0; i < MANY; i++)
		armed += timer_is_armed(&many[i]);
	assert_int_equal(timers_count(kit_timers), armed);
	for (int i = 0; i < 110; i++) {
		clock_advance(10);
		timers_run(kit_timers);
	}
	assert_int_equal(fired_count, armed);
}

static void
freeing_the_heap_disarms_its_timers(void **state)
{
	timer_start(kit_timers, &a, 10, note, letter_a);
	timers_free(&kit_timers);
	assert_false(timer_is_armed(&a));
	kit_timers = timers_new(kit_loop);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, kit_teardown)
		TEST(timers_fire_by_their_time_then_by_their_arming),
		TEST(a_moved_timer_fires_at_its_new_time_alone),
		TEST(a_stopped_timer_does_not_fire),
		TEST(a_callback_may_stop_and_move_what_is_due),
		TEST(a_timer_never_fires_twice_in_a_turn),
		TEST(delay_nought_is_the_next_turn_of_the_loop),
		TEST(the_loop_notices_at_its_next_turn_that_the_clock_moved),
		TEST(the_loop_wakes_for_the_earliest_timer),
		TEST(a_clock_moved_by_another_process_is_noticed_in_sleep),
		TEST(many_timers_stay_in_order_while_they_move_and_stop),
		TEST(freeing_the_heap_disarms_its_timers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
