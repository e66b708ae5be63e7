/* shm_limits_test.c -- facts about limits that all workers share. */
#include "tests/unit/shm_kit.h"

#include <sys/wait.h>

#include "base/clock.h"
#include "shm/limits.h"
#include "shm/limits_table.h"

static struct kit kit;
static struct shm *other;	/* worker 1 */

static int
setup(void **state)
{
	kit_begin(&kit, 2, 300, 0);
	other = kit_worker(&kit, 1);
	return 0;
}

static int
teardown(void **state)
{
	shm_detach(&other);
	kit_end(&kit);
	clock_share(NULL);
	return 0;
}

static uint64_t
key_of(const char *who)
{
	return limits_key(kit.shm, LIMITS_ADDRESS, slice_from_text(who));
}

/* --- rates --- */

static void
a_burst_is_had_at_once_and_no_more(void **state)
{
	struct limit_rate rate = limit_rate(20, 1000, 200);
	limit_bucket bucket = 0;

	for (int i = 0; i < 200; i++)
		assert_int_equal(limit_take(&bucket, rate, 1, clock_ms()), 0);
	assert_int_equal(limit_used(&bucket, rate, clock_ms()), 200);
	assert_in_range(limit_take(&bucket, rate, 1, clock_ms()), 1, 50);
	assert_in_range(limit_wait(&bucket, rate, 1, clock_ms()), 1, 50);
	assert_int_equal(limit_used(&bucket, rate, clock_ms()), 200);	/* what is refused is not counted */
}

static void
it_leaks_as_fast_as_the_rate(void **state)
{
	struct limit_rate rate = limit_rate(20, 1000, 200);
	limit_bucket bucket = 0;

	assert_int_equal(limit_take(&bucket, rate, 200, clock_ms()), 0);
	clock_advance(50);
	assert_int_equal(limit_take(&bucket, rate, 1, clock_ms()), 0);
	assert_int_not_equal(limit_take(&bucket, rate, 1, clock_ms()), 0);
	clock_advance(10000);
	assert_int_equal(limit_take(&bucket, rate, 200, clock_ms()), 0);
}

static void
what_is_charged_is_waited_for(void **state)
{
	struct limit_rate rate = limit_rate(1000, 1000, 1000);
	limit_bucket bucket = 0;

	assert_int_equal(limit_charge(&bucket, rate, 1000, clock_ms()), 0);
	assert_in_range(limit_charge(&bucket, rate, 500, clock_ms()), 495, 500);
	clock_advance(500);
	assert_int_equal(limit_wait(&bucket, rate, 0, clock_ms()), 0);
	assert_int_not_equal(limit_wait(&bucket, rate, 5, clock_ms()), 0);
}

static void
what_is_faster_than_a_clock_is_counted_too(void **state)
{
	struct limit_rate rate = limit_rate(1 << 30, 1000, 1 << 30);
	limit_bucket bucket = 0;

	assert_int_equal(limit_charge(&bucket, rate, 1 << 29, clock_ms()), 0);
	assert_in_range(limit_used(&bucket, rate, clock_ms()), 1 << 28, 1 << 29);
	assert_int_not_equal(limit_charge(&bucket, rate, 3u << 28, clock_ms()), 0);
	clock_advance(2000);
	assert_int_equal(limit_used(&bucket, rate, clock_ms()), 0);
	assert_int_equal(limit_charge(&bucket, rate, 1, clock_ms()), 0);
	assert_int_not_equal(bucket, 0);
}

static void
no_rate_is_no_limit(void **state)
{
	struct limit_rate none = limit_rate(0, 1000, 200);
	limit_bucket bucket = 0;

	assert_int_equal(limit_take(&bucket, none, 1u << 30, clock_ms()), 0);
	assert_int_equal(limit_charge(&bucket, none, 1u << 30, clock_ms()), 0);
	assert_int_equal(bucket, 0);
}

static void
all_workers_draw_from_one_bucket(void **state)
{
	struct limit_rate rate = limit_rate(1, 1000, 10);
	uint64_t key = key_of("192.0.2.1");

	for (int i = 0; i < 10; i++)
		assert_int_equal(limit_take(limits_bucket(i % 2 ? kit.shm : other, key,
				     BUCKET_CONNECTIONS), rate, 1, clock_ms()), 0);
	assert_int_not_equal(
	    limit_take(limits_bucket(kit.shm, key, BUCKET_CONNECTIONS), rate, 1, clock_ms()), 0);
	assert_int_equal(limit_take(limits_bucket(kit.shm, key, BUCKET_FAILURES), rate, 1, clock_ms()), 0);
	assert_int_equal(limit_take(limits_bucket(kit.shm, key_of("192.0.2.2"),
			     BUCKET_CONNECTIONS), rate, 1, clock_ms()), 0);
}

/* --- counts --- */

static void
one_below_enters_and_one_above_does_not(void **state)
{
	uint64_t key = key_of("192.0.2.1");
	struct limits_seat seats[10], more;

	for (int i = 0; i < 10; i++)
		assert_true(limits_enter(i % 2 ? kit.shm : other, key, 10, &seats[i]));
	assert_false(limits_enter(kit.shm, key, 10, &more));
	assert_false(limits_enter(other, key, 10, &more));
	assert_int_equal(limits_count(other, key), 10);
	assert_int_equal(limits_most(kit.shm, LIMITS_ADDRESS), 10);
	limits_leave(kit.shm, &seats[1]);
	limits_leave(kit.shm, &seats[1]);	/* twice is once */
	assert_true(limits_enter(other, key, 10, &more));
	assert_int_equal(limits_count(kit.shm, key), 10);
}

static void
a_killed_worker_leaves_no_count(void **state)
{
	uint64_t key = key_of("192.0.2.1");
	struct limits_seat seat;
	pid_t child = fork();

	if (child == 0) {
		for (int i = 0; i < 7; i++)
			limits_enter(other, key, 100, &seat);
		limits_all_enter(other, ALL_UNAUTHENTICATED, 100);
		raise(SIGKILL);
	}
	waitpid(child, NULL, 0);
	assert_true(limits_enter(kit.shm, key, 100, &seat));
	assert_int_equal(limits_count(kit.shm, key), 8);
	assert_int_equal(limits_all_count(kit.shm, ALL_UNAUTHENTICATED), 1);
	shm_reaped(kit.shm, 1);
	shm_join(other, 1);
	shm_recover(other);
	assert_int_equal(limits_count(kit.shm, key), 1);
	assert_int_equal(limits_all_count(kit.shm, ALL_UNAUTHENTICATED), 0);
}

static void
the_count_of_all_is_bounded(void **state)
{
	assert_true(limits_all_enter(kit.shm, ALL_UNAUTHENTICATED, 2));
	assert_true(limits_all_enter(other, ALL_UNAUTHENTICATED, 2));
	assert_false(limits_all_enter(other, ALL_UNAUTHENTICATED, 2));
	limits_all_leave(kit.shm, ALL_UNAUTHENTICATED);
	assert_true(limits_all_enter(other, ALL_UNAUTHENTICATED, 2));
}

/* --- a table that is full --- */

/* Keys that share their places with the first one. */
static uint64_t
neighbour(uint32_t number)
{
	return (uint64_t)7 << 40 | (number + 1) << 8;
}

static void
who_is_counted_is_never_forgotten(void **state)
{
	struct limits_seat seats[LIMITS_SET], more;

	for (uint32_t i = 0; i < LIMITS_SET; i++)
		assert_true(limits_enter(kit.shm, neighbour(i), 1, &seats[i]));
	assert_null(limits_bucket(other, neighbour(99), BUCKET_FAILURES));
	assert_true(limits_enter(other, neighbour(99), 1, &more));	/* no place: no limit */
	for (uint32_t i = 0; i < LIMITS_SET; i++)
		assert_int_equal(limits_count(other, neighbour(i)), 1);
	limits_leave(kit.shm, &seats[3]);
	assert_non_null(limits_bucket(other, neighbour(99), BUCKET_FAILURES));
	assert_int_equal(limits_count(other, neighbour(3)), 0);
}

static void
who_has_least_to_wait_for_is_forgotten_first(void **state)
{
	struct limit_rate rate = limit_rate(1, 1000, 100);

	for (uint32_t i = 0; i < LIMITS_SET; i++)
		limit_charge(limits_bucket(kit.shm, neighbour(i), BUCKET_FAILURES), rate,
		    i == 5 ? 1 : 50 + i, clock_ms());
	limit_charge(limits_bucket(kit.shm, neighbour(99), BUCKET_FAILURES), rate, 99, clock_ms());
	assert_int_equal(limit_used(limits_bucket(kit.shm, neighbour(7), BUCKET_FAILURES), rate, clock_ms()), 57);
	assert_int_equal(limit_used(limits_bucket(kit.shm, neighbour(99), BUCKET_FAILURES), rate, clock_ms()), 99);
	assert_int_equal(limit_used(limits_bucket(kit.shm, neighbour(5), BUCKET_FAILURES), rate, clock_ms()), 0);
}

static void
a_place_whose_taker_died_is_free_again(void **state)
{
	struct limits_place *places = kit.shm->limits_places;
	uint32_t first = (uint32_t)(neighbour(0) >> 32) & (kit.shm->limits_size - 1) & ~7u;

	for (uint32_t i = 0; i < LIMITS_SET; i++)
		atomic_store(&places[first + i].key, 2);	/* worker 1 was at work */
	assert_null(limits_bucket(kit.shm, neighbour(0), BUCKET_FAILURES));
	limits_recover(other);
	assert_non_null(limits_bucket(kit.shm, neighbour(0), BUCKET_FAILURES));
}

/* --- what was met --- */

static void
bites_and_peaks_are_seen_by_all(void **state)
{
	limit_bite(kit.shm, LIMIT_ROSTER_ITEMS);
	limit_bite(other, LIMIT_ROSTER_ITEMS);
	limit_reached(kit.shm, LIMIT_STANZAS, 12);
	limit_reached(other, LIMIT_STANZAS, 5);
	assert_int_equal(limit_bites(kit.shm, LIMIT_ROSTER_ITEMS), 2);
	assert_int_equal(limit_bites(kit.shm, LIMIT_STANZAS), 0);
	assert_int_equal(limit_peak(other, LIMIT_STANZAS), 12);
	assert_string_equal(limit_name(LIMIT_ROSTER_ITEMS), "roster_items");
}

/* Workers that come, go and are forgotten at the same places, as fast as they can: nothing is left over. */
static void
counts_end_at_zero_after_a_race(void **state)
{
	struct shm *workers[2] = { kit.shm, other };
	pid_t children[2];
	int status;

	for (int w = 0; w < 2; w++) {
		children[w] = fork();
		if (children[w] != 0)
			continue;
		for (uint32_t i = 0; i < 200000; i++) {
			struct limits_seat seat;

			if (!limits_enter(workers[w], neighbour(i * 7919 % 20), 2, &seat))
				_exit(1);
			limits_leave(workers[w], &seat);
		}
		_exit(0);
	}
	for (int w = 0; w < 2; w++) {
		waitpid(children[w], &status, 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(limits_most(kit.shm, LIMITS_ADDRESS), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_burst_is_had_at_once_and_no_more, setup, teardown),
		cmocka_unit_test_setup_teardown(it_leaks_as_fast_as_the_rate, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_charged_is_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_faster_than_a_clock_is_counted_too, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(no_rate_is_no_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(all_workers_draw_from_one_bucket, setup, teardown),
		cmocka_unit_test_setup_teardown(one_below_enters_and_one_above_does_not, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(a_killed_worker_leaves_no_count, setup, teardown),
		cmocka_unit_test_setup_teardown(the_count_of_all_is_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_counted_is_never_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(who_has_least_to_wait_for_is_forgotten_first, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(a_place_whose_taker_died_is_free_again, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(bites_and_peaks_are_seen_by_all, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_end_at_zero_after_a_race, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
