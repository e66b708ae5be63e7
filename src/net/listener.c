/* listener.c -- accepts on the master's sockets, waits while descriptors are short. */
#include "net/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "net/loop.h"
#include "net/timer.h"

#define ACCEPTS_PER_WAKE  16
#define RETRY_MS          100
#define DESCRIPTORS_SHARE 90 /* percent that connections may fill */

struct listener {
	struct timers *timers;
	struct watch *watch;
	void (*on_accept)(void *owner, int fd, const struct sockaddr_storage *address);
	void *owner;
	struct timer retry;
	int fd;
	int descriptors_allowed;
	bool paused;
	bool short_of_descriptors; /* waits for retry */
	bool accepting;
	bool closed; /* while accepting: freed behind it */
};

static void
listener_update_watch(struct listener *listener)
{
	bool waits = listener->paused || listener->short_of_descriptors;

	watch_set(listener->watch, waits ? 0 : WATCH_READ);
}

static int
descriptors_allowed(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT32_MAX)
		return INT32_MAX;
	return (int)(limit.rlim_cur * DESCRIPTORS_SHARE / 100);
}

/* The kernel gives the lowest free number: a number tells how many are in use. */
static bool
descriptors_are_short(int any_fd, int allowed)
{
	int fd = fcntl(any_fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE;
	close(fd);
	return fd >= allowed;
}

static void on_retry(struct timer *timer, void *parameter);

static void
listener_wait(struct listener *listener, const char *why)
{
	if (!listener->short_of_descriptors)
		log_warn(LOG_NET, "accepting paused", "fd=%d reason=\"%s\"", listener->fd,
			 why);
	listener->short_of_descriptors = true;
	timer_start(listener->timers, &listener->retry, RETRY_MS, on_retry, listener);
	listener_update_watch(listener);
}

static void
on_retry(struct timer *timer, void *parameter)
{
	struct listener *listener = parameter;

	listener->descriptors_allowed = descriptors_allowed();
	if (descriptors_are_short(listener->fd, listener->descriptors_allowed)) {
		timer_start(listener->timers, timer, RETRY_MS, on_retry, listener);
		return;
	}
	log_info(LOG_NET, "accepting again", "fd=%d", listener->fd);
	listener->short_of_descriptors = false;
	listener_update_watch(listener);
}

/* Returns false when this wake-up is over. */
static bool
listener_accept_one(struct listener *listener)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	int fd;

	memset(&address, 0, sizeof(address));
	fd = accept4(listener->fd, (struct sockaddr *)&address, &length,
		     SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		listener->on_accept(listener->owner, fd, &address);
		if (!listener->closed && fd >= listener->descriptors_allowed)
			listener_wait(listener, "descriptors are nearly all in use");
		return !listener->short_of_descriptors;
	}
	switch (errno) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		listener_wait(listener, strerror(errno));
		return false;
	case EAGAIN:
		return false;
	default:
		/* accept(2): errors of the one connection, which has gone. */
		return true;
	}
}

static void
on_ready(void *owner, int events)
{
	struct listener *listener = owner;

	listener->accepting = true;
	for (int i = 0; i < ACCEPTS_PER_WAKE; i++) {
		if (!listener_accept_one(listener) || listener->closed ||
		    listener->paused)
			break;
	}
	listener->accepting = false;
	if (listener->closed)
		memory_free(listener);
}

struct listener *
listener_new(struct loop *loop, struct timers *timers, int fd,
	     void (*on_accept)(void *owner, int fd,
			       const struct sockaddr_storage *address),
	     void *owner)
{
	struct listener *listener = NEW(struct listener);
	int on = 1;

	/* What is accepted inherits both, which saves two calls a connection. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	listener->timers = timers;
	listener->fd = fd;
	listener->descriptors_allowed = descriptors_allowed();
	listener->on_accept = on_accept;
	listener->owner = owner;
	listener->watch = watch_new(loop, fd, on_ready, listener);
	listener_update_watch(listener);
	return listener;
}

void
listener_pause(struct listener *listener)
{
	listener->paused = true;
	listener_update_watch(listener);
}

void
listener_resume(struct listener *listener)
{
	listener->paused = false;
	listener_update_watch(listener);
}

void
listener_close(struct listener **listener)
{
	struct listener *gone = *listener;

	if (gone == NULL)
		return;
	*listener = NULL;
	watch_close(&gone->watch);
	timer_stop(gone->timers, &gone->retry);
	gone->closed = true;
	if (!gone->accepting)
		memory_free(gone);
}

void
listener_address_text(const struct sockaddr_storage *address, char *out, size_t size)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *four = (const struct sockaddr_in *)address;
	const void *bytes = NULL;
	int family = address->ss_family;

	if (family == AF_INET)
		bytes = &four->sin_addr;
	else if (family == AF_INET6)
		bytes = &six->sin6_addr;
	if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		family = AF_INET;
		bytes = &six->sin6_addr.s6_addr[12];
	}
	if (bytes == NULL || inet_ntop(family, bytes, out, (socklen_t)size) == NULL)
		snprintf(out, size, "unknown");
}
