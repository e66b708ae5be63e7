/* store_folder.c -- new databases are made aside, and get their names once they are on disk. */
#include "shm/store_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/result.h"

#define PATH_BYTES 600

static int
fail(const char *event, const char *path)
{
	log_error(LOG_STORE, event, "path=%s reason=\"%s\"", path, strerror(errno));
	return RESULT_FAILED;
}

/* False: it is too long, as errno says. */
static bool
path_of(char out[PATH_BYTES], const char *data_dir, const char *name, const char *file)
{
	errno = ENAMETOOLONG;
	return snprintf(out, PATH_BYTES, "%s/%s%s", data_dir, name, file) < PATH_BYTES;
}

/* Some file systems keep names without being asked, and say EINVAL. */
int
store_folder_sync(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);
	int result = rc == 0 || (fd >= 0 && errno == EINVAL)
	    ? RESULT_OK
	    : fail("cannot bring a directory to disk", path);

	if (fd >= 0)
		close(fd);
	return result;
}

int
store_folder_make(const char *data_dir)
{
	char above[PATH_BYTES];
	struct stat st;

	if (mkdir(data_dir, 0700) == 0)
		return path_of(above, data_dir, "..", "") ? store_folder_sync(above)
							  : fail("path too long", data_dir);
	if (errno != EEXIST)
		return fail("cannot make the data directory", data_dir);
	if (stat(data_dir, &st) == 0 && S_ISDIR(st.st_mode))
		return RESULT_OK;
	errno = ENOTDIR;
	return fail("cannot use the data directory", data_dir);
}

bool
store_folder_is_there(const char *data_dir, const char *name)
{
	char path[PATH_BYTES];

	return path_of(path, data_dir, name, "") && access(path, F_OK) == 0;
}

int
store_folder_begin(const char *data_dir, const char *aside)
{
	char path[PATH_BYTES];

	if (!path_of(path, data_dir, aside, "/data.mdb"))
		return fail("path too long", data_dir);
	if (unlink(path) == 0 || errno == ENOENT)
		return RESULT_OK;
	return fail("cannot remove half a database", path);
}

int
store_folder_finish(const char *data_dir, const char *aside, const char *name)
{
	char from[PATH_BYTES], to[PATH_BYTES];
	int result;

	if (!path_of(from, data_dir, aside, "") || !path_of(to, data_dir, name, ""))
		return fail("path too long", data_dir);
	result = store_folder_sync(from);
	if (result == RESULT_OK && rename(from, to) != 0)
		result = fail("cannot rename a new database", from);
	return result;
}
