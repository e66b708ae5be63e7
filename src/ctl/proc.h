/* proc.h -- what the kernel knows of a process: its processor time and its memory. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc {
	uint64_t cpu_ms;	/* user and system */
	uint64_t rss_bytes;
	uint64_t pss_bytes;	/* only root may see it of processes that hide their memory */
	bool	 has_pss;
};

/* False: there is no such process. */
bool	proc_read(pid_t pid, struct proc *proc);
