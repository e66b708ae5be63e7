/* load.h -- what a run of the load client is told and what it finds. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/bench/chat.h"
#include "tests/bench/im.h"
#include "tests/bench/login.h"
#include "tests/bench/storm.h"
#include "tests/bench/usage.h"

struct load_options {
	struct login_options login;
	struct chat_options  chat;
	struct im_options    im;	/* instead of chat, where it has a task */
	unsigned    users;
	unsigned    ports;		/* a relay's: pair i connects to port + i % ports */
	bool	    is_relay;		/* no login, no stream */
	bool	    resumes;		/* logs all in again, with tickets */
	bool	    forgets;		/* but without */
	bool	    counts_calls;
	pid_t	    victim;		/* a worker that is killed under its clients; 0: none */
	pid_t	    server;		/* master; 0: nothing is measured of it */
	const char *runtime_dir;
	unsigned    idle_s;		/* of silence, before the memory of sessions is measured */
	uint64_t    warm_up_ns;
	uint64_t    least_ns;		/* of the measured interval: both must have passed */
	uint64_t    least_cpu_ns;
	uint64_t    most_ns;
};

struct load_memory {
	int		    processes;
	struct usage_memory before;	/* no session */
	struct usage_memory after;	/* all logged in and idle */
};

struct load_figures {
	struct load_memory memory;
	struct usage_set   login;
	struct usage_set   resumption;
	unsigned	   resumed;		/* connections of TLS */
	unsigned	   sessions_resumed;	/* stream management's */
	unsigned	   unsettled;		/* peers that are not told that all they sent was handled */
	struct storm_figures storm;
	struct usage_set   chat;	/* or of a task that goes on */
	struct im_figures  im;
	uint64_t	   delivered;	/* within the measured interval */
	uint64_t	   client_cpu_ns;
	bool		   calls_counted;
	bool		   processes_changed;
};

bool	load_options_read(struct load_options *options, int argc, char **argv);

/* One line of JSON on standard output. */
void	load_report(const struct load_options *options, const struct load_figures *figures);
