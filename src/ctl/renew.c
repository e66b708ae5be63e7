/* renew.c -- `drain` and `upgrade`: new workers take the place of others. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/result.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/remote.h"
#include "process/control_client.h"
#include "shm/layout.h"

#define START_MS   40000  /* more than the server allows a new worker */
#define UPGRADE_MS 150000 /* and a new binary */

/* The number in an answer. */
static uint32_t
number_in(const struct buffer *reply)
{
	struct slice bytes = buffer_slice(reply);
	uint32_t number = 0;

	if (bytes.length == sizeof(number))
		memcpy(&number, bytes.data, sizeof(number));
	return number;
}

int
drain_run(struct ctl *ctl)
{
	const char *text = ctl->arguments.operand;
	struct buffer reply;
	uint32_t worker, successor;
	int64_t number;
	int fd = -1, status, result;

	if (!slice_to_int(slice_from_text(text), 0, WORKERS_MAX - 1, &number))
		return ctl_fail(EX_USAGE, "\"%s\" is no number of a worker", text);
	worker = (uint32_t)number;
	ctl_bound(START_MS / 1000 + CTL_SECONDS);
	status = remote_connect(ctl, START_MS, &fd);
	if (status != 0)
		return status;
	buffer_init(&reply);
	result = control_ask(fd, CONTROL_DRAIN, slice_of(&worker, sizeof(worker)), remote_on_line,
			     NULL, &reply);
	successor = number_in(&reply);
	buffer_clear(&reply);
	control_close(&fd);
	switch (result) {
	case RESULT_OK:
		printf("worker %" PRIu32 " serves in the place of worker %" PRIu32
		       ", which drains\n",
		       successor, worker);
		return 0;
	case RESULT_NOT_FOUND:
		return ctl_fail(EX_USAGE, "there is no worker %" PRIu32, worker);
	case RESULT_EXISTS:
		return ctl_fail(EX_TEMPFAIL,
				"worker %" PRIu32 " took the place of one that still drains", worker);
	case RESULT_FAILED:
		return ctl_fail(EX_UNAVAILABLE,
				"the new worker did not start, and the old one goes on: see the log");
	default:
		return ctl_fail(ctl_status(result), "not drained: %s", result_text(result));
	}
}

int
upgrade_run(struct ctl *ctl)
{
	int fd = -1, status, result;

	ctl_bound(UPGRADE_MS / 1000 + CTL_SECONDS);
	status = remote_connect(ctl, UPGRADE_MS, &fd);
	if (status != 0)
		return status;
	result = control_ask(fd, CONTROL_UPGRADE, SLICE_EMPTY, remote_on_line, NULL, NULL);
	control_close(&fd);
	switch (result) {
	case RESULT_OK:
		return 0;
	case RESULT_LAYOUT:
		return ctl_fail(EX_UNAVAILABLE,
				"the new version cannot use this memory: \"rookeryctl stop\", then start "
				"it. Sessions end; accounts, rosters and messages stay");
	case RESULT_INVALID:
		return ctl_fail(EX_CONFIG,
				"an option has changed that needs a restart: put it back, or stop and "
				"start the server. Sessions end with that");
	case RESULT_EXISTS:
		return ctl_fail(EX_TEMPFAIL, "workers drain, or an upgrade is under way");
	case RESULT_FAILED:
	case RESULT_TIMEOUT:
		return ctl_fail(EX_UNAVAILABLE, "not upgraded: the old version goes on");
	case RESULT_CLOSED:
		return ctl_fail(EX_UNAVAILABLE,
				"the server ended the connection: see \"rookeryctl status\" and the log");
	default:
		return ctl_fail(ctl_status(result), "not upgraded: %s", result_text(result));
	}
}
