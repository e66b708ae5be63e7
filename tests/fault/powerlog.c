/* powerlog.c -- loaded into a server before all others (LD_PRELOAD): logs what is written to its data directory, and synced. */

/*
 * POWERLOG names the log, which the test maps too, POWERLOG_DIR the directory; powerlog.py has the other side. All
 * processes append to it, each record at a place of its own. A write is logged before it is made, for from then on it may
 * be on disk; a sync once it has returned, for then only it is. What must be on disk at an end of the log is thus synced by a
 * record before it. Once a process is in its sandbox it asks nothing of the kernel here that it does not ask otherwise.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS	   4096
#define PATH_BYTES 40

/* The order of powerlog.KINDS. */
enum kind {
	KIND_NONE,		/* its process was killed before it said how long it is */
	KIND_BEGUN,		/* or before what it tells was done */
	KIND_FOLDER,		/* the path was made */
	KIND_FILE,
	KIND_WRITE,		/* bytes at offset */
	KIND_SIZE,		/* the file has offset bytes at least */
	KIND_CUT,		/* or at most */
	KIND_SYNC,		/* of all that the path was written before */
	KIND_SYNC_ONE,		/* of the record at offset */
	KIND_RENAME,		/* its bytes are its new name */
	KIND_UNLINK,		/* the file was removed */
	KIND_UNKNOWN		/* what the replay knows nothing of */
};

struct log {
	_Atomic uint64_t end;	/* past its size: what came then is missing */
	uint64_t	 size;
};

struct record {
	_Atomic uint64_t head;	/* kind, and above it the length: said at once, for who writes may be killed */
	uint64_t	 offset;
	char		 path[PATH_BYTES];
	uint8_t		 bytes[];
};

struct opened {
	bool is_ours;
	bool is_synced;		/* each write by itself: O_DSYNC */
	char path[PATH_BYTES];
};

static struct log *log_memory;
static const char *directory;
static struct opened opened[FDS];

#define REAL(name)                                                               \
	static __typeof__(&name) real;                                           \
	if (real == NULL)                                                        \
		real = (__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void
start(void)
{
	const char *path = getenv("POWERLOG");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	struct stat st;
	void *memory;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0) {
		memory = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_NORESERVE, fd, 0);
		if (memory != MAP_FAILED) {
			directory = getenv("POWERLOG_DIR");
			log_memory = memory;
		}
	}
	close(fd);
}

/* --- the log --- */

/* Of a path in the directory the rest; NULL: elsewhere. */
static const char *
inside(const char *path)
{
	size_t length = directory == NULL ? 0 : strlen(directory);

	if (length == 0 || strncmp(path, directory, length) != 0)
		return NULL;
	return path[length] == '/' ? path + length + 1 : path[length] == '\0' ? "" : NULL;
}

static uint64_t
head_of(enum kind kind, size_t length)
{
	return (uint64_t)length << 32 | kind;
}

/* Room for the bytes at its end; NULL: none. */
static struct record *
begin(const char *path, uint64_t offset, size_t length)
{
	uint64_t size = (sizeof(struct record) + length + 7) / 8 * 8;
	uint64_t place = atomic_fetch_add(&log_memory->end, size);
	struct record *record;

	if (place + size > log_memory->size)
		return NULL;
	record = (struct record *)((uint8_t *)log_memory + place);
	atomic_store(&record->head, head_of(KIND_BEGUN, length));
	record->offset = offset;
	snprintf(record->path, sizeof(record->path), "%s", path);
	return record;
}

/* Where it stands; 0: there was no room. */
static uint64_t
finish(struct record *record, enum kind kind)
{
	size_t length;

	if (record == NULL)
		return 0;
	length = atomic_load(&record->head) >> 32;
	atomic_store_explicit(&record->head, head_of(kind, length), memory_order_release);
	return (uint64_t)((uint8_t *)record - (uint8_t *)log_memory);
}

static uint64_t
note(enum kind kind, const char *path, uint64_t offset)
{
	return finish(begin(path, offset, 0), kind);
}

static struct opened *
find(int fd)
{
	return fd >= 0 && fd < FDS && opened[fd].is_ours ? &opened[fd] : NULL;
}

/* What is refused then, or done by half, counts as a write of which any part may be on disk. */
static uint64_t
note_write(const struct opened *file, const struct iovec *pieces, int count, off_t offset)
{
	struct record *record;
	size_t length = 0, done = 0;

	for (int i = 0; i < count; i++)
		length += pieces[i].iov_len;
	record = begin(file->path, (uint64_t)offset, length);
	for (int i = 0; i < count && record != NULL; i++) {
		memcpy(record->bytes + done, pieces[i].iov_base, pieces[i].iov_len);
		done += pieces[i].iov_len;
	}
	return finish(record, KIND_WRITE);
}

static ssize_t
note_written(const struct opened *file, uint64_t record, ssize_t rc)
{
	if (rc > 0 && file->is_synced)
		note(KIND_SYNC_ONE, file->path, record);
	return rc;
}

/* --- files and folders --- */

static void
on_open(int fd, const char *path, int flags, bool was_there)
{
	const char *rest = inside(path);

	if (fd < 0 || fd >= FDS)
		return;
	opened[fd].is_ours = rest != NULL;
	if (rest == NULL)
		return;
	opened[fd].is_synced = (flags & (O_DSYNC | O_SYNC)) != 0;
	snprintf(opened[fd].path, sizeof(opened[fd].path), "%s", rest);
	if (!was_there)
		note(KIND_FILE, rest, 0);
	if ((flags & O_TRUNC) != 0)
		note(KIND_CUT, rest, 0);
}

static bool
is_there(const char *path, int flags)
{
	return inside(path) == NULL || (flags & O_CREAT) == 0 || access(path, F_OK) == 0;
}

static mode_t
mode_of(int flags, va_list list)
{
	return (flags & O_CREAT) != 0 ? va_arg(list, mode_t) : 0;
}

int
open(const char *path, int flags, ...)
{
	bool was_there = is_there(path, flags);
	va_list list;
	mode_t mode;
	int fd;

	REAL(open);
	va_start(list, flags);
	mode = mode_of(flags, list);
	va_end(list);
	fd = real(path, flags, mode);
	on_open(fd, path, flags, was_there);
	return fd;
}

int
close(int fd)
{
	REAL(close);
	if (find(fd) != NULL)
		opened[fd].is_ours = false;
	return real(fd);
}

int
mkdir(const char *path, mode_t mode)
{
	const char *rest = inside(path);
	int rc;

	REAL(mkdir);
	rc = real(path, mode);
	if (rc == 0 && rest != NULL)
		note(KIND_FOLDER, rest, 0);
	return rc;
}

int
unlink(const char *path)
{
	const char *rest = inside(path);
	int rc;

	REAL(unlink);
	rc = real(path);
	if (rc == 0 && rest != NULL)
		note(KIND_UNLINK, rest, 0);
	return rc;
}

int
rename(const char *from, const char *to)
{
	const char *rest = inside(from), *name = inside(to);
	struct record *record;

	REAL(rename);
	if (rest != NULL && name != NULL) {
		record = begin(rest, 0, strlen(name));
		if (record != NULL)
			memcpy(record->bytes, name, strlen(name));
		finish(record, KIND_RENAME);
	}
	return real(from, to);
}

/* --- bytes --- */

ssize_t
pwrite(int fd, const void *data, size_t size, off_t offset)
{
	struct opened *file = find(fd);
	struct iovec piece = { (void *)(uintptr_t)data, size };

	REAL(pwrite);
	if (file == NULL)
		return real(fd, data, size, offset);
	return note_written(file, note_write(file, &piece, 1, offset), real(fd, data, size, offset));
}

ssize_t
writev(int fd, const struct iovec *pieces, int count)
{
	struct opened *file = find(fd);
	uint64_t record;

	REAL(writev);
	if (file == NULL)
		return real(fd, pieces, count);
	record = note_write(file, pieces, count, lseek(fd, 0, SEEK_CUR));
	return note_written(file, record, real(fd, pieces, count));
}

ssize_t
pwritev(int fd, const struct iovec *pieces, int count, off_t offset)
{
	struct opened *file = find(fd);
	uint64_t record;

	REAL(pwritev);
	if (file == NULL)
		return real(fd, pieces, count, offset);
	record = note_write(file, pieces, count, offset);
	return note_written(file, record, real(fd, pieces, count, offset));
}

ssize_t
write(int fd, const void *data, size_t size)
{
	struct iovec piece = { (void *)(uintptr_t)data, size };

	REAL(write);
	return find(fd) == NULL ? real(fd, data, size) : writev(fd, &piece, 1);
}

/* --- sizes --- */

int
ftruncate(int fd, off_t length)
{
	struct opened *file = find(fd);

	REAL(ftruncate);
	if (file != NULL)
		note(KIND_CUT, file->path, (uint64_t)length);
	return real(fd, length);
}

int
posix_fallocate(int fd, off_t offset, off_t length)
{
	struct opened *file = find(fd);

	REAL(posix_fallocate);
	if (file != NULL)
		note(KIND_SIZE, file->path, (uint64_t)(offset + length));
	return real(fd, offset, length);
}

int
fallocate(int fd, int mode, off_t offset, off_t length)
{
	struct opened *file = find(fd);

	REAL(fallocate);
	if (file != NULL)
		note(KIND_UNKNOWN, file->path, (uint64_t)mode);
	return real(fd, mode, offset, length);
}

/* --- syncs --- */

static int
note_sync(int fd, int rc)
{
	struct opened *file = find(fd);

	if (rc == 0 && file != NULL)
		note(KIND_SYNC, file->path, 0);
	return rc;
}

int
fdatasync(int fd)
{
	REAL(fdatasync);
	return note_sync(fd, real(fd));
}

int
fsync(int fd)
{
	REAL(fsync);
	return note_sync(fd, real(fd));
}
