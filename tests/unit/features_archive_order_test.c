/* features_archive_order_test.c -- facts about the order of ids: one counter, and how far all is committed. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/result.h"
#include "features/archive_order.h"
#include "shm/shm.h"
#include "stream/server.h"
#include "tests/folder.h"

static char runtime[64];
static struct server servers[2];
static struct archive_order one, other;

static int
setup(void **state)
{
	struct shm_options options = { runtime, 2, 10, 1 << 20 };

	if (!folder_make(runtime, "/dev/shm") || shm_create(&options, &servers[0].shm) != RESULT_OK)
		return -1;
	servers[1].shm = servers[0].shm;
	servers[1].number = 1;
	archive_order_init(&one, &servers[0], 0);
	archive_order_init(&other, &servers[1], 0);
	return 0;
}

static int
teardown(void **state)
{
	char command[100];

	archive_order_clear(&one);
	archive_order_clear(&other);
	shm_detach(&servers[0].shm);
	snprintf(command, sizeof(command), "rm -rf %s", runtime);
	return system(command);
}

static void
ids_grow_whoever_takes_them(void **state)
{
	uint64_t last = 0;

	for (int i = 0; i < 1000; i++) {
		uint64_t id = archive_order_take(i % 3 == 0 ? &other : &one);

		assert_true(id > last);
		last = id;
	}
	assert_int_equal(archive_order_newest(&one), last);
	assert_int_equal(archive_order_newest(&other), last);
}

static void
an_id_is_the_time_it_was_taken(void **state)
{
	uint64_t before = clock_wall_us(), id = archive_order_take(&one);

	assert_in_range(id, before, clock_wall_us());
}

static void
a_log_from_the_future_goes_on_from_there(void **state)
{
	uint64_t last = clock_wall_us() + UINT64_C(3600000000);

	archive_order_clear(&one);
	archive_order_init(&one, &servers[0], last);
	assert_int_equal(archive_order_take(&one), last + 1);
	assert_int_equal(archive_order_take(&other), last + 2);
}

static void
nothing_is_shown_past_what_is_on_its_way(void **state)
{
	uint64_t a = archive_order_take(&one), b = archive_order_take(&other),
		 c = archive_order_take(&one);

	assert_true(archive_order_horizon(&one) < a);
	archive_order_done(&one, a);
	assert_true(archive_order_horizon(&one) < b && archive_order_horizon(&one) >= a);
	assert_int_equal(archive_order_horizon(&other), archive_order_horizon(&one));
	archive_order_done(&other, b);
	assert_true(archive_order_horizon(&one) < c && archive_order_horizon(&one) >= b);
	archive_order_done(&one, c);
	assert_int_equal(archive_order_horizon(&one), c);
}

static void
what_is_not_asked_for_holds_nothing_up(void **state)
{
	uint64_t a = archive_order_take(&one), b;

	archive_order_drop(&one);
	assert_int_equal(archive_order_horizon(&other), a);
	a = archive_order_take(&one);
	b = archive_order_take(&one);
	archive_order_drop(&one);
	assert_true(archive_order_horizon(&other) < a);
	archive_order_done(&one, a);
	assert_int_equal(archive_order_horizon(&other), b);
}

/* There was no memory for its request, and those before it are on their way. */
static void
a_later_one_may_be_done_before_the_oldest(void **state)
{
	uint64_t a = archive_order_take(&one), b = archive_order_take(&one),
		 c = archive_order_take(&one), d = archive_order_take(&one);

	archive_order_done(&one, c);
	assert_true(archive_order_horizon(&other) < a);
	archive_order_done(&one, a);
	assert_true(archive_order_horizon(&other) < b);
	archive_order_done(&one, b);
	assert_true(archive_order_horizon(&other) < d && archive_order_horizon(&other) >= c);
	archive_order_done(&one, d);
	assert_int_equal(archive_order_horizon(&other), d);
}

static void
many_on_their_way_stay_in_order(void **state)
{
	uint64_t ids[500];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 500; i++)
			ids[i] = archive_order_take(&one);
		for (int i = 0; i < 500; i++) {
			assert_true(archive_order_horizon(&other) < ids[i]);
			archive_order_done(&one, ids[i]);
			assert_true(archive_order_horizon(&other) >= ids[i]);
		}
	}
}

/* Its requests stand in the ring: the replacement may not speak for them before they are answered. */
static void
what_the_dead_had_on_its_way_is_waited_for(void **state)
{
	uint64_t lost = archive_order_take(&one), mine;

	archive_order_clear(&one);
	archive_order_init(&one, &servers[0], 0);
	mine = archive_order_take(&one);
	archive_order_done(&one, mine);
	assert_true(archive_order_horizon(&other) < lost);
	archive_order_settle(&one);
	assert_int_equal(archive_order_horizon(&other), mine);
	mine = archive_order_take(&one);
	assert_true(archive_order_horizon(&other) < mine);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(ids_grow_whoever_takes_them),
		FACT(an_id_is_the_time_it_was_taken),
		FACT(a_log_from_the_future_goes_on_from_there),
		FACT(nothing_is_shown_past_what_is_on_its_way),
		FACT(what_is_not_asked_for_holds_nothing_up),
		FACT(a_later_one_may_be_done_before_the_oldest),
		FACT(many_on_their_way_stay_in_order),
		FACT(what_the_dead_had_on_its_way_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
