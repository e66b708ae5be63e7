/* proc.c -- what the kernel knows of a process: its processor time and its memory. */
#include "ctl/proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
read_text(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	ssize_t count;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	count = read(fd, out, size - 1);
	close(fd);
	if (count < 0)
		return false;
	out[count] = '\0';
	return true;
}

/* proc(5): utime and stime are fields 14 and 15; the name in field 2 may hold anything. */
static uint64_t
cpu_ms(const char *stat)
{
	const char *rest = strrchr(stat, ')');
	unsigned long long user, kernel;

	if (rest == NULL ||
	    sscanf(rest + 1, " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu",
		   &user, &kernel) != 2)
		return 0;
	return (user + kernel) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

static uint64_t
rss_bytes(const char *statm)
{
	unsigned long long pages;

	if (sscanf(statm, "%*s %llu", &pages) != 1)
		return 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

bool
proc_read(pid_t pid, struct proc *proc)
{
	char text[4096];
	const char *pss;

	*proc = (struct proc){ 0 };
	if (!read_text(pid, "stat", text, sizeof(text)))
		return false;
	proc->cpu_ms = cpu_ms(text);
	if (read_text(pid, "statm", text, sizeof(text)))
		proc->rss_bytes = rss_bytes(text);
	if (read_text(pid, "smaps_rollup", text, sizeof(text)) &&
	    (pss = strstr(text, "\nPss:")) != NULL) {
		proc->pss_bytes = strtoull(pss + 5, NULL, 10) * 1024;
		proc->has_pss = true;
	}
	return true;
}
