/* shm_wake_test.c -- facts about dirty bits and eventfds. */
#include "tests/unit/shm_kit.h"

#include <sys/eventfd.h>

#include "base/result.h"
#include "shm/wake.h"

#define SESSIONS 10000

static struct kit kit;
static struct shm *other;
static int fd[2];
static bool seen[SESSIONS];

static int
setup(void **state)
{
	kit_begin(&kit, 2, SESSIONS, 0);
	other = kit_worker(&kit, 1);
	memset(seen, 0, sizeof(seen));
	for (uint32_t i = 0; i < 2; i++) {
		fd[i] = eventfd(0, EFD_NONBLOCK);
		shm_set_wake_fd(kit.shm, i, fd[i]);
		shm_set_wake_fd(other, i, fd[i]);
	}
	return 0;
}

static int
teardown(void **state)
{
	shm_detach(&other);
	kit_end(&kit);
	close(fd[0]);
	close(fd[1]);
	return 0;
}

static bool
was_written(int eventfd)
{
	uint64_t count;

	return read(eventfd, &count, sizeof(count)) == sizeof(count);
}

static struct slot_ref
slot_of_other(void)
{
	struct slot_ref ref;

	assert_int_equal(slot_take(other, &ref), RESULT_OK);
	return ref;
}

static void
see(void *owner, uint32_t slot)
{
	assert_false(seen[slot]);
	seen[slot] = true;
}

static void
every_marked_slot_comes_once(void **state)
{
	for (int i = 0; i < SESSIONS; i++) {
		struct slot_ref ref = slot_of_other();

		if (i % 3 == 0) {
			wake_mark(kit.shm, ref.slot);
			wake_mark(kit.shm, ref.slot);
		}
	}
	assert_int_equal(wake_take(kit.shm, see, NULL), 0);
	assert_int_equal(wake_take(other, see, NULL), (SESSIONS + 2) / 3);
	assert_int_equal(wake_take(other, see, NULL), 0);
}

static void
only_a_sleeper_is_called_and_once(void **state)
{
	struct slot_ref ref = slot_of_other();

	wake_mark(kit.shm, ref.slot);
	wake_flush(kit.shm);
	assert_false(was_written(fd[1]));
	assert_int_equal(wake_take(other, see, NULL), 1);
	assert_true(wake_sleep(other));
	wake_flush(kit.shm);
	assert_false(was_written(fd[1]));
	wake_mark(kit.shm, ref.slot);
	assert_false(was_written(fd[1]));
	wake_flush(kit.shm);
	wake_mark(kit.shm, ref.slot);
	wake_flush(kit.shm);
	assert_true(was_written(fd[1]));
	assert_false(was_written(fd[1]));
	assert_false(was_written(fd[0]));
	wake_awake(other);
	assert_false(wake_sleep(other));
}

static void
nobody_sleeps_over_work(void **state)
{
	struct slot_ref ref = slot_of_other();

	assert_true(wake_sleep(other));
	wake_awake(other);
	wake_mark(kit.shm, ref.slot);
	assert_false(wake_sleep(other));
	assert_int_equal(shm_page(other, 1)->sleeping, 0);
	assert_int_equal(wake_take(other, see, NULL), 1);
	assert_true(wake_sleep(other));
}

static void
a_free_slot_is_nobodys_news(void **state)
{
	struct slot_ref ref = slot_of_other();

	slot_give(other, ref);
	wake_mark(kit.shm, ref.slot);
	assert_int_equal(wake_take(other, see, NULL), 0);
	assert_true(wake_sleep(other));
}

static void
what_is_not_mine_is_passed_on(void **state)
{
	struct slot_ref ref = kit_slot(&kit);

	wake_mark(other, ref.slot);
	kit.shm->slots[ref.slot].owner = 2; /* given away before it was looked at */
	assert_true(wake_sleep(other));
	assert_int_equal(wake_take(kit.shm, see, NULL), 0);
	wake_flush(kit.shm);
	assert_true(was_written(fd[1]));
	assert_int_equal(wake_take(other, see, NULL), 1);
	assert_true(seen[ref.slot]);
}

static void
after_a_death_everybody_is_called(void **state)
{
	wake_all(kit.shm);
	assert_true(was_written(fd[0]));
	assert_true(was_written(fd[1]));
	wake_all(kit.shm);
	wake_drain_fd(fd[0]);
	assert_false(was_written(fd[0]));
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(every_marked_slot_comes_once),
		FACT(only_a_sleeper_is_called_and_once),
		FACT(nobody_sleeps_over_work),
		FACT(a_free_slot_is_nobodys_news),
		FACT(what_is_not_mine_is_passed_on),
		FACT(after_a_death_everybody_is_called),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
