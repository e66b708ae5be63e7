/* logs.c -- where log lines go: standard error, syslog, or a file that the master opens for all. */
#include "process/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_syslog.h"
#include "base/result.h"
#include "process/privileges.h"
#include "process/talk.h"

#define IDENT "rookeryd"

static int lost_to = -1;	/* a child's: whom it asks for a connection to syslog */

static int
fail(const char *path, const char *why)
{
	log_error(LOG_MASTER, "cannot open the log file", "path=%s reason=\"%s\"", path, why);
	return RESULT_FAILED;
}

int
logs_open(const char *log, const struct identity *identity, int *fd)
{
	struct stat st;

	*fd = strcmp(log, "syslog") == 0 ? LOGS_SYSLOG : STDERR_FILENO;
	if (log[0] != '/')
		return RESULT_OK;
	*fd = open(log,
	    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0640);
	if (*fd < 0)
		return fail(log, strerror(errno));
	if (fstat(*fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1) {
		close(*fd);
		return fail(log, "it is no plain file");
	}
	if (identity->is_changed && st.st_size == 0 && st.st_uid == 0 &&
	    fchown(*fd, identity->uid, identity->gid) != 0)
		log_warn(LOG_MASTER, "cannot hand the log file over", "path=%s", log);
	return RESULT_OK;
}

/* Once a second: every line would ask. */
static void
ask_master(void)
{
	static time_t asked;
	time_t now = time(NULL);

	if (now == asked)
		return;
	asked = now;
	talk_send(lost_to, TALK_LOG, SLICE_EMPTY, -1);
}

void
logs_ask_of(int socket)
{
	lost_to = socket;
	log_syslog_on_lost(ask_master);
}

void
logs_use(int fd)
{
	if (fd == LOGS_SYSLOG)
		log_to_syslog(IDENT, -1);
	else
		log_to_fd(fd);
}

void
logs_replace(int fd)
{
	static int current = -1;

	if (lost_to >= 0) {
		log_to_syslog(IDENT, fd);
		return;
	}
	log_to_fd(fd);
	if (current >= 0)
		close(current);
	current = fd;
}
