/* still_socket.c -- for fuzz targets: socket pairs in the memory of this process. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/ensure.h"
#include "net/loop.h"
#include "tests/fuzz/still.h"

/* What the linker puts in the place of each call, and how it names the call itself. */
int	__wrap_socketpair(int domain, int type, int protocol, int pair[2]);
int	__wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *out, size_t size, int flags);
int	__wrap_shutdown(int fd, int how);
int	__wrap_close(int fd);
int	__real_close(int fd);

#define FIRST	 100000		/* no descriptor of the kernel's */
#define ENDS	 64
#define CAPACITY 200000

/* The ends of a pair stand beside each other. */
struct end {
	struct buffer in;
	size_t	      capacity;	/* of what the other end may have under way to this one */
	bool	      is_open;
	bool	      is_shut;	/* sends nothing more */
};

static struct end ends[ENDS];

static struct end *
end_of(int fd)
{
	return fd >= FIRST && fd < FIRST + ENDS ? &ends[fd - FIRST] : NULL;
}

static struct end *
peer_of(int fd)
{
	return &ends[(fd - FIRST) ^ 1];
}

static bool
is_over(const struct end *end)
{
	return !end->is_open || end->is_shut;
}

static size_t
room_of(const struct end *end)
{
	size_t length = buffer_length(&end->in);

	return length < end->capacity ? end->capacity - length : 0;
}

int
still_socket_events(int fd)
{
	struct end *end = end_of(fd), *peer;
	int events = 0;

	if (end == NULL)
		return 0;
	peer = peer_of(fd);
	if (buffer_length(&end->in) > 0 || is_over(peer))
		events |= WATCH_READ;
	if (!peer->is_open || room_of(peer) > 0)
		events |= WATCH_WRITE;
	return events;
}

int
__wrap_socketpair(int domain, int type, int protocol, int pair[2])
{
	int first = 0;

	(void)domain, (void)type, (void)protocol;
	while (first < ENDS && (ends[first].is_open || ends[first + 1].is_open))
		first += 2;
	ensure(first < ENDS);
	for (int i = 0; i < 2; i++) {
		struct end *end = &ends[first + i];

		end->is_open = true;
		end->is_shut = false;
		end->capacity = CAPACITY;
		buffer_empty(&end->in);
		pair[i] = FIRST + first + i;
	}
	return 0;
}

/* SO_SNDBUF alone. */
int
__wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
	(void)level, (void)length;
	ensure(name == SO_SNDBUF && end_of(fd) != NULL);
	peer_of(fd)->capacity = (size_t) * (const int *)value;
	return 0;
}

ssize_t
__wrap_send(int fd, const void *data, size_t size, int flags)
{
	struct end *peer = peer_of(fd);
	size_t room;

	(void)flags;
	ensure(end_of(fd) != NULL && end_of(fd)->is_open);
	if (!peer->is_open || end_of(fd)->is_shut) {
		errno = EPIPE;
		return -1;
	}
	room = room_of(peer);
	if (room == 0 && size > 0) {
		errno = EAGAIN;
		return -1;
	}
	if (size > room)
		size = room;
	buffer_append(&peer->in, slice_of(data, size));
	return (ssize_t)size;
}

ssize_t
__wrap_recv(int fd, void *out, size_t size, int flags)
{
	struct end *end = end_of(fd);
	struct slice all;

	ensure(end != NULL && end->is_open);
	all = buffer_slice(&end->in);
	if (all.length == 0 && is_over(peer_of(fd)))
		return 0;
	if (all.length == 0) {
		errno = EAGAIN;
		return -1;
	}
	if (size > all.length)
		size = all.length;
	memcpy(out, all.data, size);
	if ((flags & MSG_PEEK) == 0)
		buffer_take(&end->in, size);
	return (ssize_t)size;
}

int
__wrap_shutdown(int fd, int how)
{
	ensure(end_of(fd) != NULL && how == SHUT_WR);
	end_of(fd)->is_shut = true;
	return 0;
}

int
__wrap_close(int fd)
{
	struct end *end = end_of(fd);

	if (end == NULL)
		return __real_close(fd);
	ensure(end->is_open);
	end->is_open = false;
	return 0;
}
