/* remote.c -- `reload`, `stop`, `clock` and `trace`: what only the running master can do. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "base/result.h"
#include "config/config.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/print.h"
#include "ctl/remote.h"
#include "process/control_client.h"
#include "process/heartbeat.h"

#define ANSWER_MS     15000
#define RELOAD_MS     75000  /* more than the server allows itself */
#define STOP_MS       120000 /* clients are given close_timeout, which is at most 60 s */
#define END_MS        5000
#define CLOCK_SECONDS 1e9

int
remote_connect(struct ctl *ctl, int timeout_ms, int *fd)
{
	int status = ctl_open_config(ctl);
	int result;

	if (status == 0)
		status = ctl_check_access(ctl);
	if (status != 0)
		return status;
	result = control_open(ctl->config->runtime_dir, timeout_ms, fd);
	if (result == RESULT_NOT_FOUND)
		return ctl_fail(EX_UNAVAILABLE,
				"the server does not run: nobody listens on %s/%s",
				ctl->config->runtime_dir, CONTROL_SOCKET);
	return result == RESULT_OK
		   ? 0
		   : ctl_fail(ctl_status(result), "cannot speak to the server: %s",
			      result_text(result));
}

static bool
print_line(struct slice line)
{
	struct buffer safe;
	bool is_written;

	buffer_init(&safe);
	print_safe(&safe, line);
	buffer_append_byte(&safe, '\n');
	is_written = fwrite(buffer_slice(&safe).data, 1, buffer_length(&safe), stdout) ==
			 buffer_length(&safe) &&
		     fflush(stdout) == 0;
	buffer_clear(&safe);
	return is_written;
}

void
remote_on_line(void *owner, struct slice line)
{
	(void)owner;
	print_line(line);
}

int
reload_run(struct ctl *ctl)
{
	int fd = -1, result;
	int status;

	ctl_bound(RELOAD_MS / 1000 + CTL_SECONDS / 2);
	status = remote_connect(ctl, RELOAD_MS, &fd);
	if (status != 0)
		return status;
	result = control_ask(fd, CONTROL_RELOAD, SLICE_EMPTY, remote_on_line, NULL, NULL);
	control_close(&fd);
	if (result == RESULT_INVALID)
		return ctl_fail(EX_CONFIG, "nothing was changed");
	return result == RESULT_OK ? 0
				   : ctl_fail(ctl_status(result), "not reloaded: %s",
					      result_text(result));
}

int
stop_run(struct ctl *ctl)
{
	int fd = -1, result;
	int status;
	uint64_t end;

	ctl_bound(STOP_MS / 1000 + CTL_SECONDS);
	status = remote_connect(ctl, STOP_MS, &fd);
	if (status != 0)
		return status;
	result = control_ask(fd, CONTROL_STOP, SLICE_EMPTY, remote_on_line, NULL, NULL);
	/* One that stops already refuses, but its end is the end. */
	if (result == RESULT_OK || result == RESULT_DENIED || result == RESULT_CLOSED)
		result = control_await_end(fd);
	control_close(&fd);
	/* The last descriptors of a process that ends go one after the other. */
	end = heartbeat_now_ms() + END_MS;
	while (result == RESULT_OK && ctl_is_running(ctl) && heartbeat_now_ms() < end)
		poll(NULL, 0, 10);
	return result == RESULT_OK
		   ? 0
		   : ctl_fail(ctl_status(result), "the server did not stop: %s",
			      result_text(result));
}

static bool
read_clock(const char *text, uint64_t *ms)
{
	char *rest;
	double seconds = strtod(text, &rest);

	if (strcmp(text, "stop") == 0)
		*ms = CLOCK_STOPS;
	else if (strcmp(text, "go") == 0)
		*ms = CLOCK_GOES;
	else if (*rest != '\0' || rest == text || !(seconds >= 0 && seconds <= CLOCK_SECONDS))
		return false;
	else
		*ms = (uint64_t)llround(seconds * 1000);
	return true;
}

int
clock_run(struct ctl *ctl)
{
	const char *text = ctl->arguments.operand;
	uint64_t ms;
	int fd = -1, result;
	int status;

	ctl_bound(CTL_SECONDS);
	if (!read_clock(text, &ms))
		return ctl_fail(EX_USAGE,
				"\"%s\" is no number of seconds from 0 to %.0f, nor stop or go",
				text, CLOCK_SECONDS);
	status = remote_connect(ctl, ANSWER_MS, &fd);
	if (status != 0)
		return status;
	result =
	    control_ask(fd, CONTROL_CLOCK, slice_of(&ms, sizeof(ms)), NULL, NULL, NULL);
	control_close(&fd);
	if (result == RESULT_DENIED)
		return ctl_fail(EX_NOPERM,
				"the server was not started with --test-clock");
	return result == RESULT_OK ? 0
				   : ctl_fail(ctl_status(result), "the clock stays: %s",
					      result_text(result));
}

/* --- trace --- */

struct trace {
	int fd;
	uint64_t left; /* UINT64_MAX: no limit */
	bool is_over;
};

static void
on_trace_line(void *owner, struct slice line)
{
	struct trace *trace = owner;

	if (trace->is_over)
		return;
	trace->is_over = !print_line(line);
	if (trace->left != UINT64_MAX && --trace->left == 0)
		trace->is_over = true;
	if (trace->is_over)
		shutdown(trace->fd, SHUT_RDWR);
}

int
trace_run(struct ctl *ctl)
{
	struct trace trace = { .fd = -1, .left = UINT64_MAX };
	struct jid jid;
	int status, result;

	status = ctl_parse_jid(ctl, &jid);
	if (status == 0)
		status = remote_connect(ctl, 0, &trace.fd);
	if (status != 0)
		return status;
	if (ctl->arguments.count != 0)
		trace.left = ctl->arguments.count;
	result =
	    control_ask(trace.fd, CONTROL_TRACE, jid.full, on_trace_line, &trace, NULL);
	control_close(&trace.fd);
	if (trace.is_over)
		return 0;
	if (result == RESULT_CLOSED)
		return ctl_fail(EX_UNAVAILABLE, "the server ended the trace");
	return result == RESULT_OK
		   ? 0
		   : ctl_fail(ctl_status(result), "no trace: %s", result_text(result));
}
