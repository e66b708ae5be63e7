/* segment.c -- files on tmpfs that several processes map: made, checked, grown, given back. */
#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "base/log.h"
#include "base/result.h"

static int
fail(const char *event, const char *directory, const char *name, int result)
{
	log_error(LOG_SHM, event, "path=%s/%s reason=%s", directory, name,
	    result == RESULT_FAILED ? strerror(errno) : result_text(result));
	return result;
}

static int
open_at(const char *directory, const char *name, int flags)
{
	char path[600];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static int
result_of_errno(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG ? RESULT_FULL : RESULT_FAILED;
}

int
segment_check_directory(const char *directory)
{
	struct statfs fs;
	struct stat st;

	if (stat(directory, &st) != 0 || statfs(directory, &fs) != 0)
		return fail("cannot use the runtime directory", directory, "", RESULT_FAILED);
	if (fs.f_type != TMPFS_MAGIC) {
		log_error(LOG_SHM, "the runtime directory is not on tmpfs",
		    "path=%s hint=choose one below /run or /dev/shm", directory);
		return RESULT_INVALID;
	}
	if ((st.st_mode & 0022) != 0) {
		log_error(LOG_SHM, "the runtime directory can be written by others",
		    "path=%s mode=%o", directory, (unsigned)st.st_mode & 07777);
		return RESULT_DENIED;
	}
	return RESULT_OK;
}

static void
read_boot_id(uint8_t out[16])
{
	char text[64] = "";
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	int digits = 0;

	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) > 0) {
		for (const char *c = text; *c != 0 && digits < 32; c++) {
			const char *hex = "0123456789abcdef";
			const char *found = strchr(hex, *c);

			if (found != NULL) {
				out[digits / 2] = (uint8_t)(out[digits / 2] << 4 | (found - hex));
				digits++;
			}
		}
	}
	close(fd);
}

/* No process outlives its boot. */
void
segment_boot_id(uint8_t out[16])
{
	static const uint8_t unknown[16];
	static uint8_t boot[16];

	if (memcmp(boot, unknown, sizeof(boot)) == 0)
		read_boot_id(boot);
	memcpy(out, boot, sizeof(boot));
}

static void
write_header(struct segment_header *header, const struct segment_identity *identity)
{
	header->layout = LAYOUT_VERSION;
	header->kind = identity->kind;
	header->number = identity->number;
	header->unit = identity->unit;
	header->size = identity->size;
	header->instance = identity->instance;
	segment_boot_id(header->boot);
	atomic_thread_fence(memory_order_release);
	memcpy(header->magic, LAYOUT_MAGIC, sizeof(LAYOUT_MAGIC));
}

int
segment_create(struct segment *segment, const char *directory, const char *name,
    const struct segment_identity *identity, size_t committed)
{
	int fd = open_at(directory, name, O_RDWR | O_CREAT | O_EXCL);
	int result;

	if (fd < 0)
		return fail("cannot make shared memory", directory, name,
		    errno == EEXIST ? RESULT_EXISTS : RESULT_FAILED);
	segment->fd = fd;
	segment->size = identity->size;
	segment->memory = MAP_FAILED;
	if (ftruncate(fd, (off_t)identity->size) != 0) {
		result = result_of_errno(errno);
		goto out;
	}
	result = segment_commit(segment, 0, committed);
	if (result != RESULT_OK)
		goto out;
	segment->memory = mmap(NULL, identity->size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (segment->memory == MAP_FAILED) {
		result = RESULT_FAILED;
		goto out;
	}
	write_header(segment->memory, identity);
	return RESULT_OK;
out:
	fail("cannot make shared memory", directory, name, result);
	close(fd);
	segment->fd = -1;
	segment->memory = NULL;
	return result;
}

const char *
segment_wrong_field(const struct segment_header *header, const struct segment_identity *identity,
    uint64_t file_size)
{
	uint8_t boot[16];

	if (memcmp(header->magic, LAYOUT_MAGIC, sizeof(LAYOUT_MAGIC)) != 0)
		return "magic";
	if (header->layout != LAYOUT_VERSION)
		return "layout version";
	if (header->kind != identity->kind)
		return "kind";
	if (header->number != identity->number)
		return "number";
	if (header->unit != identity->unit)
		return "unit size";
	if (header->size != file_size || (identity->size != 0 && identity->size != file_size))
		return "size";
	if (identity->instance != 0 && header->instance != identity->instance)
		return "instance";
	segment_boot_id(boot);
	if (memcmp(header->boot, boot, sizeof(boot)) != 0)
		return "boot id";
	return NULL;
}

/* Reads the header through the descriptor: a file without memory behind it must not be touched. */
static int
check_header(int fd, const struct segment_identity *identity, uint64_t *size,
    const char **field)
{
	struct segment_header header;
	struct stat st;

	*field = "owner";
	if (fstat(fd, &st) != 0)
		return RESULT_FAILED;
	if (st.st_uid != geteuid() && geteuid() != 0)
		return RESULT_DENIED;
	*field = "size";
	if (st.st_size < (off_t)sizeof(header) ||
	    pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header))
		return RESULT_LAYOUT;
	*size = (uint64_t)st.st_size;
	*field = segment_wrong_field(&header, identity, *size);
	return *field == NULL ? RESULT_OK : RESULT_LAYOUT;
}

int
segment_attach(struct segment *segment, const char *directory, const char *name,
    const struct segment_identity *identity, bool read_only)
{
	int fd = open_at(directory, name, read_only ? O_RDONLY : O_RDWR);
	const char *field;
	uint64_t size;
	int result;

	segment->fd = -1;
	segment->memory = NULL;
	if (fd < 0)
		return errno == ENOENT ? RESULT_NOT_FOUND
				       : fail("cannot open shared memory", directory, name,
					     RESULT_FAILED);
	result = check_header(fd, identity, &size, &field);
	if (result != RESULT_OK) {
		log_error(LOG_SHM, "shared memory refused", "path=%s/%s wrong=%s", directory,
		    name, field);
		close(fd);
		return result;
	}
	segment->memory = mmap(NULL, size, read_only ? PROT_READ : PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (segment->memory == MAP_FAILED) {
		segment->memory = NULL;
		result = fail("cannot map shared memory", directory, name, RESULT_FAILED);
		close(fd);
		return result;
	}
	segment->size = size;
	segment->fd = fd;
	return RESULT_OK;
}

void
segment_detach(struct segment *segment)
{
	if (segment->memory == NULL)
		return;
	munmap(segment->memory, segment->size);
	close(segment->fd);
	segment->memory = NULL;
	segment->fd = -1;
}

int
segment_commit(struct segment *segment, size_t offset, size_t length)
{
	int error = posix_fallocate(segment->fd, (off_t)offset, (off_t)length);

	while (error == EINTR)
		error = posix_fallocate(segment->fd, (off_t)offset, (off_t)length);
	errno = error;
	return error == 0 ? RESULT_OK : result_of_errno(error);
}

void
segment_discard(struct segment *segment, size_t offset, size_t length)
{
	(void)fallocate(segment->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
	    (off_t)length);
}

uint64_t
segment_room(const struct segment *segment)
{
	struct statfs fs;

	if (fstatfs(segment->fd, &fs) != 0 || fs.f_blocks == 0)	/* 0: a tmpfs without a limit */
		return UINT64_MAX;
	return (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize;
}
