/* control_client.h -- asks the master of a running server; for rookeryctl. */
#pragma once

#include "base/buffer.h"
#include "base/slice.h"
#include "process/control_protocol.h"

/*
 * Connects to runtime_dir/control. RESULT_NOT_FOUND: nobody listens there; RESULT_DENIED: we may not, or who listens
 * is neither root nor the owner of the directory (SO_PEERCRED). Blocking, with a time-out of that many
 * milliseconds for each wait for an answer; 0: for ever (trace).
 */
int	control_open(const char *runtime_dir, int timeout_ms, int *fd);
void	control_close(int *fd);

typedef void control_line_fn(void *owner, struct slice line);

/*
 * One request. on_line (may be NULL) gets each line as it comes; what is behind the answer's header goes to reply (may
 * be NULL; initialised by the caller). Returns the server's result; RESULT_CLOSED: the connection ended before
 * the answer; RESULT_TIMEOUT; RESULT_CORRUPT.
 */
int	control_ask(int fd, enum control_verb verb, struct slice payload,
	    control_line_fn *on_line, void *owner, struct buffer *reply);

/* After CONTROL_STOP: waits until the server is gone. RESULT_OK, or RESULT_TIMEOUT. */
int	control_await_end(int fd);
