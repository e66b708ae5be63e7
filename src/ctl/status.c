/* status.c -- `status` and `version`: does it run, since when, with how many. */
#include <inttypes.h>
#include <stdio.h>

#include "ctl/answer.h"
#include "ctl/commands.h"
#include "ctl/ctl.h"
#include "ctl/print.h"
#include "ctl/process_view.h"
#include "shm/shm.h"

static int
not_running(const struct ctl *ctl)
{
	if (ctl->arguments.json)
		answer_write(
		    json_pack("{sb ss}", "running", 0, "version", PACKAGE_VERSION));
	else
		puts("rookeryd does not run");
	return CTL_NOT_RUNNING;
}

static int
running(const struct ctl *ctl)
{
	struct process_view views[PROCESS_VIEWS_MAX];
	int count = process_views_read(ctl, views);
	const struct process_view *master = &views[count - 1];
	uint64_t sessions = 0, ready = 0, draining = 0;
	uint32_t workers = ctl->shm->workers / 2;
	struct buffer up;

	for (int i = 0; i < count; i++) {
		if (views[i].process >= ctl->shm->workers)
			break;
		sessions += views[i].sessions;
		ready += views[i].state == PROCESS_READY;
		draining += views[i].state == PROCESS_DRAINING;
	}
	if (master->state == PROCESS_GONE)
		return not_running(ctl);
	if (ctl->arguments.json)
		return answer_write(json_pack(
		    "{sb ss sI sI sI sI sI sI}", "running", 1, "version", PACKAGE_VERSION,
		    "pid", (json_int_t)master->pid, "up_ms", (json_int_t)master->up_ms,
		    "workers", (json_int_t)workers, "workers_ready",
		    (json_int_t)ready, "workers_draining", (json_int_t)draining, "sessions", (json_int_t)sessions));
	buffer_init(&up);
	print_duration(&up, master->up_ms);
	printf("rookeryd %s runs as process %" PRIu32 " for " SLICE_FMT "\n",
	       PACKAGE_VERSION, master->pid, SLICE_ARG(buffer_slice(&up)));
	printf("%" PRIu64 " of %" PRIu32 " workers ready, %" PRIu64 " sessions\n", ready,
	       workers, sessions);
	if (draining > 0)
		printf("%" PRIu64 " workers of before drain\n", draining);
	buffer_clear(&up);
	return 0;
}

int
status_run(struct ctl *ctl)
{
	int status;

	ctl_bound(CTL_SECONDS);
	status = ctl_open_config(ctl);
	if (status != 0)
		return status;
	status = ctl_check_access(ctl);
	if (status == 0 && !ctl_is_running(ctl))
		return not_running(ctl);
	if (status == 0)
		status = ctl_attach(ctl);
	return status != 0 ? status : running(ctl);
}

int
version_run(struct ctl *ctl)
{
	if (ctl->arguments.json)
		return answer_write(json_pack("{ss}", "version", PACKAGE_VERSION));
	printf("rookeryctl %s\n", PACKAGE_VERSION);
	return 0;
}
