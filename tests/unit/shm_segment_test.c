/* shm_segment_test.c -- facts about segments, and why some are refused. */
#include "tests/unit/shm_kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/result.h"
#include "shm/segment.h"

#define SIZE (64u << 10)

static const struct segment_identity identity = { SEGMENT_RING, 3, 8, SIZE, 77 };

static void
make(struct kit *kit)
{
	struct segment segment;

	kit_directory(kit);
	assert_int_equal(
	    segment_create(&segment, kit->directory, "ring.3", &identity, 4096),
	    RESULT_OK);
	memcpy((char *)segment.memory + 200, "hello", 5);
	segment_detach(&segment);
}

static int
attach(struct kit *kit, struct segment *segment)
{
	return segment_attach(segment, kit->directory, "ring.3", &identity, false);
}

static void
scribble(struct kit *kit, size_t offset, const void *bytes, size_t length)
{
	char path[100];
	int fd;

	snprintf(path, sizeof(path), "%s/ring.3", kit->directory);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, length, (off_t)offset), length);
	close(fd);
}

static void
set_size(struct kit *kit, off_t size)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/ring.3", kit->directory);
	assert_int_equal(truncate(path, size), 0);
}

static void
what_one_process_made_another_maps(void **state)
{
	struct segment segment;
	struct kit kit;

	make(&kit);
	assert_int_equal(attach(&kit, &segment), RESULT_OK);
	assert_int_equal(segment.size, SIZE);
	assert_memory_equal((char *)segment.memory + 200, "hello", 5);
	segment_detach(&segment);
	segment_detach(&segment);
	kit_end(&kit);
}

static void
an_existing_file_is_not_made_again(void **state)
{
	struct segment segment;
	struct kit kit;

	make(&kit);
	assert_int_equal(
	    segment_create(&segment, kit.directory, "ring.3", &identity, 4096),
	    RESULT_EXISTS);
	assert_int_equal(attach(&kit, &segment), RESULT_OK);
	assert_memory_equal((char *)segment.memory + 200, "hello", 5);
	segment_detach(&segment);
	kit_end(&kit);
}

static void
each_wrong_field_is_refused_by_its_name(void **state)
{
	static const struct {
		size_t offset;
		const char *name;
	} fields[] = { { offsetof(struct segment_header, magic), "wrong=magic" },
		       { offsetof(struct segment_header, layout),
			 "wrong=layout version" },
		       { offsetof(struct segment_header, kind), "wrong=kind" },
		       { offsetof(struct segment_header, number), "wrong=number" },
		       { offsetof(struct segment_header, unit), "wrong=unit size" },
		       { offsetof(struct segment_header, size), "wrong=size" },
		       { offsetof(struct segment_header, instance), "wrong=instance" },
		       { offsetof(struct segment_header, boot), "wrong=boot id" } };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct segment segment;
		struct kit kit;

		make(&kit);
		scribble(&kit, fields[i].offset, "\xa5", 1);
		assert_int_equal(attach(&kit, &segment), RESULT_LAYOUT);
		assert_null(segment.memory);
		assert_true(kit_logged(&kit, fields[i].name));
		kit_end(&kit);
	}
}

static void
a_file_of_another_length_is_refused(void **state)
{
	static const off_t sizes[] = { 0,
				       1,
				       sizeof(struct segment_header) - 1,
				       sizeof(struct segment_header),
				       SIZE - 1,
				       SIZE + 1 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct segment segment;
		struct kit kit;

		make(&kit);
		set_size(&kit, sizes[i]);
		assert_int_equal(attach(&kit, &segment), RESULT_LAYOUT);
		assert_true(kit_logged(&kit, "wrong=size"));
		kit_end(&kit);
	}
}

static void
a_missing_file_is_not_found_and_a_link_not_followed(void **state)
{
	struct segment segment;
	char from[100];
	char to[100];
	struct kit kit;

	make(&kit);
	snprintf(from, sizeof(from), "%s/ring.3", kit.directory);
	snprintf(to, sizeof(to), "%s/ring.4", kit.directory);
	assert_int_equal(
	    segment_attach(&segment, kit.directory, "ring.4", &identity, false),
	    RESULT_NOT_FOUND);
	assert_int_equal(symlink(from, to), 0);
	assert_int_equal(
	    segment_attach(&segment, kit.directory, "ring.4", &identity, false),
	    RESULT_FAILED);
	kit_end(&kit);
}

static void
a_directory_must_be_on_tmpfs_and_ours(void **state)
{
	struct kit kit;

	kit_directory(&kit);
	assert_int_equal(segment_check_directory(kit.directory), RESULT_OK);
	assert_int_equal(chmod(kit.directory, 0777), 0);
	assert_int_equal(segment_check_directory(kit.directory), RESULT_DENIED);
	assert_int_equal(segment_check_directory("/proc/self"), RESULT_INVALID);
	assert_true(kit_logged(&kit, "not on tmpfs"));
	assert_int_equal(segment_check_directory("/dev/shm/rookery-nowhere"),
			 RESULT_FAILED);
	kit_end(&kit);
}

static void
memory_that_was_given_back_is_free_again(void **state)
{
	struct segment segment;
	struct stat before;
	struct stat after;
	struct kit kit;

	make(&kit);
	assert_int_equal(attach(&kit, &segment), RESULT_OK);
	assert_int_equal(segment_commit(&segment, 0, SIZE), RESULT_OK);
	assert_int_equal(fstat(segment.fd, &before), 0);
	segment_discard(&segment, 8192, SIZE - 8192);
	assert_int_equal(fstat(segment.fd, &after), 0);
	assert_int_equal(before.st_blocks - after.st_blocks, (SIZE - 8192) / 512);
	assert_int_equal(after.st_size, SIZE);
	segment_detach(&segment);
	kit_end(&kit);
}

static void
a_full_tmpfs_is_an_answer_when_a_segment_is_made(void **state)
{
	struct segment segment;
	struct kit kit;

	kit_small_tmpfs(&kit, 32u << 10);
	assert_int_equal(
	    segment_create(&segment, kit.directory, "ring.3", &identity, SIZE),
	    RESULT_FULL);
	kit_small_end(&kit);
}

static void
a_full_tmpfs_is_an_answer_when_a_segment_grows(void **state)
{
	struct segment segment;
	struct kit kit;

	kit_small_tmpfs(&kit, 32u << 10);
	assert_int_equal(
	    segment_create(&segment, kit.directory, "ring.3", &identity, 4096),
	    RESULT_OK);
	assert_int_equal(segment_commit(&segment, 4096, 8192), RESULT_OK);
	assert_int_equal(segment_commit(&segment, 12288, SIZE - 12288), RESULT_FULL);
	memset((char *)segment.memory + 4096, 1, 8192);
	segment_detach(&segment);
	kit_small_end(&kit);
}

static void
a_memory_that_finds_no_room_leaves_nothing_behind(void **state)
{
	struct shm_options options = { .workers = 4, .max_sessions = 100 };
	struct kit kit;

	kit_small_tmpfs(&kit, sizeof(struct instance) + 24576);
	options.runtime_dir = kit.directory;
	assert_int_equal(shm_create(&options, &kit.shm), RESULT_FULL);
	assert_true(kit_is_empty(&kit));
	kit_small_end(&kit);
}

static void
a_memory_is_not_made_over_another(void **state)
{
	struct shm_options options = { .workers = 1, .max_sessions = 100 };
	struct shm *again;
	struct kit kit;

	make(&kit);
	options.runtime_dir = kit.directory;
	assert_int_equal(shm_create(&options, &again), RESULT_EXISTS);
	assert_int_equal(shm_remove(kit.directory), RESULT_OK);
	assert_true(kit_is_empty(&kit));
	assert_int_equal(shm_create(&options, &kit.shm), RESULT_OK);
	assert_int_equal(shm_create(&options, &again), RESULT_EXISTS);
	assert_int_equal(shm_attach(kit.directory, true, &again), RESULT_OK);
	shm_detach(&again);
	kit_end(&kit);
}

static void
a_refused_creation_adds_no_file(void **state)
{
	struct shm_options options = { .workers = 1, .max_sessions = 100 };
	struct segment segment;
	struct shm *shm;
	struct kit kit;

	make(&kit);
	options.runtime_dir = kit.directory;
	assert_int_equal(shm_create(&options, &shm), RESULT_EXISTS);
	assert_int_equal(attach(&kit, &segment), RESULT_OK);
	segment_detach(&segment);
	assert_int_equal(
	    segment_attach(&segment, kit.directory, "instance",
			   &(struct segment_identity){ .kind = SEGMENT_INSTANCE }, true),
	    RESULT_NOT_FOUND);
	kit_end(&kit);
}

static void
a_segment_of_another_server_is_refused(void **state)
{
	struct shm_options options = { .workers = 1, .max_sessions = 100 };
	char from[100];
	char to[100];
	struct shm *shm;
	struct kit kit;
	struct kit other;

	kit_begin(&kit, 1, 100, 0);
	kit_directory(&other);
	options.runtime_dir = other.directory;
	assert_int_equal(shm_create(&options, &other.shm), RESULT_OK);
	snprintf(from, sizeof(from), "%s/slots", other.directory);
	snprintf(to, sizeof(to), "%s/slots", kit.directory);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(shm_attach(kit.directory, false, &shm), RESULT_LAYOUT);
	assert_true(kit_logged(&other, "wrong=instance"));
	kit_end(&kit);
	log_to_fd(other.log);
	kit_end(&other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_one_process_made_another_maps),
		cmocka_unit_test(an_existing_file_is_not_made_again),
		cmocka_unit_test(each_wrong_field_is_refused_by_its_name),
		cmocka_unit_test(a_file_of_another_length_is_refused),
		cmocka_unit_test(a_missing_file_is_not_found_and_a_link_not_followed),
		cmocka_unit_test(a_directory_must_be_on_tmpfs_and_ours),
		cmocka_unit_test(memory_that_was_given_back_is_free_again),
		cmocka_unit_test(a_full_tmpfs_is_an_answer_when_a_segment_is_made),
		cmocka_unit_test(a_full_tmpfs_is_an_answer_when_a_segment_grows),
		cmocka_unit_test(a_memory_that_finds_no_room_leaves_nothing_behind),
		cmocka_unit_test(a_memory_is_not_made_over_another),
		cmocka_unit_test(a_refused_creation_adds_no_file),
		cmocka_unit_test(a_segment_of_another_server_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
