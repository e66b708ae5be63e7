/* shm_resume_test.c -- facts about resume ids in the registry. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/result.h"
#include "shm/registry_resume.h"
#include "shm/slots.h"
#include "tests/folder.h"

static char directory[64];
static struct shm *shm;
static struct registry *registry;
static struct slot_ref session;

static int
setup(void **state)
{
	struct shm_options options = { directory, 1, 10, 1 << 20 };

	if (!folder_make(directory, "/dev/shm") || shm_create(&options, &shm) != RESULT_OK)
		return -1;
	shm_join(shm, 0);
	if (slot_take(shm, &session) != RESULT_OK)
		return -1;
	return registry_open(shm, true, false, &registry);
}

static int
teardown(void **state)
{
	char command[128];

	registry_close(&registry);
	shm_detach(&shm);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

/* The n-th id. */
static struct slice
id(int n)
{
	static char text[RESUME_ID_SIZE + 1];

	snprintf(text, sizeof(text), "%0*d", RESUME_ID_SIZE, n);
	return slice_of(text, RESUME_ID_SIZE);
}

static bool
find(uint64_t account, struct slice name, struct resumable *found)
{
	struct txn *txn = registry_read(registry);
	bool is_found = registry_resumable(registry, txn, account, name, found);

	txn_end(&txn);
	return is_found;
}

static void
an_id_names_its_session_for_its_account_alone(void **state)
{
	struct resumable found;

	assert_int_equal(registry_resume_keep(registry, 7, id(1), session), RESULT_OK);
	assert_true(find(7, id(1), &found));
	assert_int_equal(found.session.slot, session.slot);
	assert_int_equal(found.session.epoch, session.epoch);
	assert_false(found.is_over);
	assert_false(find(8, id(1), &found));
	assert_false(find(7, id(2), &found));
	assert_false(find(7, SLICE("short"), &found));
	assert_false(find(7, SLICE(""), &found));
}

static void
an_ended_session_leaves_its_count(void **state)
{
	struct resumable found;

	registry_resume_keep(registry, 7, id(1), session);
	assert_int_equal(registry_resume_end(registry, 7, id(1), 4294967295u, 1000), RESULT_OK);
	assert_true(find(7, id(1), &found));
	assert_true(found.is_over);
	assert_int_equal(found.h, 4294967295u);
}

static void
a_session_that_ended_without_a_word_is_not_found(void **state)
{
	struct resumable found;

	registry_resume_keep(registry, 7, id(1), session);
	slot_give(shm, session);
	assert_false(find(7, id(1), &found));
	assert_int_equal(registry_resume_sweep(registry, 0), 1);
}

static void
ten_of_an_account_are_kept_the_oldest_goes(void **state)
{
	struct resumable found;

	for (int i = 0; i < RESUME_ENDED_MAX; i++)
		registry_resume_end(registry, 7, id(i), 1, i == 4 ? 1 : 1000 + (uint64_t)i);
	registry_resume_end(registry, 7, id(99), 1, 2000);
	assert_false(find(7, id(4), &found));
	assert_true(find(7, id(0), &found));
	assert_true(find(7, id(99), &found));
}

/* 10 sessions may be: so 40 records, and not one for each account there ever was. */
static void
there_is_an_end_to_what_is_remembered_of_all(void **state)
{
	struct resumable found;
	int kept = 0;

	for (int i = 0; i < 100; i++)
		registry_resume_end(registry, (uint64_t)i + 1, id(i), 1, 1000);
	for (int i = 0; i < 100; i++)
		kept += find((uint64_t)i + 1, id(i), &found);
	assert_in_range(kept, 40, 41);
}

static void
what_is_old_is_swept(void **state)
{
	struct resumable found;

	registry_resume_keep(registry, 3, id(0), session);
	for (int i = 1; i < 40; i++)
		registry_resume_end(registry, (uint64_t)i, id(i), 1, (uint64_t)i);
	assert_int_equal(registry_resume_sweep(registry, 30), 29);
	assert_false(find(29, id(29), &found));
	assert_true(find(30, id(30), &found));
	assert_true(find(3, id(0), &found));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(an_id_names_its_session_for_its_account_alone),
		TEST(an_ended_session_leaves_its_count),
		TEST(a_session_that_ended_without_a_word_is_not_found),
		TEST(ten_of_an_account_are_kept_the_oldest_goes),
		TEST(there_is_an_end_to_what_is_remembered_of_all),
		TEST(what_is_old_is_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
