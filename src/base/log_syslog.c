/* log_syslog.c -- the log's way to syslog (RFC 3164), on a socket that can be handed over. */
#include "base/log_syslog.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

/*
 * syslog(3) connects again by itself, which a process in a sandbox cannot; and it does not let others give it a
 * connection. What it writes is one datagram a line.
 */
static char ident[64];
static int syslog_fd = -1;
static void (*on_lost)(void);

int
log_syslog_connect(void)
{
	static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = _PATH_LOG };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
take(int fd)
{
	if (syslog_fd >= 0 && syslog_fd != fd)
		close(syslog_fd);
	syslog_fd = fd;
}

void
log_syslog_use(const char *name, int fd)
{
	snprintf(ident, sizeof(ident), "%s", name);
	take(fd);
}

void
log_syslog_on_lost(void (*ask)(void))
{
	on_lost = ask;
}

static bool
send_line(const char *text, size_t length)
{
	while (send(syslog_fd, text, length, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return false;
	return true;
}

/* A lost connection is made anew, or asked for; the line that met it is lost only in the latter case. */
void
log_syslog_write(int level, const char *line)
{
	/* In the order of enum log_level; debug and trace are one to syslog. */
	static const int priorities[] = {
		LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG, LOG_DEBUG,
	};
	char text[4096 + 128], stamp[32];
	time_t now = time(NULL);
	struct tm date;
	int length;

	localtime_r(&now, &date);
	strftime(stamp, sizeof(stamp), "%b %e %H:%M:%S", &date);
	length = snprintf(text, sizeof(text), "<%d>%s %s[%d]: %s", LOG_DAEMON | priorities[level],
	    stamp, ident, (int)getpid(), line);
	if (length >= (int)sizeof(text))
		length = sizeof(text) - 1;
	if (syslog_fd >= 0 && send_line(text, (size_t)length))
		return;
	if (on_lost != NULL) {
		on_lost();
		return;
	}
	take(log_syslog_connect());
	if (syslog_fd >= 0)
		send_line(text, (size_t)length);
}
