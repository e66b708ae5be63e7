/* landlock.c -- gives up paths, ports and signals through the kernel's Landlock. */
#include "process/landlock.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glibc has no functions for these, and the headers of Debian 12 know less than its newer kernels. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self  446
#endif
#define CREATE_VERSION 1u

struct ruleset {
	uint64_t paths;
	uint64_t ports;
	uint64_t scoped;
};

/* What each version can take away, all of it: how many bits, and how much of the struct it knows. */
static const struct {
	uint8_t paths, ports, scoped;
	size_t	size;
} versions[] = {
	{ 0, 0, 0, 0 },
	{ 13, 0, 0, 8 },
	{ 14, 0, 0, 8 },	/* moving between directories */
	{ 15, 0, 0, 8 },	/* truncation */
	{ 15, 2, 0, 16 },	/* TCP: bind and connect */
	{ 16, 2, 0, 16 },	/* ioctl of devices */
	{ 16, 2, 2, 24 },	/* abstract sockets, signals */
};

#define VERSIONS (sizeof(versions) / sizeof(versions[0]))

static uint64_t
bits(unsigned count)
{
	return (UINT64_C(1) << count) - 1;
}

int
landlock_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

	return version < 0 ? 0 : (int)version;
}

bool
landlock_enter(void)
{
	size_t version = (size_t)landlock_version();
	struct ruleset all;
	long fd, rc;

	if (version == 0)
		return false;
	if (version >= VERSIONS)
		version = VERSIONS - 1;
	all = (struct ruleset){ bits(versions[version].paths), bits(versions[version].ports),
		bits(versions[version].scoped) };
	fd = syscall(SYS_landlock_create_ruleset, &all, versions[version].size, 0);
	if (fd < 0)
		return false;
	rc = syscall(SYS_landlock_restrict_self, (int)fd, 0);
	close((int)fd);
	return rc == 0;
}
