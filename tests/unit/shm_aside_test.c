/* shm_aside_test.c -- facts about memory that cannot be used: named, set aside, never deleted. */
#include "tests/unit/shm_kit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/result.h"
#include "shm/aside.h"
#include "shm/ring.h"
#include "shm/segments.h"

/* A memory of two workers and a ring, which nobody has open any more. */
static void
make(struct kit *kit)
{
	kit_begin(kit, 2, 100, 1 << 20);
	assert_int_equal(ring_create(kit->shm, 3, 4096), RESULT_OK);
	kit_append(kit, kit_slot(kit), SLICE("kept"));
	shm_detach(&kit->shm);
}

static void
end(struct kit *kit)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf %s/*", kit->directory);
	assert_int_equal(system(command), 0);
	kit_end(kit);
}

static void
path_of(const struct kit *kit, const char *name, char path[200])
{
	snprintf(path, 200, "%s/%s", kit->directory, name);
}

static void
scribble(const struct kit *kit, const char *name, size_t offset)
{
	char path[200];
	uint32_t word;
	int fd;

	path_of(kit, name, path);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &word, sizeof(word), (off_t)offset), sizeof(word));
	word ^= 0xa5a5a5a5;
	assert_int_equal(pwrite(fd, &word, sizeof(word), (off_t)offset), sizeof(word));
	close(fd);
}

static int
count(const struct kit *kit, const char *start)
{
	DIR *directory = opendir(kit->directory);
	struct dirent *entry;
	int files = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL)
		files += strncmp(entry->d_name, start, strlen(start)) == 0;
	closedir(directory);
	return files;
}

static int
count_aside(const struct kit *kit, const char *name)
{
	char start[64];

	snprintf(start, sizeof(start), "%s.bad-", name);
	return count(kit, start);
}

static void
assert_set_aside(struct kit *kit, const char *name, const char *wrong)
{
	char text[100];

	snprintf(text, sizeof(text), "wrong=\"%s\"", wrong);
	assert_int_equal(aside_segments(kit->directory), 1);
	assert_int_equal(count_aside(kit, name), 1);
	assert_true(kit_logged(kit, text));
	snprintf(text, sizeof(text), "/%s wrong=", name);
	assert_true(kit_logged(kit, text));
}

static void
good_memory_stays_where_it_is(void **state)
{
	struct kit kit;

	make(&kit);
	assert_int_equal(aside_segments(kit.directory), 0);
	assert_int_equal(count(&kit, "arena.") + count(&kit, "effect."), 4);
	assert_int_equal(shm_attach(kit.directory, false, &kit.shm), RESULT_OK);
	kit_end(&kit);
}

static void
each_wrong_word_sets_its_segment_aside(void **state)
{
	static const struct {
		const char *name;
		size_t offset;
		const char *wrong;
	} rows[] = {
		{ "slots", offsetof(struct segment_header, magic), "magic" },
		{ "arena.1", offsetof(struct segment_header, layout), "layout version" },
		{ "effect.0", offsetof(struct segment_header, kind), "kind" },
		{ "dirty.1", offsetof(struct segment_header, number), "number" },
		{ "ring.3", offsetof(struct segment_header, unit), "unit size" },
		{ "slots", offsetof(struct segment_header, size), "size" },
		{ "ring.3", offsetof(struct segment_header, instance), "instance" },
		{ "arena.0", offsetof(struct segment_header, boot), "boot id" },
		{ "instance", offsetof(struct segment_header, magic), "magic" },
		{ "instance", offsetof(struct instance, workers), "count of workers" },
		{ "instance", offsetof(struct instance, max_sessions), "count of sessions" },
		{ "slots", sizeof(struct segment_header), "count of slots" },
		{ "arena.0", offsetof(struct arena_header, count), "count of blocks" },
		{ "arena.0", offsetof(struct arena_header, committed), "blocks in use" },
		{ "effect.1", offsetof(struct effect_header, steps_committed),
		  "memory in use" },
		{ "effect.1", offsetof(struct effect_header, staging_committed),
		  "memory in use" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kit kit;

		make(&kit);
		scribble(&kit, rows[i].name, rows[i].offset);
		assert_set_aside(&kit, rows[i].name, rows[i].wrong);
		end(&kit);
	}
}

static void
a_segment_of_another_length_is_set_aside(void **state)
{
	static const off_t sizes[] = { 0, 1, 127, 4096, 1 << 20 };
	static const char *const names[] = { "instance", "slots", "effect.0", "dirty.1" };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
			char path[200];
			struct kit kit;

			make(&kit);
			path_of(&kit, names[j], path);
			assert_int_equal(truncate(path, sizes[i]), 0);
			assert_set_aside(&kit, names[j], "size");
			end(&kit);
		}
}

static void
what_is_no_file_of_ours_is_set_aside(void **state)
{
	char path[200];
	struct kit kit;

	make(&kit);
	path_of(&kit, "dirty.0", path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_set_aside(&kit, "dirty.0", "type of file");
	end(&kit);

	make(&kit);
	path_of(&kit, "dirty.0", path);
	assert_int_equal(chmod(path, 0666), 0);
	assert_set_aside(&kit, "dirty.0", "mode");
	end(&kit);

	make(&kit);
	path_of(&kit, "dirty.0", path);
	if (chown(path, 1234, (gid_t)-1) != 0)
		print_message("SKIPPED: only root can give a file away\n");
	else
		assert_set_aside(&kit, "dirty.0", "owner");
	end(&kit);
}

/* Also where several times a second something is broken under one name. */
static void
what_was_set_aside_is_neither_removed_nor_in_the_way(void **state)
{
	struct shm_options options = { .workers = 2, .max_sessions = 100 };
	struct kit kit;

	make(&kit);
	for (int i = 1; i <= 3; i++) {
		scribble(&kit, "arena.0", 0);
		assert_int_equal(aside_segments(kit.directory), 1);
		assert_int_equal(shm_remove(kit.directory), RESULT_OK);
		assert_int_equal(count_aside(&kit, "arena.0"), i);
		options.runtime_dir = kit.directory;
		assert_int_equal(shm_create(&options, &kit.shm), RESULT_OK);
		shm_detach(&kit.shm);
	}
	assert_int_equal(aside_segments(kit.directory), 0);
	end(&kit);
}

static void
anything_can_be_set_aside_for_a_reason(void **state)
{
	char path[200];
	struct kit kit;

	make(&kit);
	path_of(&kit, "registry", path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(aside_one(kit.directory, "registry", "tables"), RESULT_OK);
	assert_int_equal(count_aside(&kit, "registry"), 1);
	assert_true(kit_logged(&kit, "wrong=\"tables\""));
	assert_int_equal(aside_one(kit.directory, "registry", "tables"), RESULT_FAILED);
	end(&kit);
}

static void
names_are_compared_as_a_whole(void **state)
{
	static const char *const good[] = { "instance", "slots", "arena.0", "effect.63",
					    "dirty.7", "ring.283" };
	static const char *const bad[] = { "",	     "slots.1",	   "arena.",	 "arena.00",
					   "arena.-1", "arena.0.bad-1", "ring.1 ", "control",
					   "slots.bad-1" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(segments_is_name(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(segments_is_name(bad[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_memory_stays_where_it_is),
		cmocka_unit_test(each_wrong_word_sets_its_segment_aside),
		cmocka_unit_test(a_segment_of_another_length_is_set_aside),
		cmocka_unit_test(what_is_no_file_of_ours_is_set_aside),
		cmocka_unit_test(what_was_set_aside_is_neither_removed_nor_in_the_way),
		cmocka_unit_test(anything_can_be_set_aside_for_a_reason),
		cmocka_unit_test(names_are_compared_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
