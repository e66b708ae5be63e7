/* upgrade_exec.c -- from binary to binary: what is handed over, and the way back. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "config/config.h"
#include "process/control.h"
#include "process/guardian.h"
#include "process/estate.h"
#include "process/master.h"
#include "process/upgrade.h"

void
upgrade_gather(const struct master *master, struct estate *estate)
{
	const struct inheritance *all = &master->inheritance;
	const struct supervisor *supervisor = &master->supervisor;

	*estate = (struct estate){ .program_fd = -1,
		.image_fd = all->image_fd,
		.config_serial = master->config->serial,
		.guardian = guardian_pid(),
		.lock_fd = all->lock_fd,
		.pid_fd = master->pid_fd,
		.control_fd = master->control->fd,
		.trace_fd = { master->trace_fd, all->trace_fd },
		.listeners = all->listeners };
	snprintf(estate->program, sizeof(estate->program), "%s", master->program);
	snprintf(estate->version, sizeof(estate->version), "%s", VERSION);
	memcpy(estate->wake_fd, all->wake_fd, sizeof(all->wake_fd));
	memcpy(estate->answer_fd, all->answer_fd, sizeof(all->answer_fd));
	memcpy(estate->request_fd, all->request_fd, sizeof(all->request_fd));
	for (uint32_t i = 0; i < supervisor->count; i++)
		supervise_hand_over(supervisor, i, &estate->process[estate->processes++]);
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (master->control->client[i].fd >= 0 &&
		    master->control->client[i].waits == CONTROL_WAIT_UPGRADE)
			estate->client_fd[estate->clients++] = master->control->client[i].fd;
}

/* fd -1: by its path. Returns only where it fails. */
static void
execute(const struct master *master, const struct estate *estate, int fd)
{
	int state = estate_write(estate);
	char number[16];
	const char *argv[8] = { master->program, "--config", master->arguments->file, "--estate",
		number };
	int count = 5;

	if (state < 0)
		return;
	snprintf(number, sizeof(number), "%d", state);
	if (master->arguments->is_daemon)
		argv[count++] = "--daemon";
	if (master->arguments->test_clock)
		argv[count++] = "--test-clock";
	/* Listening sockets that were handed over are in there, under other numbers. */
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	if (fd < 0)
		execv(master->program, (char *const *)(uintptr_t)argv);
	else
		syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	estate_stay(estate, state);
}

void
upgrade_execute(struct master *master)
{
	struct estate estate;

	upgrade_gather(master, &estate);
	estate.kind = ESTATE_UPGRADE;
	estate.program_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	log_info(LOG_MASTER, "upgrading", "program=%s from=%s", master->program, VERSION);
	execute(master, &estate, -1);
	close(estate.program_fd);
}

void
upgrade_go_back(struct master *master, struct estate *estate, const char *reason)
{
	int fd = estate->program_fd;

	if (estate->kind != ESTATE_UPGRADE || fd < 0)
		return;
	log_error(LOG_MASTER, "the new binary does not serve: back to the one before",
	    "version=%s reason=\"%s\"", VERSION, reason);
	estate->kind = ESTATE_BACK;
	estate->program_fd = -1;
	snprintf(estate->reason, sizeof(estate->reason), "%s", reason);
	execute(master, estate, fd);
	log_error(LOG_MASTER, "the binary before cannot be executed", "reason=\"%s\"",
	    strerror(errno));
}
