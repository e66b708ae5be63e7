/* shm_kit.c -- a shared memory of its own for a unit test. */
#include "tests/folder.h"
#include "tests/unit/shm_kit.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "base/log.h"
#include "base/result.h"

static void
catch_log(struct kit *kit)
{
	kit->log = memfd_create("log", MFD_CLOEXEC);
	assert_true(kit->log >= 0);
	log_to_fd(kit->log);
}

void
kit_directory(struct kit *kit)
{
	kit->shm = NULL;
	assert_true(folder_make(kit->directory, "/dev/shm"));
	catch_log(kit);
}

void
kit_begin(struct kit *kit, uint32_t workers, uint32_t sessions, uint64_t arena_bytes)
{
	struct shm_options options;

	kit_directory(kit);
	options = (struct shm_options){ kit->directory, workers, sessions, arena_bytes };
	assert_int_equal(shm_create(&options, &kit->shm), RESULT_OK);
	shm_join(kit->shm, 0);
}

void
kit_end(struct kit *kit)
{
	shm_detach(&kit->shm);
	assert_int_equal(shm_remove(kit->directory), RESULT_OK);
	assert_int_equal(rmdir(kit->directory), 0);
	log_to_fd(STDERR_FILENO);
	close(kit->log);
}

struct shm *
kit_worker(struct kit *kit, uint32_t number)
{
	struct shm *shm;

	assert_int_equal(shm_attach(kit->directory, false, &shm), RESULT_OK);
	shm_join(shm, number);
	return shm;
}

bool
kit_logged(struct kit *kit, const char *text)
{
	static char all[1 << 16];
	ssize_t length = pread(kit->log, all, sizeof(all) - 1, 0);

	assert_true(length >= 0);
	all[length] = 0;
	return strstr(all, text) != NULL;
}

struct slot_ref
kit_slot(struct kit *kit)
{
	struct slot_ref ref;

	assert_int_equal(slot_take(kit->shm, &ref), RESULT_OK);
	return ref;
}

int
kit_draft(struct kit *kit, struct slot_ref target, struct slice payload)
{
	struct effect_piece piece = { 0, (uint32_t)payload.length };
	char *memory;
	int result;

	effect_draft(kit->shm, (struct slot_ref){ UINT32_MAX, 0 }, 0, false);
	result = effect_stage(kit->shm, (uint32_t)payload.length, &memory, &piece.offset);
	if (result != RESULT_OK)
		return result;
	memcpy(memory, payload.data, payload.length);
	return effect_add(kit->shm, target, ENTRY_MESSAGE, 0, &piece, 1);
}

int
kit_append(struct kit *kit, struct slot_ref target, struct slice payload)
{
	int result = kit_draft(kit, target, payload);

	return result == RESULT_OK ? effect_run(kit->shm) : result;
}

struct slice
kit_bytes(size_t length, unsigned seed)
{
	static char bytes[1 << 20];

	assert_true(length <= sizeof(bytes));
	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)((i * 131 + seed * 7 + length) >> (i & 3));
	return slice_of(bytes, length);
}

void
kit_small_tmpfs(struct kit *kit, size_t bytes)
{
	char options[64];

	kit_directory(kit);
	snprintf(options, sizeof(options), "size=%zu,mode=0700", bytes);
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", kit->directory, "tmpfs", 0, options) != 0) {
		print_message(
		    "SKIPPED: a full tmpfs is not tested: cannot mount one (%s)\n",
		    strerror(errno));
		rmdir(kit->directory);
		skip();
	}
}

void
kit_small_end(struct kit *kit)
{
	assert_int_equal(umount(kit->directory), 0);
	rmdir(kit->directory);
	log_to_fd(STDERR_FILENO);
	close(kit->log);
}

bool
kit_is_empty(const struct kit *kit)
{
	DIR *directory = opendir(kit->directory);
	struct dirent *entry;
	int files = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL)
		files += entry->d_name[0] != '.';
	closedir(directory);
	return files == 0;
}
