/* directories.c -- the data and runtime directories: made with the right owner, or refused with a hint. */
#include "process/directories.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/result.h"
#include "process/heartbeat.h"
#include "process/privileges.h"

#define LOCK_EVERY_MS 20

static int
fail(const char *event, const char *path)
{
	log_error(LOG_MASTER, event, "path=%s reason=\"%s\"", path, strerror(errno));
	return RESULT_FAILED;
}

static bool
is_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	bool empty = directory != NULL;

	if (directory == NULL) {
		if (copy >= 0)
			close(copy);
		return false;
	}
	while ((entry = readdir(directory)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			empty = false;
	closedir(directory);
	return empty;
}

static int
check_owner(int fd, const char *path, const struct identity *identity)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return fail("cannot look at a directory", path);
	if (identity->is_changed && st.st_uid == 0 && is_empty(fd)) {
		if (fchown(fd, identity->uid, identity->gid) != 0 || fstat(fd, &st) != 0)
			return fail("cannot hand a directory over", path);
	}
	if (st.st_uid != identity->uid) {
		log_error(LOG_MASTER, "a directory belongs to another user",
		    "path=%s owner=%u wanted=%u hint=\"chown %u:%u %s\"", path,
		    (unsigned)st.st_uid, (unsigned)identity->uid, (unsigned)identity->uid,
		    (unsigned)identity->gid, path);
		return RESULT_DENIED;
	}
	if ((st.st_mode & 0022) != 0) {
		log_error(LOG_MASTER, "others may write in a directory",
		    "path=%s hint=\"chmod go-w %s\"", path, path);
		return RESULT_DENIED;
	}
	return RESULT_OK;
}

/* Its own rights do not help where it may not pass through a directory above. */
static int
check_reach(const char *path, const struct identity *identity)
{
	int fd;

	privileges_lend(identity);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	privileges_return(identity);
	if (fd < 0) {
		log_error(LOG_MASTER, "the server's user cannot reach a directory",
		    "path=%s uid=%u reason=\"%s\"", path, (unsigned)identity->uid,
		    strerror(errno));
		return RESULT_DENIED;
	}
	close(fd);
	return RESULT_OK;
}

/* Its name is on disk, as far as that can be asked for: what is put into it is to survive a power cut. */
static void
sync_name(int directory)
{
	int above = openat(directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (above < 0)
		return;
	(void)fsync(above);
	close(above);
}

int
directories_make(const char *path, const struct identity *identity)
{
	bool is_new;
	int fd, rc;

	is_new = mkdir(path, 0700) == 0;
	if (!is_new && errno != EEXIST)
		return fail("cannot make a directory", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail("cannot open a directory", path);
	rc = check_owner(fd, path, identity);
	if (rc == RESULT_OK && is_new)
		sync_name(fd);
	close(fd);
	return rc == RESULT_OK ? check_reach(path, identity) : rc;
}

int
directories_lock(const char *runtime_dir, int wait_ms, int *out)
{
	uint64_t end = heartbeat_now_ms() + (uint64_t)wait_ms;
	int fd = open(runtime_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool is_told = false;

	if (fd < 0)
		return fail("cannot open the runtime directory", runtime_dir);
	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			close(fd);
			return fail("cannot lock the runtime directory", runtime_dir);
		}
		if (!is_told)
			log_warn(LOG_MASTER, "waiting for processes of another master",
			    "path=%s", runtime_dir);
		is_told = true;
		if (heartbeat_now_ms() >= end) {
			close(fd);
			return RESULT_TIMEOUT;
		}
		poll(NULL, 0, LOCK_EVERY_MS);
	}
	*out = fd;
	return RESULT_OK;
}
