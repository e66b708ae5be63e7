/* pid_file.c -- one master at a time: a file with its process number, locked while it lives. */
#include "process/pid_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/result.h"

/* The lock of fcntl() belongs to a process, so that it ends with the master though children hold the file open. */
static int
take_lock(int fd, pid_t *holder)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	*holder = 0;
	if (fcntl(fd, F_SETLK, &lock) == 0)
		return RESULT_OK;
	if (errno != EACCES && errno != EAGAIN)
		return RESULT_FAILED;
	if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		*holder = lock.l_pid;
	return RESULT_EXISTS;
}

/* A former owner may have removed the file between our open() and our lock. */
static int
is_same_file(int fd, const char *path)
{
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && lstat(path, &named) == 0 &&
	    opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

int
pid_file_write(const char *path, pid_t guardian, int *fd, pid_t *holder)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	int rc;

	if (guardian != 0)
		length += snprintf(text + length, sizeof(text) - (size_t)length, "%d\n",
		    (int)guardian);

	for (;;) {
		*fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0644);
		if (*fd < 0)
			return RESULT_FAILED;
		rc = take_lock(*fd, holder);
		if (rc != RESULT_OK || is_same_file(*fd, path))
			break;
		close(*fd);
	}
	if (rc == RESULT_OK &&
	    (ftruncate(*fd, 0) != 0 || pwrite(*fd, text, (size_t)length, 0) != length))
		rc = RESULT_FAILED;
	if (rc != RESULT_OK) {
		int saved_errno = errno;

		close(*fd);
		*fd = -1;
		errno = saved_errno;
	}
	return rc;
}

void
pid_file_remove(const char *path, int *fd)
{
	if (*fd < 0)
		return;
	if (is_same_file(*fd, path))
		unlink(path);
	close(*fd);
	*fd = -1;
}
