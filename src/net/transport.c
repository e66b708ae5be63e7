/* transport.c -- the plainest transport: a TCP socket in clear. */
#include "net/transport.h"

#include <errno.h>
#include <sys/socket.h>

#include "base/result.h"
#include "net/loop.h"

/* Whatever went wrong with the socket, the peer cannot be reached any more. */
static long
tcp_result(ssize_t count)
{
	if (count >= 0)
		return count;
	return errno == EAGAIN || errno == EWOULDBLOCK ? RESULT_AGAIN : RESULT_CLOSED;
}

static long
tcp_read(void *state, int fd, void *out, size_t size, int *want)
{
	ssize_t count;

	*want = WATCH_READ;
	do
		count = recv(fd, out, size, 0);
	while (count < 0 && errno == EINTR);
	return tcp_result(count);
}

static long
tcp_write(void *state, int fd, const void *data, size_t size, int *want)
{
	ssize_t count;

	*want = WATCH_WRITE;
	do
		count = send(fd, data, size, MSG_NOSIGNAL);
	while (count < 0 && errno == EINTR);
	return tcp_result(count);
}

static void
tcp_shutdown(void *state, int fd)
{
	shutdown(fd, SHUT_WR);
}

static void
tcp_free(void *state)
{
}

const struct transport transport_tcp = {
	.name = "tcp",
	.read = tcp_read,
	.write = tcp_write,
	.shutdown = tcp_shutdown,
	.free = tcp_free,
};
