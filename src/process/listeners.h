/* listeners.h -- the listening sockets: one a worker and address, made once and kept for the replacement. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;

#define LISTENING_SHARED UINT32_MAX

struct listening {
	int	 fd;
	uint32_t worker;	/* whose it is, or LISTENING_SHARED: all workers' */
	bool	 direct_tls;
};

struct listeners {
	struct listening *all;
	size_t		  count;
	uint32_t	  workers;
};

/*
 * Takes what a service manager handed over (LISTEN_FDS; then nothing else is opened), else makes a socket for
 * each address of listen and listen_tls and each worker. All or none: 0, or an exit status of sysexits(3) after
 * a log line that names the address and what to do.
 */
int	listeners_open(struct listeners *listeners, const struct config *config,
	    uint32_t workers);

/* Whether the worker in that seat accepts from it: both seats of a worker have the same ones. */
bool	listeners_is_of(const struct listeners *listeners, const struct listening *one,
	    uint32_t seat);

/* How many sockets a service manager has handed to this process, from descriptor 3 on. */
int	listeners_handed(void);
void	listeners_close(struct listeners *listeners);
