/* listeners.c -- the listening sockets: one a worker and address, made once and kept for the replacement. */
#include "process/listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/address.h"
#include "config/config.h"
#include "process/heartbeat.h"

#define BACKLOG		 4096
#define HANDED_FROM	 3 /* sd_listen_fds(3) */
#define HANDED_MOST	 64
#define CLOSING_MS	 5000
#define CLOSING_EVERY_MS 10

static void
add(struct listeners *listeners, int fd, uint32_t worker, bool direct_tls)
{
	size_t size = (listeners->count + 1) * sizeof(*listeners->all);

	listeners->all = memory_resize(listeners->all, size);
	listeners->all[listeners->count++] =
	    (struct listening){ .fd = fd, .worker = worker, .direct_tls = direct_tls };
}

static socklen_t
length_of(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					      : sizeof(struct sockaddr_in);
}

/* A socket bound to the address, or -1 with errno. */
static int
bound(const struct sockaddr_storage *address, bool shares_port)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, saved_errno;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (shares_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0)
		goto fail;
	if (bind(fd, (const struct sockaddr *)address, length_of(address)) == 0)
		return fd;
fail:
	saved_errno = errno;
	close(fd);
	errno = saved_errno;
	return -1;
}

static int
complain(const char *text, int error)
{
	const char *hint = "see the options listen and listen_tls";
	int status = EX_OSERR;

	if (error == EADDRINUSE) {
		hint = "another server has that port: find it with \"ss -ltnp\"";
		status = EX_UNAVAILABLE;
	} else if (error == EACCES) {
		hint = "a port below 1024 needs root, or CAP_NET_BIND_SERVICE";
		status = EX_NOPERM;
	} else if (error == EADDRNOTAVAIL) {
		hint = "this machine has no such address";
		status = EX_UNAVAILABLE;
	}
	log_error(LOG_MASTER, "cannot listen", "address=%s reason=\"%s\" hint='%s'", text,
	    strerror(error), hint);
	return status;
}

static bool
is_without_ipv6(const struct sockaddr_storage *address, int error)
{
	return address->ss_family == AF_INET6 &&
	    (error == EAFNOSUPPORT || error == EADDRNOTAVAIL);
}

/*
 * A process that ends closes what it had one after the other: of the server before, the lock of its directory may be
 * gone already, and its sockets not yet.
 */
static int
bound_alone(const struct sockaddr_storage *address, const char *text)
{
	uint64_t end = heartbeat_now_ms() + CLOSING_MS;
	bool is_told = false;
	int fd;

	while ((fd = bound(address, false)) < 0 && errno == EADDRINUSE &&
	    heartbeat_now_ms() < end) {
		if (!is_told)
			log_warn(LOG_MASTER, "waiting for an address that is in use",
			    "address=%s", text);
		is_told = true;
		poll(NULL, 0, CLOSING_EVERY_MS);
	}
	return fd;
}

/*
 * The first try does not share its port, so that a stranger's socket is found: with SO_REUSEPORT alone two
 * servers of one user would take each other's connections.
 */
static int
open_address(struct listeners *listeners, const char *text,
    const struct sockaddr_storage *address, bool is_one_of_two, bool direct_tls,
    uint32_t workers)
{
	int fd = bound_alone(address, text);

	if (fd < 0 && is_one_of_two && is_without_ipv6(address, errno)) {
		log_warn(LOG_MASTER, "no IPv6 on this machine", "address=%s", text);
		return 0;
	}
	if (fd < 0)
		return complain(text, errno);
	close(fd);
	for (uint32_t i = 0; i < workers; i++) {
		fd = bound(address, true);
		if (fd < 0)
			return complain(text, errno);
		if (listen(fd, BACKLOG) != 0) {
			int error = errno;

			close(fd);
			return complain(text, error);
		}
		add(listeners, fd, i, direct_tls);
	}
	return 0;
}

static int
open_list(struct listeners *listeners, const struct option_list *list, bool direct_tls,
    uint32_t workers)
{
	for (size_t i = 0; i < list->count; i++) {
		struct sockaddr_storage found[ADDRESS_MAX];
		const char *why;
		int count = address_read(slice_from_text(list->item[i]), found, &why);

		/* The configuration was checked. */
		ensure(count > 0);
		for (int j = 0; j < count; j++) {
			int status = open_address(listeners, list->item[i], &found[j],
			    count > 1, direct_tls, workers);

			if (status != 0)
				return status;
		}
	}
	return 0;
}

/* --- sockets handed over by a service manager --- */

static uint16_t
port_of(const struct sockaddr_storage *address)
{
	return ntohs(address->ss_family == AF_INET6
		? ((const struct sockaddr_in6 *)address)->sin6_port
		: ((const struct sockaddr_in *)address)->sin_port);
}

static bool
is_direct_tls(const struct config *config, uint16_t port)
{
	for (size_t i = 0; i < config->listen_tls.count; i++) {
		struct sockaddr_storage found[ADDRESS_MAX];
		const char *why;

		if (address_read(slice_from_text(config->listen_tls.item[i]), found, &why) > 0 &&
		    port_of(&found[0]) == port)
			return true;
	}
	return false;
}

static int
take_handed(struct listeners *listeners, const struct config *config, int fd)
{
	struct sockaddr_storage address = { 0 };
	socklen_t length = sizeof(address);
	int listens = 0;
	socklen_t size = sizeof(listens);

	if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 ||
	    (address.ss_family != AF_INET && address.ss_family != AF_INET6) ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) {
		log_error(LOG_MASTER, "a socket that was handed over does not listen", "fd=%d",
		    fd);
		return EX_CONFIG;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	add(listeners, fd, LISTENING_SHARED, is_direct_tls(config, port_of(&address)));
	return 0;
}

int
listeners_open(struct listeners *listeners, const struct config *config, uint32_t workers)
{
	int handed = listeners_handed();
	int status = 0;

	*listeners = (struct listeners){ .workers = workers };
	for (int i = 0; i < handed && status == 0; i++)
		status = take_handed(listeners, config, HANDED_FROM + i);
	if (handed == 0) {
		status = open_list(listeners, &config->listen, false, workers);
		if (status == 0)
			status = open_list(listeners, &config->listen_tls, true, workers);
	}
	if (status != 0)
		listeners_close(listeners);
	return status;
}

bool
listeners_is_of(const struct listeners *listeners, const struct listening *one, uint32_t seat)
{
	return one->worker == LISTENING_SHARED || one->worker == seat % listeners->workers;
}

int
listeners_handed(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *fds = getenv("LISTEN_FDS");
	int64_t count = 0;

	if (pid == NULL || fds == NULL || atoi(pid) != (int)getpid() ||
	    !slice_to_int(slice_from_text(fds), 0, HANDED_MOST, &count))
		return 0;
	return (int)count;
}

void
listeners_close(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++)
		close(listeners->all[i].fd);
	memory_free(listeners->all);
	*listeners = (struct listeners){ 0 };
}
