/* look.c -- what the kernel tells of a test's processes: whether they sleep, and the time they have used. */
#include "look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/ensure.h"

struct look
look_at(pid_t pid)
{
	struct look look = { '?', 0 };
	char path[32];
	char line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		const char *count = strstr(line, "voluntary_ctxt_switches:");

		if (strncmp(line, "State:\t", 7) == 0)
			look.state = line[7];
		if (count != NULL)
			look.switches += strtoull(strchr(count, ':') + 1, NULL, 10);
	}
	if (file != NULL)
		fclose(file);
	return look;
}

uint64_t
look_ms(pid_t pid)
{
	struct timespec time;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0)
		return 0;
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

uint64_t
look_dead_ms(void)
{
	struct rusage dead;

	ensure(getrusage(RUSAGE_CHILDREN, &dead) == 0);
	return (uint64_t)(dead.ru_utime.tv_sec + dead.ru_stime.tv_sec) * 1000 +
	       (uint64_t)(dead.ru_utime.tv_usec + dead.ru_stime.tv_usec) / 1000;
}
