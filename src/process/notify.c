/* notify.c -- tells the service manager how far we are: sd_notify(3) without its library. */
#include "process/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/slice.h"

void
notify_send(const char *lines)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = path == NULL ? 0 : strlen(path);
	int fd;

	if (length < 2 || length >= sizeof(address.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, lines, strlen(lines), MSG_NOSIGNAL, (struct sockaddr *)&address,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
	close(fd);
}

void
notify_ready(const char *status)
{
	char lines[256];

	snprintf(lines, sizeof(lines), "READY=1\nMAINPID=%d\nSTATUS=%s", (int)getpid(), status);
	notify_send(lines);
}

void
notify_reloading(void)
{
	char lines[96];
	struct timespec now = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%llu",
	    (unsigned long long)now.tv_sec * 1000000ull +
		(unsigned long long)now.tv_nsec / 1000ull);
	notify_send(lines);
}

uint64_t
notify_watchdog_ms(void)
{
	const char *period = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	int64_t number;

	if (period == NULL ||
	    !slice_to_int(slice_from_text(period), 1000, INT64_MAX, &number))
		return 0;
	if (pid != NULL && atoi(pid) != (int)getpid())
		return 0;
	return (uint64_t)number / 2000 + 1;
}
