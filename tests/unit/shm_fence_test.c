/* shm_fence_test.c -- facts about stanzas that killed a worker. */
#include "tests/unit/shm_kit.h"

#include "shm/fence.h"

static struct kit kit;

static int
setup(void **state)
{
	kit_begin(&kit, 2, 8, UINT64_C(1) << 20);
	return 0;
}

static int
teardown(void **state)
{
	kit_end(&kit);
	return 0;
}

static void
what_a_worker_died_of_is_closed(void **state)
{
	fence_enter(kit.shm, 77);
	assert_false(fence_is_closed(kit.shm, 77));
	assert_int_equal(fence_close(kit.shm, kit.shm->me), 77);
	assert_true(fence_is_closed(kit.shm, 77));
	assert_false(fence_is_closed(kit.shm, 78));
}

static void
who_handles_nothing_closes_nothing(void **state)
{
	fence_enter(kit.shm, 77);
	fence_leave(kit.shm);
	assert_int_equal(fence_close(kit.shm, kit.shm->me), 0);
	assert_false(fence_is_closed(kit.shm, 77));
}

/* A replacement has nothing to do with what its predecessor was at. */
static void
a_new_worker_handles_nothing(void **state)
{
	fence_enter(kit.shm, 77);
	shm_join(kit.shm, kit.shm->me);
	assert_int_equal(fence_close(kit.shm, kit.shm->me), 0);
}

static void
the_oldest_is_forgotten(void **state)
{
	for (uint64_t i = 1; i <= FENCED_MAX + 1; i++) {
		fence_enter(kit.shm, i);
		fence_close(kit.shm, kit.shm->me);
		fence_enter(kit.shm, i);	/* once is enough */
		fence_close(kit.shm, kit.shm->me);
	}
	assert_false(fence_is_closed(kit.shm, 1));
	for (uint64_t i = 2; i <= FENCED_MAX + 1; i++)
		assert_true(fence_is_closed(kit.shm, i));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(what_a_worker_died_of_is_closed),
		TEST(who_handles_nothing_closes_nothing),
		TEST(a_new_worker_handles_nothing),
		TEST(the_oldest_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
