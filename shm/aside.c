/* aside.c -- memory that cannot be used is renamed, for somebody to look at, and never deleted. */
#include "shm/aside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "shm/segments.h"

#define AGAIN_MAX 100	/* of one name in one second */

/* Nothing is written over: a name in use gets a number behind it. */
static int
rename_at(int directory, const char *name, char *other, size_t size)
{
	unsigned long long now = clock_wall_us() / 1000000;
	int result = -1;

	errno = EEXIST;
	for (int i = 0; i < AGAIN_MAX && result != 0 && errno == EEXIST; i++) {
		if (i == 0)
			snprintf(other, size, "%s.bad-%llu", name, now);
		else
			snprintf(other, size, "%s.bad-%llu-%d", name, now, i);
		result = renameat2(directory, name, directory, other, RENAME_NOREPLACE);
	}
	return result;
}

static int
set_aside(const char *path, int directory, const char *name, const char *wrong)
{
	char other[300];

	if (rename_at(directory, name, other, sizeof(other)) != 0) {
		log_error(LOG_SHM, "cannot set memory aside that is broken",
		    "path=%s/%s wrong=\"%s\" reason=\"%s\"", path, name, wrong, strerror(errno));
		return RESULT_FAILED;
	}
	log_error(LOG_SHM, "memory is broken: set aside",
	    "path=%s/%s wrong=\"%s\" is_now=%s hint=\"it is not used; remove it when you have "
	    "looked at it\"",
	    path, name, wrong, other);
	return RESULT_OK;
}

struct broken {
	char	    name[256];
	const char *wrong;
};

struct found {
	struct broken *broken;
	size_t	       count;
};

static void
add(struct found *found, const char *name, const char *wrong)
{
	found->broken =
	    memory_resize(found->broken, (found->count + 1) * sizeof(*found->broken));
	snprintf(found->broken[found->count].name, sizeof(found->broken->name), "%s", name);
	found->broken[found->count++].wrong = wrong;
}

/* Looked at first and renamed then: a directory that changes is not read on. */
static void
find_broken(DIR *directory, const char *path, struct found *found)
{
	struct segments_shape shape;
	const char *wrong;
	bool has_shape = segments_read_shape(path, &shape, &wrong) == RESULT_OK;
	const struct dirent *entry;

	while ((entry = readdir(directory)) != NULL)
		if (segments_is_name(entry->d_name) &&
		    segments_check(path, entry->d_name, has_shape ? &shape : NULL, &wrong) ==
			RESULT_LAYOUT)
			add(found, entry->d_name, wrong);
}

int
aside_segments(const char *path)
{
	DIR *directory = opendir(path);
	struct found found = { 0 };
	int result = RESULT_OK;
	int count;

	if (directory == NULL)
		return errno == ENOENT ? 0 : RESULT_FAILED;
	find_broken(directory, path, &found);
	for (size_t i = 0; i < found.count && result == RESULT_OK; i++)
		result = set_aside(path, dirfd(directory), found.broken[i].name,
		    found.broken[i].wrong);
	closedir(directory);
	count = (int)found.count;
	memory_free(found.broken);
	return result == RESULT_OK ? count : result;
}

int
aside_one(const char *path, const char *name, const char *wrong)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result;

	if (fd < 0)
		return RESULT_FAILED;
	result = set_aside(path, fd, name, wrong);
	close(fd);
	return result;
}

static void
add_all(DIR *directory, struct found *found)
{
	const struct dirent *entry;

	while ((entry = readdir(directory)) != NULL)
		if (segments_is_name(entry->d_name) || strcmp(entry->d_name, "registry") == 0)
			add(found, entry->d_name, NULL);
}

int
aside_all(const char *path, const char *why)
{
	DIR *directory = opendir(path);
	struct found found = { 0 };
	char other[300];
	int result = RESULT_OK;

	if (directory == NULL)
		return RESULT_FAILED;
	add_all(directory, &found);
	for (size_t i = 0; i < found.count && result == RESULT_OK; i++)
		if (rename_at(dirfd(directory), found.broken[i].name, other, sizeof(other)) != 0)
			result = RESULT_FAILED;
	if (result == RESULT_OK)
		log_warn(LOG_SHM, "memory set aside",
		    "path=\"%s/*.bad-*\" reason=\"%s\" hint=\"it is not used; remove it when you "
		    "have looked at it\"",
		    path, why);
	else
		log_error(LOG_SHM, "cannot set memory aside", "path=%s reason=\"%s\"", path,
		    strerror(errno));
	closedir(directory);
	memory_free(found.broken);
	return result;
}
