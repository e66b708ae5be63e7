/* process_view.h -- the processes of a server as their pages and the kernel show them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ctl/proc.h"

struct ctl;

enum process_state { PROCESS_STARTING, PROCESS_READY, PROCESS_DRAINING, PROCESS_GONE };

struct process_view {
	const char	  *kind;	/* "worker", "store", "master" */
	uint32_t	   number;	/* of its kind */
	uint32_t	   process;	/* of its page */
	uint32_t	   pid;
	uint32_t	   generation;
	enum process_state state;
	uint64_t	   up_ms;
	uint64_t	   heartbeat_age_ms;
	uint64_t	   sessions;	/* slots it owns */
	uint64_t	   stanzas_in, stanzas_out;
	uint64_t	   handling;	/* number of the stanza it is at; 0: none */
	struct proc	   proc;
};

#define PROCESS_VIEWS_MAX 72

/* Workers, stores, and last the master; returns how many. */
int	process_views_read(const struct ctl *ctl, struct process_view views[PROCESS_VIEWS_MAX]);

/* "starting", "ready", "draining", "gone". */
const char *process_state_name(enum process_state state);
