/* daemon.c -- into the background, while the command waits until the server accepts. */
#include "process/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static int ready_fd = -1;

/* A byte means ready; the end without one, that the server is gone. */
_Noreturn static void
await(int fd, pid_t server)
{
	ssize_t count;
	char byte;
	int status;

	do
		count = read(fd, &byte, 1);
	while (count < 0 && errno == EINTR);
	if (count == 1)
		_exit(EX_OK);
	while (waitpid(server, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : EX_SOFTWARE);
}

void
daemon_start(void)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		perror("rookeryd: cannot go into the background");
		_exit(EX_OSERR);
	}
	if (pid > 0) {
		close(ends[1]);
		await(ends[0], pid);
	}
	close(ends[0]);
	ready_fd = ends[1];
	setsid();
	if (chdir("/") != 0)
		_exit(EX_OSERR);
}

/* Whoever reads the output of the command that started us must find its end. */
static void
let_go_of_terminal(void)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && null_fd >= 0; fd++)
		dup2(null_fd, fd);
	if (null_fd > STDERR_FILENO)
		close(null_fd);
}

void
daemon_detach(void)
{
	if (ready_fd >= 0)
		let_go_of_terminal();
}

void
daemon_leave(void)
{
	let_go_of_terminal();
	close(ready_fd);
	ready_fd = -1;
}

void
daemon_ready(void)
{
	if (ready_fd < 0)
		return;
	/* Who waited may have been killed: no matter. */
	(void)!write(ready_fd, "", 1);
	close(ready_fd);
	ready_fd = -1;
}
