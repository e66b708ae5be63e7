/* estate.h -- what a master tells the binary that it executes in its own place. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "process/child.h"
#include "process/seats.h"

struct master;

#define ESTATE_VERSION     1
#define ESTATE_CLIENTS_MAX 16

enum estate_kind {
	ESTATE_UPGRADE = 1,	/* the new binary starts workers, and puts them in the place of the old ones */
	ESTATE_BACK		/* it could not: the one before goes on */
};

/* A child, which stays the same process's child. */
struct estate_process {
	uint32_t       number;
	pid_t	       pid;	/* 0: nobody is there */
	int	       pidfd;
	int	       socket;
	enum seat_role role;
	bool	       is_asked;
	uint32_t       restarts;
	uint64_t       started_ms;
};

/* Descriptors keep their numbers through execve(). */
struct estate {
	enum estate_kind kind;
	char		program[4096];	/* what the next upgrade executes */
	char		version[32];	/* of who hands over */
	char		reason[512];	/* of ESTATE_BACK: why */
	int		program_fd;	/* the binary before, to go back to; -1 */
	int		image_fd;	/* its configuration, which it alone can read */
	uint64_t	config_serial;
	pid_t		guardian;
	int		lock_fd, pid_fd, control_fd, trace_fd[2];
	int		wake_fd[WORKERS_MAX];
	int		answer_fd[PROCESSES_MAX];
	int		request_fd[STORE_COUNT];
	struct listeners listeners;
	struct estate_process process[PROCESSES_MAX];
	uint32_t	processes;
	int		client_fd[ESTATE_CLIENTS_MAX];	/* who waits for how it goes */
	uint32_t	clients;
};

/*
 * A sealed memfd with it, that survives execve(), as all descriptors in it do from now on; -1: no memory. estate_stay() takes
 * that back where nothing was executed.
 */
int	estate_write(const struct estate *estate);
void	estate_stay(const struct estate *estate, int fd);

/*
 * In the new binary, before anything is opened: false where it is not to be understood. All other descriptors are
 * closed, and none of these survives another execve().
 */
bool	estate_read(int fd, struct estate *estate);
