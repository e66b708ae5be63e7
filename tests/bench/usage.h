/* usage.h -- what a server's processes have used, read from /proc. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define USAGE_PROCESSES_MAX 80
#define USAGE_THREADS_MAX   512

/* Sums over the threads that live; a thread that ended in between takes its share with it. */
struct usage {
	uint64_t cpu_ns;	/* schedstat: user and system, exact to one tick of a running thread */
	uint64_t user_ticks;	/* stat: how the kernel splits it, in ticks of 10 ms */
	uint64_t system_ticks;
	uint64_t voluntary;	/* context switches */
	uint64_t involuntary;
	uint64_t reads;		/* /proc/PID/io: calls of the read and write families (not send and recv) */
	uint64_t writes;
	uint64_t calls;		/* all system calls, where usage_count_calls() was asked for them */
};

struct usage_process {
	pid_t	     pid;
	char	     name[64];
	struct usage usage;
};

/* A process and all its descendants. */
struct usage_set {
	int		     count;
	struct usage_process process[USAGE_PROCESSES_MAX];
	struct usage	     total;
	uint64_t	     at_ns;	/* CLOCK_MONOTONIC */
};

/* Returns how many processes there are: 0 when the master is gone. */
int	usage_take(pid_t master, struct usage_set *set);

/* after - before for the processes that are in both; a process that is new or gone: returns false. */
bool	usage_subtract(const struct usage_set *after, const struct usage_set *before,
	    struct usage_set *difference);

/*
 * Counts all system calls from now on, by the tracepoint raw_syscalls:sys_enter. It makes each call
 * dearer, so CPU is measured without it. False where the kernel does not let us.
 */
bool	usage_count_calls(const struct usage_set *set);

struct usage_memory {
	uint64_t pss;		/* of all processes, mappings below the runtime directory left out */
	uint64_t mapped;	/* PSS of those */
	uint64_t blocks;	/* allocated to the files of the runtime directory */
};

void	usage_memory(const struct usage_set *set, const char *runtime_dir,
	    struct usage_memory *memory);
