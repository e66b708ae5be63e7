/* shm_store_folder_test.c -- facts about the folders of the durable store: whole, or not there. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/result.h"
#include "shm/store.h"
#include "tests/folder.h"

static char directory[64];
static struct store *store;

static int
setup(void **state)
{
	if (!folder_make(directory, "/tmp"))
		return -1;
	strcat(directory, "/data");
	return 0;
}

static int
teardown(void **state)
{
	char command[128];

	store_close(&store);
	*strrchr(directory, '/') = 0;
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static const char *
path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static bool
is_there(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

/* As a power cut leaves it: it has its size, and none of its bytes. */
static void
leave_half(const char *folder, const char *file)
{
	int fd;

	assert_int_equal(mkdir(directory, 0700), 0);
	assert_int_equal(mkdir(path_of(folder), 0700), 0);
	fd = open(path_of(file), O_WRONLY | O_CREAT, 0600);
	assert_int_equal(ftruncate(fd, 8192), 0);
	close(fd);
}

static void
a_database_that_is_made_has_its_own_name(void **state)
{
	assert_int_equal(store_open(directory, STORE_CORE, true, &store), RESULT_OK);
	assert_true(is_there("core/data.mdb"));
	assert_false(is_there("core.new"));
}

static void
half_a_new_database_is_made_again(void **state)
{
	leave_half("msg.new", "msg.new/data.mdb");
	assert_int_equal(store_open(directory, STORE_MSG, true, &store), RESULT_OK);
	assert_true(is_there("msg/data.mdb"));
	assert_false(is_there("msg.new"));
}

/* What has its name was whole: that it is no more is no reason to begin anew. */
static void
a_database_that_is_broken_is_refused_and_left(void **state)
{
	leave_half("core", "core/data.mdb");
	assert_int_equal(store_open(directory, STORE_CORE, true, &store), RESULT_LAYOUT);
	assert_true(is_there("core/data.mdb"));
}

static void
a_reader_makes_nothing(void **state)
{
	assert_int_equal(mkdir(directory, 0700), 0);
	assert_int_equal(store_open(directory, STORE_CORE, false, &store), RESULT_NOT_FOUND);
	assert_false(is_there("core"));
	assert_false(is_there("core.new"));
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(a_database_that_is_made_has_its_own_name),
		FACT(half_a_new_database_is_made_again),
		FACT(a_database_that_is_broken_is_refused_and_left),
		FACT(a_reader_makes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
