/* upgrade_trial.c -- a new binary is asked what it is, before anything is changed for it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/result.h"
#include "process/compatible.h"
#include "process/descriptors.h"
#include "process/master.h"
#include "process/signals.h"
#include "process/upgrade.h"

_Noreturn static void
run(const struct master *master, int out)
{
	const char *argv[] = { master->program, "--layout", "--config", master->arguments->file,
		NULL };

	signals_leave();
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	descriptors_keep(NULL, 0);
	unsetenv("NOTIFY_SOCKET");
	execv(master->program, (char *const *)(uintptr_t)argv);
	dprintf(STDERR_FILENO, "%s cannot be executed: %s\n", master->program, strerror(errno));
	_exit(127);
}

int
upgrade_trial_start(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return RESULT_FAILED;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	pid = fork();
	if (pid == 0)
		run(master, ends[1]);
	close(ends[1]);
	upgrade->said_fd = ends[0];
	upgrade->trial = pid > 0 ? pid : 0;
	upgrade->trial_pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	buffer_init(&upgrade->said);
	if (upgrade->trial_pidfd >= 0)
		return RESULT_OK;
	upgrade_trial_end(master);
	return RESULT_FAILED;
}

static int
reap(struct upgrade *upgrade)
{
	int status = 0;

	while (waitpid(upgrade->trial, &status, 0) < 0 && errno == EINTR)
		;
	upgrade->trial = 0;
	return status;
}

void
upgrade_trial_end(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;

	if (upgrade->trial > 0) {
		kill(upgrade->trial, SIGKILL);
		reap(upgrade);
	}
	if (upgrade->trial_pidfd >= 0)
		close(upgrade->trial_pidfd);
	if (upgrade->said_fd >= 0)
		close(upgrade->said_fd);
	upgrade->trial_pidfd = upgrade->said_fd = -1;
	buffer_clear(&upgrade->said);
}

/* All that can be had now. A binary that talks without end is no server of ours. */
static void
listen_to(struct upgrade *upgrade)
{
	ssize_t count = 1;

	while (upgrade->said_fd >= 0 && count > 0 && buffer_length(&upgrade->said) < UPGRADE_SAID_MOST) {
		count = read(upgrade->said_fd, buffer_reserve(&upgrade->said, 4096), 4096);
		if (count > 0)
			buffer_add(&upgrade->said, (size_t)count);
	}
	if (count == 0) {
		close(upgrade->said_fd);
		upgrade->said_fd = -1;
	}
}

static int
compare(const struct master *master, char *why, size_t size)
{
	struct slice said = buffer_slice(&master->upgrade.said);
	struct buffer ours;
	bool is_same;
	int result;

	buffer_init(&ours);
	compatible_describe(master->config, &ours);
	is_same = compatible_compare(buffer_slice(&ours), said, why, size);
	buffer_clear(&ours);
	result = strncmp(why, "\"option", strlen("\"option")) == 0 ? RESULT_INVALID : RESULT_LAYOUT;
	return is_same ? RESULT_OK : result;
}

int
upgrade_trial_result(struct master *master, char *why, size_t size)
{
	struct upgrade *upgrade = &master->upgrade;
	siginfo_t info = { 0 };
	struct slice said;
	int status;

	listen_to(upgrade);
	if (waitid(P_PID, (id_t)upgrade->trial, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	    info.si_pid == 0)
		return RESULT_AGAIN;
	status = reap(upgrade);
	listen_to(upgrade);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return compare(master, why, size);
	said = slice_trim(buffer_slice(&upgrade->said));
	snprintf(why, size, "the new binary fails its check (%s %d): " SLICE_FMT,
	    WIFEXITED(status) ? "status" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), SLICE_ARG(said));
	return RESULT_FAILED;
}
