/* control_client.c -- asks the master of a running server; for rookeryctl. */
#include "process/control_client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/result.h"
#include "process/control_frame.h"

static int
result_of_errno(void)
{
	switch (errno) {
	case ENOENT:
	case ECONNREFUSED:
		return RESULT_NOT_FOUND;
	case EACCES:
	case EPERM:
		return RESULT_DENIED;
	case EAGAIN:
		return RESULT_TIMEOUT;
	case EPIPE:
	case ECONNRESET:
		return RESULT_CLOSED;
	default:
		return RESULT_FAILED;
	}
}

/* Keys of accounts are told to nobody else. */
static bool
is_trusted(int fd, const char *runtime_dir)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	struct stat st;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
		return false;
	return peer.uid == 0 || (stat(runtime_dir, &st) == 0 && peer.uid == st.st_uid);
}

int
control_open(const char *runtime_dir, int timeout_ms, int *out)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval time = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	int length, fd, rc;

	*out = -1;
	length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", runtime_dir,
	    CONTROL_SOCKET);
	if (length >= (int)sizeof(address.sun_path))
		return RESULT_INVALID;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return RESULT_FAILED;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
	rc = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? RESULT_OK
									    : result_of_errno();
	if (rc == RESULT_OK && !is_trusted(fd, runtime_dir))
		rc = RESULT_DENIED;
	if (rc != RESULT_OK) {
		close(fd);
		return rc;
	}
	*out = fd;
	return RESULT_OK;
}

void
control_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int
send_all(int fd, struct slice bytes)
{
	while (bytes.length > 0) {
		ssize_t count = send(fd, bytes.data, bytes.length, MSG_NOSIGNAL);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return result_of_errno();
		bytes = slice_after(bytes, (size_t)count);
	}
	return RESULT_OK;
}

/* A negative result; 0: the end. */
static long
receive(int fd, struct buffer *in)
{
	ssize_t count;

	do
		count = recv(fd, buffer_reserve(in, 4096), 4096, 0);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		return result_of_errno();
	buffer_add(in, (size_t)count);
	return count;
}

/* Handles what is there; RESULT_AGAIN: the answer is not. */
static int
take_frames(struct buffer *in, control_line_fn *on_line, void *owner, struct buffer *reply)
{
	struct control_header header;
	struct slice payload;
	int rc;

	while ((rc = control_frame_read(in, &header, &payload)) == RESULT_OK) {
		if (header.verb == CONTROL_LINE && on_line != NULL)
			on_line(owner, payload);
		if (header.verb == CONTROL_DONE && reply != NULL)
			buffer_append(reply, payload);
		control_frame_drop(in);
		if (header.verb == CONTROL_DONE)
			return header.result;
	}
	return rc;
}

int
control_ask(int fd, enum control_verb verb, struct slice payload, control_line_fn *on_line,
    void *owner, struct buffer *reply)
{
	struct buffer bytes;
	int rc;

	if (payload.length > CONTROL_PAYLOAD_MAX)
		return RESULT_INVALID;
	buffer_init(&bytes);
	control_frame_write(&bytes, verb, RESULT_OK, payload);
	rc = send_all(fd, buffer_slice(&bytes));
	memory_wipe(bytes.data, bytes.capacity);
	buffer_empty(&bytes);
	/* A server that refused us has said so, though it did not read all. */
	if (rc == RESULT_OK || rc == RESULT_CLOSED)
		rc = RESULT_AGAIN;
	while (rc == RESULT_AGAIN) {
		long count = receive(fd, &bytes);

		if (count > 0)
			rc = take_frames(&bytes, on_line, owner, reply);
		else
			rc = count == 0 ? RESULT_CLOSED : (int)count;
	}
	buffer_clear(&bytes);
	return rc;
}

int
control_await_end(int fd)
{
	struct buffer rest;
	long count;

	buffer_init(&rest);
	do {
		count = receive(fd, &rest);
		buffer_empty(&rest);
	} while (count > 0);
	buffer_clear(&rest);
	return count == 0 || count == RESULT_CLOSED ? RESULT_OK : (int)count;
}
