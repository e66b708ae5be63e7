/* lmdb_guard.c -- who may open an environment when: one opener at a time, once a process. */
#include "shm/lmdb_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/result.h"

#define OPEN_MAX_ENVS 16

/*
 * LMDB holds its places in the lock file by fcntl(2): closing a second descriptor of it in
 * one process gives them up, and then two processes write at once.
 */
static struct opened {
	pid_t pid;		/* 0: free. Another one's: inherited by a fork, and not ours */
	dev_t device;
	ino_t inode;
} opened[OPEN_MAX_ENVS];

static pid_t process;

static void
on_fork(void)
{
	process = getpid();
}

pid_t
env_guard_pid(void)
{
	if (process == 0) {
		process = getpid();
		ensure(pthread_atfork(NULL, NULL, on_fork) == 0);
	}
	return process;
}

static int
remember(const struct stat *st)
{
	pid_t me = env_guard_pid();
	int place = -1;

	for (int i = 0; i < OPEN_MAX_ENVS; i++) {
		bool is_mine = opened[i].pid == me;
		bool is_open_already = is_mine && opened[i].device == st->st_dev &&
		    opened[i].inode == st->st_ino;

		ensure(!is_open_already);
		if (!is_mine && place < 0)
			place = i;
	}
	ensure(place >= 0);
	opened[place] = (struct opened){ me, st->st_dev, st->st_ino };
	return place;
}

int
env_guard_init(struct env_guard *guard, const char *directory)
{
	char path[600];
	struct stat st;

	if (snprintf(path, sizeof(path), "%s/open.lock", directory) >= (int)sizeof(path))
		return RESULT_INVALID;
	guard->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (guard->fd < 0 || fstat(guard->fd, &st) != 0) {
		int result = errno == ENOENT ? RESULT_NOT_FOUND
		    : errno == EACCES	     ? RESULT_DENIED
		    : errno == ENOSPC	     ? RESULT_FULL
					     : RESULT_FAILED;

		if (guard->fd >= 0)
			close(guard->fd);
		guard->fd = -1;
		return result;
	}
	guard->place = remember(&st);
	guard->pid = env_guard_pid();
	return RESULT_OK;
}

void
env_guard_clear(struct env_guard *guard)
{
	ensure(guard->pid == env_guard_pid());
	opened[guard->place].pid = 0;
	close(guard->fd);
	guard->fd = -1;
}

void
env_guard_lock(struct env_guard *guard)
{
	int rc;

	do
		rc = flock(guard->fd, LOCK_EX);
	while (rc != 0 && errno == EINTR);
	ensure(rc == 0);
}

void
env_guard_unlock(struct env_guard *guard)
{
	ensure(flock(guard->fd, LOCK_UN) == 0);
}
