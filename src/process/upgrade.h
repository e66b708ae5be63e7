/* upgrade.h -- a new binary takes the place of the one that runs, and clients notice no more than a new connection. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "shm/store.h"

struct control_client;
struct estate;
struct master;
struct process;
struct slice;

/*
 * In the old binary: TRIAL, the new one is asked whether it fits, and checks the configuration; READY, until nobody is being
 * replaced and no command waits. Then the master executes it, in its own process. In the new binary: WORKERS, new workers
 * start beside the old ones; when all are ready the old ones DRAIN, and then STORES are started anew. Should one not start:
 * BACK, the new workers go, and the old binary is executed again, whose workers have served all the while.
 */
enum upgrade_stage {
	UPGRADE_NONE, UPGRADE_TRIAL, UPGRADE_READY, UPGRADE_WORKERS, UPGRADE_BACK, UPGRADE_DRAIN,
	UPGRADE_STORES
};

#define UPGRADE_SAID_MOST 65536		/* bytes that a trial says */

struct upgrade {
	enum upgrade_stage stage;
	uint64_t	   due_ms;
	pid_t		   trial;	/* 0: none */
	int		   trial_pidfd;
	int		   said_fd;	/* what the trial says; -1: it has said all */
	struct buffer	   said;
	char		   reason[512];	/* BACK: why */
	int		   program_fd;	/* the binary before, and its configuration, until its workers drain; -1 */
	int		   image_fd;
	pid_t		   old_store[STORE_COUNT];
};

/* From USR2 or the control socket. RESULT_OK: under way. RESULT_EXISTS: one is, or workers drain. RESULT_DENIED. */
int	upgrade_start(struct master *master);

/* CONTROL_UPGRADE. */
void	upgrade_on_command(struct control_client *client, struct slice payload);

void	upgrade_watch(struct master *master);
void	upgrade_turn(struct master *master);

/* From supervision: true where it is this upgrade's affair. */
bool	upgrade_on_ready(struct master *master, struct process *newcomer);
bool	upgrade_on_failure(struct master *master, const struct process *newcomer);

/* A worker of before that dies while its successor starts is not replaced, but succeeded. */
bool	upgrade_replaces(const struct master *master);

/* In a binary that was just executed, when its master stands. */
void	upgrade_resume(struct master *master, const struct estate *estate);

/* --- upgrade_exec.c --- */

/* What another binary has to know of this one; kind, program_fd and reason are the caller's. */
void	upgrade_gather(const struct master *master, struct estate *estate);

/* Returns, with errno, only where it is not possible. */
void	upgrade_execute(struct master *master);

/* From a binary that does not come to serve: executes the one before again. Returns only where that is not possible. */
void	upgrade_go_back(struct master *master, struct estate *estate, const char *reason);

/* --- upgrade_trial.c --- */

int	upgrade_trial_start(struct master *master);
void	upgrade_trial_end(struct master *master);

/* RESULT_AGAIN: it has not ended. RESULT_OK: it fits. Else `why` says why not: RESULT_LAYOUT, RESULT_INVALID, RESULT_FAILED. */
int	upgrade_trial_result(struct master *master, char *why, size_t size);
