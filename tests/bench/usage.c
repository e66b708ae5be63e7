/* usage.c -- what a server's processes have used, read from /proc. */
#include "tests/bench/usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int call_counters[USAGE_THREADS_MAX];
static int call_counter_count;

/* The whole file as text, cut at size; empty when it cannot be read. */
static const char *
read_file(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[length > 0 ? length : 0] = '\0';
	return text;
}

/* The number behind a name at the start of a line. */
static uint64_t
field(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, name, length) == 0)
			return strtoull(line + length, NULL, 10);
	}
	return 0;
}

/* Field number n of /proc/PID/stat, counted as in proc(5); the name before may hold
 * anything. */
static uint64_t
stat_field(const char *stat, int n)
{
	const char *at = strrchr(stat, ')');

	for (int i = 2; at != NULL && i < n; i++)
		at = strchr(at + 1, ' ');
	return at == NULL ? 0 : strtoull(at, NULL, 10);
}

static void
name_process(struct usage_process *process)
{
	char path[64], text[4096];
	const char *start;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)process->pid);
	read_file(path, text, sizeof(text));
	start = strrchr(text, '/');
	snprintf(process->name, sizeof(process->name), "%.63s",
		 start == NULL ? text : start + 1);
}

static void
take_threads(pid_t pid, struct usage *usage)
{
	char path[512], text[4096];
	struct dirent *entry;
	DIR *tasks;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)pid,
			 entry->d_name);
		usage->cpu_ns += strtoull(read_file(path, text, sizeof(text)), NULL, 10);
		snprintf(path, sizeof(path), "/proc/%d/task/%s/status", (int)pid,
			 entry->d_name);
		read_file(path, text, sizeof(text));
		usage->voluntary += field(text, "voluntary_ctxt_switches:");
		usage->involuntary += field(text, "nonvoluntary_ctxt_switches:");
	}
	if (tasks != NULL)
		closedir(tasks);
}

static void
take_process(struct usage_process *process)
{
	struct usage *usage = &process->usage;
	char path[64], text[4096];

	take_threads(process->pid, usage);
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)process->pid);
	read_file(path, text, sizeof(text));
	usage->user_ticks = stat_field(text, 14);
	usage->system_ticks = stat_field(text, 15);
	snprintf(path, sizeof(path), "/proc/%d/io", (int)process->pid);
	read_file(path, text, sizeof(text));
	usage->reads = field(text, "syscr:");
	usage->writes = field(text, "syscw:");
}

static bool
has_pid(const struct usage_set *set, pid_t pid)
{
	for (int i = 0; i < set->count; i++)
		if (set->process[i].pid == pid)
			return true;
	return false;
}

static void
add_pid(struct usage_set *set, pid_t pid)
{
	if (set->count < USAGE_PROCESSES_MAX)
		set->process[set->count++].pid = pid;
}

/* One pass over /proc; true when it found a child of those already found. */
static bool
find_children(struct usage_set *set)
{
	char path[300], text[4096];
	struct dirent *entry;
	DIR *processes = opendir("/proc");
	int before = set->count;
	pid_t pid;

	while (processes != NULL && (entry = readdir(processes)) != NULL) {
		pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (pid <= 0 || has_pid(set, pid))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		read_file(path, text, sizeof(text));
		if (has_pid(set, (pid_t)stat_field(text, 4)))
			add_pid(set, pid);
	}
	if (processes != NULL)
		closedir(processes);
	return set->count > before;
}

static void
add(struct usage *sum, const struct usage *usage)
{
	sum->cpu_ns += usage->cpu_ns;
	sum->user_ticks += usage->user_ticks;
	sum->system_ticks += usage->system_ticks;
	sum->voluntary += usage->voluntary;
	sum->involuntary += usage->involuntary;
	sum->reads += usage->reads;
	sum->writes += usage->writes;
}

static uint64_t
read_call_counters(void)
{
	uint64_t sum = 0, value;

	for (int i = 0; i < call_counter_count; i++)
		if (read(call_counters[i], &value, sizeof(value)) == sizeof(value))
			sum += value;
	return sum;
}

int
usage_take(pid_t master, struct usage_set *set)
{
	struct timespec now;

	memset(set, 0, sizeof(*set));
	if (master <= 0 || getpgid(master) < 0)
		return 0;
	add_pid(set, master);
	while (find_children(set))
		continue;
	clock_gettime(CLOCK_MONOTONIC, &now);
	set->at_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	for (int i = 0; i < set->count; i++) {
		name_process(&set->process[i]);
		take_process(&set->process[i]);
		add(&set->total, &set->process[i].usage);
	}
	set->total.calls = read_call_counters();
	return set->count;
}

static void
subtract(struct usage *usage, const struct usage *before)
{
	usage->cpu_ns -= before->cpu_ns;
	usage->user_ticks -= before->user_ticks;
	usage->system_ticks -= before->system_ticks;
	usage->voluntary -= before->voluntary;
	usage->involuntary -= before->involuntary;
	usage->reads -= before->reads;
	usage->writes -= before->writes;
}

bool
usage_subtract(const struct usage_set *after, const struct usage_set *before,
	       struct usage_set *difference)
{
	bool same = after->count == before->count;

	*difference = *after;
	difference->at_ns -= before->at_ns;
	memset(&difference->total, 0, sizeof(difference->total));
	for (int i = 0; i < after->count; i++) {
		struct usage_process *process = &difference->process[i];

		for (int j = 0; j < before->count; j++)
			if (before->process[j].pid == process->pid)
				subtract(&process->usage, &before->process[j].usage);
		same = same && has_pid(before, process->pid);
		add(&difference->total, &process->usage);
	}
	difference->total.calls = after->total.calls - before->total.calls;
	return same;
}

static bool
count_calls_of(pid_t thread, uint64_t tracepoint)
{
	struct perf_event_attr attributes = { .type = PERF_TYPE_TRACEPOINT,
					      .size = sizeof(attributes),
					      .config = tracepoint };
	int fd;

	if (call_counter_count == USAGE_THREADS_MAX)
		return false;
	fd = (int)syscall(SYS_perf_event_open, &attributes, thread, -1, -1,
			  PERF_FLAG_FD_CLOEXEC);
	if (fd >= 0)
		call_counters[call_counter_count++] = fd;
	return fd >= 0;
}

bool
usage_count_calls(const struct usage_set *set)
{
	char path[64], text[64];
	uint64_t tracepoint =
	    strtoull(read_file("/sys/kernel/tracing/events/raw_syscalls/sys_enter/id",
			       text, sizeof(text)),
		     NULL, 10);
	bool all = tracepoint != 0;

	for (int i = 0; all && i < set->count; i++) {
		struct dirent *entry;
		DIR *tasks;

		snprintf(path, sizeof(path), "/proc/%d/task", (int)set->process[i].pid);
		tasks = opendir(path);
		while (tasks != NULL && (entry = readdir(tasks)) != NULL)
			if (entry->d_name[0] != '.')
				all =
				    count_calls_of((pid_t)strtol(entry->d_name, NULL, 10),
						   tracepoint) &&
				    all;
		if (tasks != NULL)
			closedir(tasks);
	}
	return all;
}

static uint64_t blocks_found;

static int
on_file(const char *path, const struct stat *status, int type, struct FTW *where)
{
	if (type == FTW_F && status->st_nlink > 0)
		blocks_found += (uint64_t)status->st_blocks * 512;
	return 0;
}

/* smaps names each mapping before its figures, so that those of the runtime directory can
 * be told. */
static void
add_mappings(pid_t pid, const char *runtime_dir, struct usage_memory *memory)
{
	char path[64], line[4400];
	bool inside = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		const char *name = strchr(line, '/');

		if (strncmp(line, "Pss:", 4) == 0)
			*(inside ? &memory->mapped : &memory->pss) +=
			    strtoull(line + 4, NULL, 10) * 1024;
		else if (line[0] >= 'a' || (line[0] >= '0' && line[0] <= '9'))
			inside = runtime_dir != NULL && name != NULL &&
				 strncmp(name, runtime_dir, strlen(runtime_dir)) == 0;
	}
	if (file != NULL)
		fclose(file);
}

void
usage_memory(const struct usage_set *set, const char *runtime_dir,
	     struct usage_memory *memory)
{
	memset(memory, 0, sizeof(*memory));
	for (int i = 0; i < set->count; i++)
		add_mappings(set->process[i].pid, runtime_dir, memory);
	blocks_found = 0;
	if (runtime_dir != NULL)
		nftw(runtime_dir, on_file, 16, FTW_PHYS);
	memory->blocks = blocks_found;
}
