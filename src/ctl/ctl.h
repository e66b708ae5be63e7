/* ctl.h -- what the commands share: configuration, memory of the server, and how to fail. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "ctl/arguments.h"
#include "xmpp/jid.h"

struct config;
struct registry;
struct shm;

#define CTL_SECONDS	30	/* no command that only asks takes longer */
#define CTL_NOT_RUNNING 3	/* exit status of `status`, as the LSB has it */

struct ctl {
	struct arguments arguments;
	struct arena	 arena;
	struct config	*config;	/* ctl_open_config() */
	struct shm	*shm;		/* ctl_attach(): read-only */
	struct registry *registry;	/* ctl_attach(): read-only */
};

/* All below return 0, or an exit status of sysexits(3) after a message on standard error. */

/* The message, behind the program's name. Returns status. */
int	ctl_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Reads the configuration, names every mistake; then, started by root, becomes the server's user, unless the
 * command keeps its rights.
 */
int	ctl_open_config(struct ctl *ctl);

/* EX_NOPERM: the server's memory is closed to us. */
int	ctl_check_access(const struct ctl *ctl);

/* Whether a master with its children works in runtime_dir: its lock decides. */
bool	ctl_is_running(const struct ctl *ctl);

/* Maps the memory of the running server; EX_UNAVAILABLE where none runs. */
int	ctl_attach(struct ctl *ctl);
void	ctl_close(struct ctl *ctl);

/* The command's operand as an address; EX_DATAERR. */
int	ctl_parse_jid(struct ctl *ctl, struct jid *jid);

/* After that many seconds the command ends with EX_TEMPFAIL, whatever it waits for. 0: never. */
void	ctl_bound(unsigned seconds);

/* A value of enum result as an exit status. */
int	ctl_status(int result);
