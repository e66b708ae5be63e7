/* shm_slots_death_test.c -- facts about sessions of a worker that dies as it takes, moves or gives a slot: they are counted. */
#include "tests/unit/shm_kit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/result.h"

static struct kit kit;

static int
setup(void **state)
{
	kit_begin(&kit, 2, 300, 0);
	return 0;
}

static int
teardown(void **state)
{
	kit_end(&kit);
	return 0;
}

/* --- worker 1 dies --- */

static const char *fatal;

static void
on_step(const char *step)
{
	if (strcmp(step, fatal) == 0)
		raise(SIGKILL);
}

/* One slot taken, one given; whichever comes to the step kills it. */
static void
live(void)
{
	struct slot_ref first, second;
	struct shm *shm;

	if (shm_attach(kit.directory, false, &shm) != RESULT_OK)
		_exit(2);
	shm_join(shm, 1);
	if (slot_take(shm, &first) != RESULT_OK)
		_exit(3);
	shm_step_hook = on_step;
	if (slot_take(shm, &second) != RESULT_OK)
		_exit(4);
	slot_move(shm, second, 1);
	slot_give(shm, first);
	_exit(5);
}

static void
die_at(const char *step)
{
	int status;
	pid_t child;

	fatal = step;
	child = fork();
	if (child == 0)
		live();
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	shm_reaped(kit.shm, 1);
}

/* --- the facts --- */

static void
count(void *owner, struct slot_ref ref, struct slot *slot)
{
	(*(uint32_t *)owner)++;
}

static void
end(void *owner, struct slot_ref ref, struct slot *slot)
{
	slot_give(owner, ref);
}

static uint32_t
sessions(void)
{
	uint32_t seen = 0;

	slot_each(kit.shm, SHM_NOBODY, count, &seen);
	return seen;
}

struct row {
	const char *step;
	uint32_t    sessions;	/* of the dead one's */
};

/* The first one is there until it has ended, the second one from its beginning. */
static const struct row rows[] = {
	{ "slot: owned", 1 },
	{ "slot: cleared", 1 },
	{ "slot: begun", 2 },
	{ "slot: moved", 2 },
	{ "slot: turned", 1 },
	{ "slot: ended", 1 },
	{ "slot: emptied", 1 },
};

static void
what_the_dead_had_is_counted(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slot_ref mine = kit_slot(&kit);
		struct shm *heir;

		die_at(rows[i].step);
		assert_int_equal(slot_count(kit.shm), rows[i].sessions + 1);
		assert_int_equal(sessions(), rows[i].sessions + 1);
		heir = kit_worker(&kit, 1);
		shm_recover(heir);
		assert_int_equal(slot_count(kit.shm), rows[i].sessions + 1);
		slot_each(heir, 1, end, heir);
		assert_int_equal(slot_count(kit.shm), 1);
		slot_give(kit.shm, mine);
		assert_int_equal(slot_count(kit.shm), 0);
		shm_detach(&heir);
	}
}

/* What is told at once may be wrong by those deaths, until all processes have gone. */
static void
a_new_master_counts_anew(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		die_at(rows[i].step);
		shm_take_over(kit.shm);
		assert_int_equal(kit.shm->instance->sessions_about, slot_count(kit.shm));
	}
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(what_the_dead_had_is_counted),
		FACT(a_new_master_counts_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
