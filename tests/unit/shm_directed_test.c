/* shm_directed_test.c -- facts about directed presence in the registry. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/result.h"
#include "shm/registry_record.h"
#include "tests/folder.h"

static char directory[64];
static struct shm *shm;
static struct registry *registry;
static const struct slot_ref a = { 3, 1 }, b = { 3, 3 };

static int
setup(void **state)
{
	struct shm_options options = { directory, 2, 100, 1 << 20 };

	if (!folder_make(directory, "/dev/shm") || shm_create(&options, &shm) != RESULT_OK)
		return -1;
	shm_join(shm, 0);
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

static bool
collect(void *owner, struct slice bare, struct slice address)
{
	char *text = owner;
	size_t used = strlen(text);

	snprintf(text + used, 400 - used, SLICE_FMT "=" SLICE_FMT " ", SLICE_ARG(bare),
	    SLICE_ARG(address));
	return true;
}

static const char *
all(struct slot_ref session)
{
	static char text[400];
	struct txn *txn = registry_read(registry);

	text[0] = 0;
	registry_directed(registry, txn, session, collect, text);
	txn_end(&txn);
	return text;
}

static int
direct(struct slot_ref session, const char *address, uint32_t max)
{
	struct slice text = slice_from_text(address);

	return registry_direct(registry, session, slice_of(text.data, slice_find(text, '/')), text,
	    max);
}

static void
an_address_is_kept_once_as_it_was_used_last(void **state)
{
	assert_int_equal(direct(a, "room@localhost/one", 2), RESULT_OK);
	assert_int_equal(direct(a, "room@localhost/two", 2), RESULT_OK);
	assert_string_equal(all(a), "room@localhost=room@localhost/two ");
	assert_int_equal(registry_undirect(registry, a, SLICE("room@localhost")), RESULT_OK);
	assert_int_equal(registry_undirect(registry, a, SLICE("room@localhost")),
	    RESULT_NOT_FOUND);
	assert_string_equal(all(a), "");
}

static void
there_is_a_limit_for_each_session(void **state)
{
	assert_int_equal(direct(a, "a@localhost", 2), RESULT_OK);
	assert_int_equal(direct(a, "b@localhost", 2), RESULT_OK);
	assert_int_equal(direct(a, "c@localhost", 2), RESULT_FULL);
	assert_int_equal(direct(a, "b@localhost/x", 2), RESULT_OK);
	assert_int_equal(direct(b, "c@localhost", 2), RESULT_OK);
}

static void
the_next_session_of_a_slot_has_directed_nothing(void **state)
{
	assert_int_equal(direct(a, "a@localhost", 9), RESULT_OK);
	assert_string_equal(all(b), "");
	assert_int_equal(direct(b, "b@localhost", 9), RESULT_OK);
	assert_int_equal(registry_undirect_all(registry, a), RESULT_OK);
	assert_string_equal(all(a), "");
	assert_string_equal(all(b), "b@localhost=b@localhost ");
}

static uint64_t
same_hash(const struct shm *memory, struct slice name)
{
	return 1;
}

static void
two_addresses_of_one_hash_do_not_overwrite_each_other(void **state)
{
	registry->hash = same_hash;
	assert_int_equal(direct(a, "a@localhost", 9), RESULT_OK);
	assert_int_equal(direct(a, "b@localhost", 9), RESULT_FULL);
	assert_string_equal(all(a), "a@localhost=a@localhost ");
}

static void
hundreds_go_at_once(void **state)
{
	char address[32];

	for (int i = 0; i < 200; i++) {
		snprintf(address, sizeof(address), "c%d@localhost", i);
		assert_int_equal(direct(a, address, 200), RESULT_OK);
	}
	assert_int_equal(registry_undirect_all(registry, a), RESULT_OK);
	assert_string_equal(all(a), "");
}

static void
an_address_that_does_not_fit_is_refused(void **state)
{
	static char address[REGISTRY_JID_MAX + REGISTRY_RESOURCE_MAX + 2];

	memset(address, 'x', sizeof(address));
	assert_int_equal(registry_direct(registry, a, slice_of(address, 10),
			     slice_of(address, sizeof(address)), 9), RESULT_INVALID);
	assert_int_equal(registry_direct(registry, a, SLICE("b@localhost"), SLICE("a@localhost"),
			     9), RESULT_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(an_address_is_kept_once_as_it_was_used_last),
		TEST(there_is_a_limit_for_each_session),
		TEST(the_next_session_of_a_slot_has_directed_nothing),
		TEST(two_addresses_of_one_hash_do_not_overwrite_each_other),
		TEST(hundreds_go_at_once),
		TEST(an_address_that_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
