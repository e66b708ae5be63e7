/* still_file.c -- for fuzz targets: what LMDB writes goes straight into the pages that it reads. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/random.h"

/*
 * These have the names of libc's, and so LMDB and expat find them first. A file on tmpfs is mapped when something is
 * written to it for the first time; what would make it longer goes to the kernel, and it is mapped anew.
 */
#define FILES	256
#define UNKNOWN ((off_t)-1)

struct file {
	char  *memory;		/* NULL: not mapped (yet) */
	size_t size;
	off_t  position;	/* where lseek() was; UNKNOWN: the kernel was told */
};

static struct file files[FILES];

static void
map_file(int fd, struct file *file)
{
	struct stat status;
	char path[40];
	int again;
	void *memory;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0)
		return;
	again = open(path, O_RDWR | O_CLOEXEC);		/* LMDB's own may be for writing alone */
	if (again < 0)
		return;
	memory = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0);
	close(again);
	if (memory == MAP_FAILED)
		return;
	*file = (struct file){ memory, (size_t)status.st_size, UNKNOWN };
}

static struct file *
file_of(int fd)
{
	return fd >= 0 && fd < FILES ? &files[fd] : NULL;
}

/* NULL: the kernel does it. */
static char *
place_in(int fd, off_t offset, size_t size)
{
	struct file *file = file_of(fd);

	if (file == NULL || offset < 0)
		return NULL;
	if (file->memory == NULL)
		map_file(fd, file);
	if (file->memory == NULL)
		return NULL;
	if (size <= file->size && (size_t)offset <= file->size - size)
		return file->memory + offset;
	munmap(file->memory, file->size);
	file->memory = NULL;
	return NULL;
}

ssize_t
pwrite(int fd, const void *data, size_t size, off_t offset)
{
	char *place = place_in(fd, offset, size);

	if (place == NULL)
		return syscall(SYS_pwrite64, fd, data, size, offset);
	memcpy(place, data, size);
	return (ssize_t)size;
}

off_t
lseek(int fd, off_t offset, int whence)
{
	struct file *file = file_of(fd);

	if (file == NULL || file->memory == NULL || whence != SEEK_SET)
		return syscall(SYS_lseek, fd, offset, whence);
	file->position = offset;
	return offset;
}

ssize_t
writev(int fd, const struct iovec *parts, int count)
{
	struct file *file = file_of(fd);
	size_t size = 0;
	char *place;

	if (file == NULL || file->memory == NULL || file->position == UNKNOWN)
		return syscall(SYS_writev, fd, parts, count);
	for (int i = 0; i < count; i++)
		size += parts[i].iov_len;
	place = place_in(fd, file->position, size);
	if (place == NULL)
		return syscall(SYS_pwritev, fd, parts, count, file->position, 0);
	for (int i = 0; i < count; i++) {
		memcpy(place, parts[i].iov_base, parts[i].iov_len);
		place += parts[i].iov_len;
	}
	file->position = UNKNOWN;
	return (ssize_t)size;
}

int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

/* The salt of expat's hashes. */
void
arc4random_buf(void *out, size_t size)
{
	random_bytes(out, size);
}
