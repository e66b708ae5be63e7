/* base_clock_test.c -- facts about the two clocks. */
#include "tests/unit/unit.h"

#include <sys/mman.h>
#include <time.h>

#include "base/clock.h"

#define HOUR_MS UINT64_C(3600000)

static const char *
stamp(uint64_t wall_us)
{
	static char text[CLOCK_STAMP_SIZE];

	clock_stamp(wall_us, text, sizeof(text));
	return text;
}

static uint64_t
ms_of(struct timespec time)
{
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void
both_clocks_start_with_the_kernels(void **state)
{
	struct timespec before, after;
	uint64_t ms, us;

	clock_gettime(CLOCK_MONOTONIC, &before);
	ms = clock_ms();
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_in_range(ms, ms_of(before), ms_of(after));

	us = clock_wall_us();
	assert_true(us > UINT64_C(1700000000) * 1000000);
	assert_true(us < UINT64_C(10000000000) * 1000000);
}

static void
advance_moves_both_clocks(void **state)
{
	uint64_t ms = clock_ms(), us = clock_wall_us();

	clock_advance(HOUR_MS);
	assert_in_range(clock_ms() - ms, HOUR_MS, HOUR_MS + 60000);
	assert_in_range(clock_wall_us() - us, HOUR_MS * 1000, (HOUR_MS + 60000) * 1000);
	clock_advance(HOUR_MS);
	assert_true(clock_ms() - ms >= 2 * HOUR_MS);
}

/* The kernel's own goes on meanwhile. */
static void
a_clock_that_was_stopped_is_moved_by_nothing_else_and_goes_on_from_there(void **state)
{
	struct timespec real, now;
	uint64_t ms, us;

	clock_advance(HOUR_MS);
	clock_stop();
	assert_true(clock_stands());
	ms = clock_ms();
	us = clock_wall_us();
	clock_gettime(CLOCK_MONOTONIC, &real);
	for (now = real; ms_of(now) < ms_of(real) + 20; clock_gettime(CLOCK_MONOTONIC, &now))
		assert_int_equal(clock_ms(), ms);
	assert_in_range(clock_wall_us(), us - 1000, us + 1000);
	clock_advance(1000);
	assert_int_equal(clock_ms(), ms + 1000);
	assert_in_range(clock_wall_us() - us, 999000, 1001000);
	clock_stop();
	assert_int_equal(clock_ms(), ms + 1000);

	clock_go();
	assert_false(clock_stands());
	assert_in_range(clock_ms(), ms + 1000, ms + 61000);
	for (ms = clock_ms(); clock_ms() == ms;)
		;
}

static void
processes_that_share_the_offset_move_together(void **state)
{
	_Atomic uint64_t *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t ms;
	pid_t child;
	int status;

	assert_ptr_not_equal(shared, MAP_FAILED);
	clock_share(shared);
	ms = clock_ms();
	child = fork();
	if (child == 0) {
		clock_advance(100 * HOUR_MS);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(clock_ms() - ms >= 100 * HOUR_MS);

	clock_share(NULL);
	assert_true(clock_ms() < ms + 100 * HOUR_MS);
	munmap((void *)shared, sizeof(*shared));
}

static void
stamps_are_those_of_xep_0082(void **state)
{
	assert_string_equal(stamp(0), "1970-01-01T00:00:00.000000Z");
	assert_string_equal(stamp(UINT64_C(1795267022123456)),
	    "2026-11-21T13:17:02.123456Z");
	assert_string_equal(stamp(UINT64_C(951782400000001)),
	    "2000-02-29T00:00:00.000001Z");
	assert_string_equal(stamp(UINT64_C(253402300799999999)),
	    "9999-12-31T23:59:59.999999Z");
}

static void
no_stamp_is_longer_than_its_room(void **state)
{
	assert_true(strlen(stamp(UINT64_MAX)) < CLOCK_STAMP_SIZE);
}

static void
stamp_into_too_little(void)
{
	char text[CLOCK_STAMP_SIZE];

	clock_stamp(0, text, CLOCK_STAMP_SIZE - 1);
}

static void
too_little_room_for_a_stamp_ends_the_process(void **state)
{
	assert_true(unit_aborts(stamp_into_too_little));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_clocks_start_with_the_kernels),
		cmocka_unit_test(advance_moves_both_clocks),
		cmocka_unit_test(a_clock_that_was_stopped_is_moved_by_nothing_else_and_goes_on_from_there),
		cmocka_unit_test(processes_that_share_the_offset_move_together),
		cmocka_unit_test(stamps_are_those_of_xep_0082),
		cmocka_unit_test(no_stamp_is_longer_than_its_room),
		cmocka_unit_test(too_little_room_for_a_stamp_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
