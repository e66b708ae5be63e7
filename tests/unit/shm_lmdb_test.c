/* shm_lmdb_test.c -- facts about the door to LMDB: the rules that keep it safe among processes. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#undef BLOCK_SIZE	/* <sys/mount.h> has one too */

#include "base/memory.h"
#include "base/result.h"
#include "shm/layout.h"
#include "shm/lmdb.h"
#include "tests/folder.h"

static const char *const names[] = { "one", "two", "of a later version" };
static char directory[64];
static struct env *env;

static struct env_options
options_of(unsigned flags)
{
	return (struct env_options){
		.directory = directory,
		.flags = flags,
		.map_size = 4 << 20,
		.readers = 8,
		.tables = names,
		.table_count = 2,
		.layout = 1,
	};
}

static int
setup(void **state)
{
	struct env_options options = options_of(ENV_CREATE | ENV_VOLATILE);

	if (!folder_make(directory, "/dev/shm"))
		return -1;
	return env_open(&options, &env);
}

static int
teardown(void **state)
{
	char command[128];

	env_close(&env);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static int
put(struct env *where, const char *key, struct slice value)
{
	struct txn *txn = txn_write(where);

	txn_put(txn, 0, slice_from_text(key), value);
	return txn_commit(&txn);
}

static int
delete(struct env *where, const char *key)
{
	struct txn *txn = txn_write(where);

	txn_delete(txn, 0, slice_from_text(key));
	return txn_commit(&txn);
}

static bool
has(struct env *where, const char *key)
{
	struct txn *txn = txn_read(where);
	struct slice value;
	bool found = txn_get(txn, 0, slice_from_text(key), &value);

	txn_end(&txn);
	return found;
}

/* Runs act in a forked process; what it returns. */
static int
in_child(int (*act)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(act());
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* --- the rules --- */

static void
open_again(void)
{
	struct env_options options = options_of(ENV_READ_ONLY | ENV_VOLATILE);
	struct env *second;

	env_open(&options, &second);
}

/* unit_aborts() forks, so the first open must be the child's own. */
static void
open_twice(void)
{
	struct env_options options = options_of(ENV_VOLATILE);
	struct env *first;

	if (env_open(&options, &first) == RESULT_OK)
		open_again();
}

static void
open_once_more_after_closing(void)
{
	struct env_options options = options_of(ENV_VOLATILE);
	struct env *first;

	if (env_open(&options, &first) != RESULT_OK)
		abort();
	env_close(&first);
	open_again();
}

static void
use_after_fork(void)
{
	struct txn *txn = txn_read(env);

	txn_end(&txn);
}

static void
close_after_fork(void)
{
	env_close(&env);
}

static void
nest_reads(void)
{
	struct env_options options = options_of(ENV_VOLATILE);
	struct env *own;

	if (env_open(&options, &own) != RESULT_OK)
		return;
	txn_read(own);
	txn_read(own);
}

static void
write_read_only(void)
{
	struct env_options options = options_of(ENV_READ_ONLY | ENV_VOLATILE);
	struct env *own;

	if (env_open(&options, &own) == RESULT_OK)
		txn_write(own);
}

static void
a_misuse_ends_the_process(void **state)
{
	assert_true(unit_aborts(open_twice));
	assert_false(unit_aborts(open_once_more_after_closing));
	assert_true(unit_aborts(use_after_fork));
	assert_true(unit_aborts(close_after_fork));
	assert_true(unit_aborts(nest_reads));
	assert_true(unit_aborts(write_read_only));
}

static int
read_what_parent_wrote(void)
{
	struct env_options options = options_of(ENV_READ_ONLY | ENV_VOLATILE);
	struct env *own;

	return env_open(&options, &own) == RESULT_OK && has(own, "k") ? 0 : 1;
}

static void
another_process_reads_it(void **state)
{
	assert_int_equal(put(env, "k", SLICE("v")), RESULT_OK);
	assert_int_equal(in_child(read_what_parent_wrote), 0);
}

static int
write_as_later_version(void)
{
	struct env_options options = options_of(ENV_CREATE | ENV_VOLATILE);
	struct env *own;
	struct txn *txn;

	options.table_count = 3;
	if (env_open(&options, &own) != RESULT_OK)
		return 1;
	txn = txn_write(own);
	txn_put(txn, 2, SLICE("k"), SLICE("v"));
	return txn_commit(&txn);
}

static bool
is_met(void *owner, struct slice key, struct slice value)
{
	*(bool *)owner = true;
	return false;
}

static bool
finds(struct env *where, int table)
{
	struct txn *txn = txn_read(where);
	struct slice key, value;
	bool meets[4] = { false };

	meets[0] = txn_get(txn, table, SLICE("k"), &value);
	meets[1] = txn_last(txn, table, &key, &value) && txn_entries(txn, table) == 1;
	txn_each(txn, table, SLICE(""), SLICE(""), is_met, &meets[2]);
	txn_each_back(txn, table, SLICE(""), SLICE(""), is_met, &meets[3]);
	assert_int_equal(txn_error(txn), RESULT_OK);
	txn_end(&txn);
	for (int i = 1; i < 4; i++)
		assert_int_equal(meets[i], meets[0]);
	return meets[0];
}

static int
read_as_later_version(void)
{
	struct env_options options = options_of(ENV_READ_ONLY | ENV_VOLATILE);
	struct env *own;

	options.table_count = 3;
	if (env_open(&options, &own) != RESULT_OK)
		return 1;
	if (finds(own, 2) || !finds(own, 0))
		return 2;
	if (in_child(write_as_later_version) != 0)
		return 3;
	return finds(own, 2) && finds(own, 0) ? 0 : 4;
}

static void
a_table_of_a_later_version_is_empty_until_it_is_made(void **state)
{
	assert_int_equal(put(env, "k", SLICE("v")), RESULT_OK);
	assert_int_equal(in_child(read_as_later_version), 0);
}

static _Atomic int *go;

static int
open_and_count(void)
{
	struct env_options options = options_of(ENV_CREATE | ENV_VOLATILE);

	while (atomic_load(go) == 0)
		sched_yield();
	for (int i = 0; i < 50; i++) {
		struct slice value;
		struct txn *txn;
		uint64_t count = 0;
		struct env *own;

		if (env_open(&options, &own) != RESULT_OK)
			return 1;
		txn = txn_write(own);
		if (txn_get(txn, 0, SLICE("count"), &value))
			memcpy(&count, value.data, sizeof(count));
		count++;
		txn_put(txn, 0, SLICE("count"), slice_of(&count, sizeof(count)));
		if (txn_commit(&txn) != RESULT_OK)
			return 2;
		env_close(&own);
	}
	return 0;
}

/* prototypes: 0.9.26 to 0.9.31 lose updates and crash here without the lock. */
static void
opening_at_once_loses_nothing(void **state)
{
	pid_t child[6];
	struct slice value;
	struct txn *txn;
	uint64_t count = 0;
	int status;

	go = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 6; i++) {
		child[i] = fork();
		if (child[i] == 0)
			_exit(open_and_count());
	}
	atomic_store(go, 1);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(waitpid(child[i], &status, 0), child[i]);
		assert_int_equal(status, 0);
	}
	txn = txn_read(env);
	assert_true(txn_get(txn, 0, SLICE("count"), &value));
	memcpy(&count, value.data, sizeof(count));
	txn_end(&txn);
	assert_int_equal(count, 300);
	munmap((void *)go, 4096);
}

/* --- layouts --- */

static uint64_t
sum_of_file(const char *name)
{
	char path[128];
	unsigned char bytes[4096];
	uint64_t sum = 14695981039346656037u;
	ssize_t count;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_RDONLY);
	while ((count = read(fd, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < count; i++)
			sum = (sum ^ bytes[i]) * 1099511628211u;
	close(fd);
	return sum;
}

static void
another_layout_is_refused_untouched(void **state)
{
	struct env_options options = options_of(ENV_CREATE | ENV_VOLATILE);
	uint64_t before;

	assert_int_equal(put(env, "k", SLICE("v")), RESULT_OK);
	env_close(&env);
	before = sum_of_file("data.mdb");
	options.layout = 2;
	assert_int_equal(env_open(&options, &env), RESULT_LAYOUT);
	options.flags = ENV_READ_ONLY | ENV_VOLATILE;
	assert_int_equal(env_open(&options, &env), RESULT_LAYOUT);
	assert_true(sum_of_file("data.mdb") == before);
	options.layout = 1;
	assert_int_equal(env_open(&options, &env), RESULT_OK);
	assert_true(has(env, "k"));
}

static void
a_file_that_is_no_database_is_refused_untouched(void **state)
{
	struct env_options options = options_of(ENV_CREATE | ENV_VOLATILE);
	char command[128];
	uint64_t before;

	env_close(&env);
	snprintf(command, sizeof(command), "yes precious | head -c 20000 > %s/data.mdb", directory);
	assert_int_equal(system(command), 0);
	before = sum_of_file("data.mdb");
	assert_int_equal(env_open(&options, &env), RESULT_LAYOUT);
	assert_true(sum_of_file("data.mdb") == before);
}

static void
nothing_there_is_not_found(void **state)
{
	struct env_options options = options_of(ENV_READ_ONLY);
	struct env *none;
	char path[128];

	snprintf(path, sizeof(path), "%s/none", directory);
	options.directory = path;
	assert_int_equal(env_open(&options, &none), RESULT_NOT_FOUND);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(env_open(&options, &none), RESULT_NOT_FOUND);
}

/* --- transactions --- */

static void
an_error_stays_until_the_end(void **state)
{
	struct txn *txn = txn_write(env);
	struct slice value;

	txn_put(txn, 0, SLICE("before"), SLICE("v"));
	txn_put(txn, 0, SLICE_EMPTY, SLICE("a key must have bytes"));
	assert_int_equal(txn_error(txn), RESULT_INVALID);
	txn_put(txn, 0, SLICE("after"), SLICE("v"));
	assert_false(txn_get(txn, 0, SLICE("before"), &value));
	assert_false(txn_delete(txn, 0, SLICE("before")));
	assert_int_equal(txn_entries(txn, 0), 0);
	assert_int_equal(txn_commit(&txn), RESULT_INVALID);
	assert_null(txn);
	assert_false(has(env, "before"));
	assert_int_equal(put(env, "k", SLICE("v")), RESULT_OK);
}

static void
what_is_given_up_did_not_happen(void **state)
{
	struct txn *txn = txn_write(env);

	txn_put(txn, 0, SLICE("k"), SLICE("v"));
	txn_end(&txn);
	assert_null(txn);
	txn_end(&txn);
	assert_false(has(env, "k"));
}

static void
tables_are_apart(void **state)
{
	struct txn *txn = txn_write(env);
	struct slice value;

	txn_put(txn, 0, SLICE("k"), SLICE("first"));
	txn_put(txn, 1, SLICE("k"), SLICE("second"));
	assert_true(txn_delete(txn, 0, SLICE("k")));
	assert_false(txn_delete(txn, 0, SLICE("k")));
	assert_int_equal(txn_commit(&txn), RESULT_OK);
	txn = txn_read(env);
	assert_false(txn_get(txn, 0, SLICE("k"), &value));
	assert_true(txn_get(txn, 1, SLICE("k"), &value));
	assert_slice(value, "second");
	assert_int_equal(txn_entries(txn, 1), 1);
	txn_end(&txn);
}

static bool
join(void *owner, struct slice key, struct slice value)
{
	strncat(owner, key.data, key.length);
	strcat(owner, " ");
	return !slice_is(key, "stop");
}

static void
each_back_goes_through_a_prefix_downwards(void **state)
{
	static const char *const keys[] = { "b2", "a", "b1", "c", "b", "b3", "\xff\xff", "\xff" };
	char seen[64] = "";
	struct txn *txn;

	for (size_t i = 0; i < 8; i++)
		assert_int_equal(put(env, keys[i], SLICE("v")), RESULT_OK);
	txn = txn_read(env);
	txn_each_back(txn, 0, SLICE("b"), SLICE_EMPTY, join, seen);
	assert_string_equal(seen, "b3 b2 b1 b ");
	seen[0] = 0;
	txn_each_back(txn, 0, SLICE("b"), SLICE("b2"), join, seen);
	assert_string_equal(seen, "b2 b1 b ");
	seen[0] = 0;
	txn_each_back(txn, 0, SLICE("b"), SLICE("b22"), join, seen);
	assert_string_equal(seen, "b2 b1 b ");
	seen[0] = 0;
	txn_each_back(txn, 0, SLICE_EMPTY, SLICE_EMPTY, join, seen);
	assert_string_equal(seen, "\xff\xff \xff c b3 b2 b1 b a ");
	seen[0] = 0;
	txn_each_back(txn, 0, SLICE("\xff"), SLICE_EMPTY, join, seen);
	assert_string_equal(seen, "\xff\xff \xff ");
	seen[0] = 0;
	txn_each_back(txn, 0, SLICE("x"), SLICE_EMPTY, join, seen);
	txn_each_back(txn, 1, SLICE_EMPTY, SLICE_EMPTY, join, seen);
	txn_each_back(txn, 0, SLICE("b"), SLICE("a"), join, seen);
	assert_string_equal(seen, "");
	txn_end(&txn);
}

static void
each_goes_through_a_prefix_in_order(void **state)
{
	static const char *const keys[] = { "b2", "a", "b1", "c", "b", "b3", "\xff" };
	char seen[64] = "";
	struct txn *txn;
	struct slice key, value;

	for (size_t i = 0; i < 7; i++)
		assert_int_equal(put(env, keys[i], SLICE("v")), RESULT_OK);
	txn = txn_read(env);
	txn_each(txn, 0, SLICE("b"), SLICE_EMPTY, join, seen);
	assert_string_equal(seen, "b b1 b2 b3 ");
	seen[0] = 0;
	txn_each(txn, 0, SLICE("b"), SLICE("b2"), join, seen);
	assert_string_equal(seen, "b2 b3 ");
	seen[0] = 0;
	txn_each(txn, 0, SLICE_EMPTY, SLICE_EMPTY, join, seen);
	assert_string_equal(seen, "a b b1 b2 b3 c \xff ");
	seen[0] = 0;
	txn_each(txn, 0, SLICE("x"), SLICE_EMPTY, join, seen);
	txn_each(txn, 1, SLICE_EMPTY, SLICE_EMPTY, join, seen);
	assert_string_equal(seen, "");
	assert_true(txn_last(txn, 0, &key, &value));
	assert_slice(key, "\xff");
	assert_false(txn_last(txn, 1, &key, &value));
	txn_end(&txn);
}

static void
append_wants_the_greatest_key(void **state)
{
	struct txn *txn = txn_write(env);

	txn_append(txn, 0, SLICE("b"), SLICE("v"));
	txn_append(txn, 0, SLICE("c"), SLICE("v"));
	assert_int_equal(txn_error(txn), RESULT_OK);
	txn_append(txn, 0, SLICE("a"), SLICE("v"));
	assert_int_equal(txn_commit(&txn), RESULT_EXISTS);
}

static void
the_page_tells_what_is_open(void **state)
{
	struct process_page *page = memory_new(2 * sizeof(*page));
	struct process_page *aligned = (struct process_page *)(((uintptr_t)page + 4095) & ~4095ul);
	struct txn *read, *write;

	env_watch(env, aligned);
	read = txn_read(env);
	assert_true(atomic_load(&aligned->read_since_ms) != 0);
	assert_true(atomic_load(&aligned->lock_since_ms) == 0);
	write = txn_write(env);
	assert_true(atomic_load(&aligned->lock_since_ms) != 0);
	txn_end(&read);
	assert_true(atomic_load(&aligned->read_since_ms) == 0);
	txn_commit(&write);
	assert_true(atomic_load(&aligned->lock_since_ms) == 0);
	env_watch(env, NULL);
	memory_free(page);
}

/* --- dead and stopped readers --- */

static int
die_reading(void)
{
	struct env_options options = options_of(ENV_READ_ONLY | ENV_VOLATILE);
	struct env *own;

	if (env_open(&options, &own) != RESULT_OK)
		return 1;
	txn_read(own);
	raise(SIGKILL);
	return 2;
}

static void
dead_readers_are_cleared(void **state)
{
	for (int i = 0; i < 3; i++)
		assert_int_equal(in_child(die_reading), 128 + SIGKILL);
	assert_int_equal(env_reader_check(env), 3);
	assert_int_equal(env_reader_check(env), 0);
	/* And where nobody did, the next who finds no place does. */
	for (int i = 0; i < 30; i++)
		assert_int_equal(in_child(die_reading), 128 + SIGKILL);
	assert_int_equal(put(env, "k", SLICE("v")), RESULT_OK);
	assert_true(has(env, "k"));
}

static int
die_writing(void)
{
	struct env_options options = options_of(ENV_VOLATILE);
	struct env *own;
	struct txn *txn;

	if (env_open(&options, &own) != RESULT_OK)
		return 1;
	txn = txn_write(own);
	txn_put(txn, 0, SLICE("half"), SLICE("v"));
	raise(SIGKILL);
	return 2;
}

static void
a_dead_writer_holds_nobody_up(void **state)
{
	assert_int_equal(in_child(die_writing), 128 + SIGKILL);
	assert_int_equal(put(env, "k", SLICE("v")), RESULT_OK);
	assert_false(has(env, "half"));
}

/* --- full --- */

static char block[2000];

/* Puts records until it is full; how many there are. */
static int
fill(struct env *where)
{
	char key[16];

	for (int i = 0;; i++) {
		snprintf(key, sizeof(key), "key%06d", i);
		if (put(where, key, slice_of(block, sizeof(block))) != RESULT_OK)
			return i;
	}
}

static void
a_full_map_is_an_error_and_leaves_room_for_deletes(void **state)
{
	char key[16];
	int count, deleted = 0;

	assert_true(env_fill(env) < 0.1);
	count = fill(env);
	assert_true(count > 900);
	assert_true(env_fill(env) > 0.9);
	/* What four fifths promises: there, everything can still be taken back. */
	for (int i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "key%06d", i);
		deleted += delete(env, key) == RESULT_OK;
	}
	assert_int_equal(deleted, count);
	assert_true(env_fill(env) < 0.1);
	assert_int_equal(put(env, "k", slice_of(block, sizeof(block))), RESULT_OK);
}

static void
memory_stands_behind_the_file(void **state)
{
	char path[128];
	struct stat st;

	assert_int_equal(put(env, "k", SLICE("v")), RESULT_OK);
	snprintf(path, sizeof(path), "%s/data.mdb", directory);
	assert_int_equal(stat(path, &st), 0);
	assert_true((uint64_t)st.st_blocks * 512 >= 1 << 20);
	snprintf(path, sizeof(path), "%s/lock.mdb", directory);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_blocks * 512 >= st.st_size);
}

/* A tmpfs of this process alone at directory/small. False: this machine does not let us mount one. */
static bool
mount_small(const char *size)
{
	char path[128];

	if ((geteuid() != 0 && unshare(CLONE_NEWUSER) != 0) || unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return false;
	snprintf(path, sizeof(path), "%s/small", directory);
	return (mkdir(path, 0700) == 0 || errno == EEXIST) &&
	    mount("tmpfs", path, "tmpfs", 0, size) == 0;
}

static void
fill_small(void)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/small/junk", directory);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	while (write(fd, block, sizeof(block)) > 0)
		;
	close(fd);
}

static int
put_numbered(struct env *where, int number)
{
	char key[16];

	snprintf(key, sizeof(key), "key%06d", number);
	return put(where, key, slice_of(block, sizeof(block)));
}

static int
open_small(unsigned flags, struct env **own)
{
	struct env_options options = options_of(ENV_CREATE | flags);
	char path[128];

	snprintf(path, sizeof(path), "%s/small/env", directory);
	options.directory = path;
	return env_open(&options, own);
}

#define CANNOT_MOUNT 77

static int
live_on_a_full_tmpfs(void)
{
	struct env *own;
	char key[16];
	int count = 0;

	if (!mount_small("size=2m"))
		return CANNOT_MOUNT;
	if (open_small(ENV_VOLATILE, &own) != RESULT_OK)
		return 1;
	while (count < 200)
		if (put_numbered(own, count++) != RESULT_OK)
			return 2;
	fill_small();
	while (count < 2000 && put_numbered(own, count) == RESULT_OK)
		count++;
	if (count == 2000 || put(own, "more", SLICE("v")) != RESULT_FULL)
		return 3;
	for (int i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "key%06d", i);
		if (!has(own, key) || delete(own, key) != RESULT_OK)
			return 4;
	}
	/* What was taken back can be used again, though the tmpfs is as full as before. */
	return put(own, "k", SLICE("v")) == RESULT_OK && has(own, "k") ? 0 : 5;
}

static int
open_on_a_full_tmpfs(void)
{
	struct env *own;

	if (!mount_small("size=64k"))
		return CANNOT_MOUNT;
	fill_small();
	return open_small(ENV_VOLATILE, &own) == RESULT_FULL ? 0 : 1;
}

/* A commit of many pages is cut short at the end of the disk. */
static int
commit_on_a_full_disk(void)
{
	struct env *own;
	struct txn *txn;
	int result = RESULT_OK;

	if (!mount_small("size=2m"))
		return CANNOT_MOUNT;
	if (open_small(0, &own) != RESULT_OK || put_numbered(own, 0) != RESULT_OK)
		return 1;
	for (int round = 0; round < 100 && result == RESULT_OK; round++) {
		txn = txn_write(own);
		for (int i = 0; i < 37; i++) {
			int number = 1000 + round * 37 + i;

			txn_put(txn, 0, slice_of(&number, sizeof(number)),
			    slice_of(block, sizeof(block)));
		}
		result = txn_commit(&txn);
	}
	if (result != RESULT_FULL)
		return 2;
	return has(own, "key000000") ? 0 : 3;
}

static void
a_full_tmpfs_is_an_error(void **state)
{
	int result = in_child(live_on_a_full_tmpfs);

	if (result == CANNOT_MOUNT) {
		print_message("SKIPPED: a_full_tmpfs_is_an_error: cannot mount a tmpfs of its own "
			      "(needs root, or user namespaces)\n");
		skip();
	}
	assert_int_equal(result, 0);
	assert_int_equal(in_child(open_on_a_full_tmpfs), 0);
	assert_int_equal(in_child(commit_on_a_full_disk), 0);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(a_misuse_ends_the_process),
		FACT(another_process_reads_it),
		FACT(a_table_of_a_later_version_is_empty_until_it_is_made),
		FACT(opening_at_once_loses_nothing),
		FACT(another_layout_is_refused_untouched),
		FACT(a_file_that_is_no_database_is_refused_untouched),
		FACT(nothing_there_is_not_found),
		FACT(an_error_stays_until_the_end),
		FACT(what_is_given_up_did_not_happen),
		FACT(tables_are_apart),
		FACT(each_back_goes_through_a_prefix_downwards),
		FACT(each_goes_through_a_prefix_in_order),
		FACT(append_wants_the_greatest_key),
		FACT(the_page_tells_what_is_open),
		FACT(dead_readers_are_cleared),
		FACT(a_dead_writer_holds_nobody_up),
		FACT(a_full_map_is_an_error_and_leaves_room_for_deletes),
		FACT(memory_stands_behind_the_file),
		FACT(a_full_tmpfs_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
