/* guardian.c -- in the background without a service manager: a master that was killed gets a successor. */
#include "process/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "process/backoff.h"
#include "process/daemon.h"
#include "process/heartbeat.h"
#include "process/logs.h"
#include "process/master.h"

#define STARTS_MOST 5

struct guardian {
	const struct arguments *arguments;
	char	 program[4096];
	sigset_t waits_for;
	sigset_t before;	/* the mask that masters get */
	pid_t	 master;	/* 0: none */
	int	 ready_fd;	/* a byte when the master is ready */
	uint64_t started_ms;
	unsigned young;
	unsigned failures;	/* starts in a row that did not become ready */
	bool	 is_ending;
};

/* In the master. */
static int told_fd = -1;
static int ended_by;
static pid_t guarded_by;

/* --- the master's side --- */

void
guardian_resume(int signal)
{
	told_fd = GUARDIAN_READY_FD;
	fcntl(told_fd, F_SETFD, FD_CLOEXEC);
	ended_by = signal;
	guarded_by = getppid();
}

void
guardian_ready(void)
{
	if (told_fd < 0)
		return;
	(void)!write(told_fd, "", 1);
	close(told_fd);
	told_fd = -1;
}

void
guardian_take(pid_t guardian)
{
	guarded_by = guardian;
}

pid_t
guardian_pid(void)
{
	return guarded_by;
}

int
guardian_signal(void)
{
	return ended_by;
}

/* --- the guardian's --- */

_Noreturn static void
be_successor(const struct guardian *guardian, int fd, int signal)
{
	char number[16];
	const char *argv[] = { guardian->program, "--guarded", number, "--config",
		guardian->arguments->file, guardian->arguments->test_clock ? "--test-clock" : NULL,
		NULL };

	snprintf(number, sizeof(number), "%d", signal);
	if (fd == GUARDIAN_READY_FD)
		fcntl(fd, F_SETFD, 0);
	else
		dup2(fd, GUARDIAN_READY_FD);
	execv(guardian->program, (char *const *)(uintptr_t)argv);
	_exit(EX_OSERR);
}

/* signal 0: it is the first, and 0 is returned in the child. */
static pid_t
start_master(struct guardian *guardian, int signal)
{
	int ends[2];
	pid_t pid;

	guardian->started_ms = heartbeat_now_ms();
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		sigprocmask(SIG_SETMASK, &guardian->before, NULL);
		if (signal != 0)
			be_successor(guardian, ends[1], signal);
		told_fd = ends[1];
		guarded_by = getppid();
		return 0;
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return -1;
	}
	guardian->ready_fd = ends[0];
	guardian->master = pid;
	return pid;
}

static bool
was_ready(struct guardian *guardian)
{
	char byte;
	bool ready = read(guardian->ready_fd, &byte, 1) == 1;

	close(guardian->ready_fd);
	guardian->ready_fd = -1;
	return ready;
}

/* Waits for a signal, at most so long; 0: none came. */
static int
wait_signal(struct guardian *guardian, uint64_t ms)
{
	struct timespec time = { .tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000 };
	int signal = ms == UINT64_MAX ? sigwaitinfo(&guardian->waits_for, NULL)
				      : sigtimedwait(&guardian->waits_for, NULL, &time);

	if (signal == SIGTERM || signal == SIGINT) {
		guardian->is_ending = true;
		if (guardian->master > 0)
			kill(guardian->master, SIGTERM);
	}
	return signal > 0 ? signal : 0;
}

static int
await_end(struct guardian *guardian)
{
	int status;

	while (waitpid(guardian->master, &status, WNOHANG) != guardian->master)
		wait_signal(guardian, UINT64_MAX);
	guardian->master = 0;
	return status;
}

static void
pause_before(struct guardian *guardian, uint64_t lived_ms)
{
	uint64_t now = heartbeat_now_ms();
	uint64_t end = now + backoff_delay(lived_ms, &guardian->young);

	for (; now < end && !guardian->is_ending; now = heartbeat_now_ms())
		wait_signal(guardian, end - now);
}

/* The signal for the next one to be told of; ends here where there is to be none. */
static int
judge(struct guardian *guardian, int status, bool is_first)
{
	bool is_killed = WIFSIGNALED(status), ready = was_ready(guardian);
	int code = is_killed ? EX_SOFTWARE : WEXITSTATUS(status);

	guardian->failures = ready ? 0 : guardian->failures + 1;
	if (guardian->is_ending || code == EX_OK || (is_first && !ready) || (ready && !is_killed))
		_exit(code);
	if (guardian->failures == STARTS_MOST) {
		log_error(LOG_MASTER, "no new master comes up; given up", "tries=%d status=%d",
		    STARTS_MOST, code);
		_exit(code);
	}
	log_error(LOG_MASTER,
	    is_killed ? "the master was killed; a new one is started"
		      : "a new master did not come up; another one is started",
	    "%s=%d", is_killed ? "signal" : "status", is_killed ? WTERMSIG(status) : code);
	return is_killed ? WTERMSIG(status) : SIGKILL;
}

static void
get_ready(struct guardian *guardian)
{
	ssize_t length =
	    readlink("/proc/self/exe", guardian->program, sizeof(guardian->program) - 1);

	if (length <= 0)
		snprintf(guardian->program, sizeof(guardian->program), "rookeryd");
	sigemptyset(&guardian->waits_for);
	sigaddset(&guardian->waits_for, SIGCHLD);
	sigaddset(&guardian->waits_for, SIGTERM);
	sigaddset(&guardian->waits_for, SIGINT);
	sigaddset(&guardian->waits_for, SIGHUP);
	sigaddset(&guardian->waits_for, SIGUSR1);
	sigaddset(&guardian->waits_for, SIGUSR2);
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &guardian->waits_for, &guardian->before);
}

void
guardian_start(const struct arguments *arguments)
{
	struct guardian guardian = { .arguments = arguments };
	pid_t pid;
	int signal;

	get_ready(&guardian);
	pid = start_master(&guardian, 0);
	if (pid == 0)
		return;
	if (pid < 0)
		_exit(EX_OSERR);
	daemon_leave();
	prctl(PR_SET_NAME, "rookeryd guard");
	logs_use(LOGS_SYSLOG);
	log_set_process("guardian");
	for (bool is_first = true;; is_first = false) {
		signal = judge(&guardian, await_end(&guardian), is_first);
		do
			pause_before(&guardian, heartbeat_now_ms() - guardian.started_ms);
		while (!guardian.is_ending && start_master(&guardian, signal) < 0);
		if (guardian.is_ending && guardian.master == 0)
			_exit(EX_OK);
	}
}
