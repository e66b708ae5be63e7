/* control.h -- the master's end of the control socket: who may speak, and frames in and out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buffer.h"
#include "base/slice.h"
#include "process/control_protocol.h"
#include "process/poll_set.h"

struct control;
struct master;

#define CONTROL_CLIENTS_MAX 16

enum control_wait {
	CONTROL_WAIT_NOTHING, CONTROL_WAIT_RELOAD, CONTROL_WAIT_ACCOUNT, CONTROL_WAIT_TRACE,
	CONTROL_WAIT_RENEW, CONTROL_WAIT_UPGRADE
};

/* One connection; nobody is waited for: what it does not take is dropped (lines of traces) or ends it. */
struct control_client {
	struct control	 *control;
	int		  fd;		/* -1: free */
	struct buffer	  in;
	struct buffer	  out;
	enum control_wait waits;	/* for its answer; no further request is read meanwhile */
	uint32_t	  serial;	/* names this connection, when an answer comes later */
	uint32_t	  passed;	/* reloads that began before it asked */
	uint32_t	  seat;		/* whose successor it waits for */
	uint64_t	  due_ms;	/* has to be done by then; 0: has time */
	bool		  is_ending;	/* closed as soon as all was written */
	struct buffer	  jids;		/* whom it traces, with newlines between them */
};

struct control {
	struct master	     *master;
	int		      fd;
	uint32_t	      serial;
	struct control_client client[CONTROL_CLIENTS_MAX];
};

/* Makes runtime_dir/control, mode 0600, of the server's user. */
int	control_listen(struct master *master, struct control **control);
/* The same with the socket of the binary before, and those of clients that wait for CONTROL_UPGRADE. */
void	control_take(struct master *master, int fd, const int *client_fd, uint32_t clients);

void	control_free(struct control **control);
void	control_watch(struct control *control, struct poll_set *set);
void	control_turn(struct control *control);	/* who is late */

/* Whether that user may command this server: root, its own user, or who started it. */
bool	control_is_allowed(uid_t uid, uid_t server_uid);

/* Answers; the client may be gone afterwards. */
void	control_line(struct control_client *client, struct slice line);
void	control_done(struct control_client *client, int result, struct slice payload);

/* A reload has ended: for those who asked for it. */
void	control_reloaded(struct control *control, int result, struct slice lines);

/* --- control_verbs.c --- */

/* Answers one request, or notes what the client waits for. */
void	control_serve(struct control_client *client, const struct control_header *header,
	    struct slice payload);

/* What stores have answered, and lines of traces. */
void	control_on_answers(void *owner, int fd);
void	control_on_trace(void *owner, int fd);

/* After a client that traced has come or gone: tells the workers whose stanzas count. */
int	control_trace_all(struct control *control);
