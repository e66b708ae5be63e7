/* shm_files.c -- the files that a server's memory stands in: found, and removed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/result.h"
#include "shm/segments.h"
#include "shm/shm.h"

/* Calls back for each, until one call returns false. RESULT_FAILED: the directory cannot be read. */
static int
each_segment(const char *runtime_dir, bool (*each)(void *owner, const char *name), void *owner)
{
	DIR *directory = opendir(runtime_dir);
	struct dirent *entry;

	if (directory == NULL)
		return RESULT_FAILED;
	while ((entry = readdir(directory)) != NULL)
		if (segments_is_name(entry->d_name) && !each(owner, entry->d_name))
			break;
	closedir(directory);
	return RESULT_OK;
}

static bool
on_first(void *owner, const char *name)
{
	snprintf(owner, 256, "%s", name);
	return false;
}

int
shm_check_empty(const char *runtime_dir)
{
	char name[256] = "";
	int result = each_segment(runtime_dir, on_first, name);

	if (result != RESULT_OK || name[0] == '\0')
		return result;
	log_error(LOG_SHM, "the runtime directory is in use", "path=%s/%s", runtime_dir, name);
	return RESULT_EXISTS;
}

bool
shm_is_there(const char *runtime_dir)
{
	char name[256] = "";

	return each_segment(runtime_dir, on_first, name) == RESULT_OK && name[0] != '\0';
}

bool
shm_is_of_earlier_boot(const char *runtime_dir)
{
	struct segment_header header;
	uint8_t boot[16];
	char path[600];
	bool differs = false;
	int fd;

	snprintf(path, sizeof(path), "%s/instance", runtime_dir);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	segment_boot_id(boot);
	if (pread(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
	    memcmp(header.magic, LAYOUT_MAGIC, sizeof(LAYOUT_MAGIC)) == 0)
		differs = memcmp(header.boot, boot, sizeof(boot)) != 0;
	close(fd);
	return differs;
}

static bool
master_lives(const char *runtime_dir)
{
	struct shm *shm;
	uint32_t pid;
	bool lives;

	if (shm_attach(runtime_dir, true, &shm) != RESULT_OK)
		return false;
	pid = atomic_load(&shm_page(shm, shm_master_number(shm))->pid);
	lives = pid != 0 && pid != (uint32_t)getpid() &&
	    (kill((pid_t)pid, 0) == 0 || errno == EPERM);
	shm_detach(&shm);
	return lives;
}

static bool
on_remove(void *owner, const char *name)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", (const char *)owner, name);
	(void)unlink(path);
	return true;
}

int
shm_remove(const char *runtime_dir)
{
	if (master_lives(runtime_dir))
		return RESULT_EXISTS;
	return each_segment(runtime_dir, on_remove, (void *)(uintptr_t)runtime_dir);
}
