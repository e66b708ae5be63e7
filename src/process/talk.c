/* talk.c -- messages over a pair of sockets that keep them whole, with SCM_RIGHTS. */
#include "process/talk.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/result.h"

int
talk_pair(int sockets[2])
{
	int rc = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets);

	return rc == 0 ? RESULT_OK : RESULT_FAILED;
}

int
talk_send(int socket, enum talk_verb verb, struct slice text, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	uint8_t byte = (uint8_t)verb;
	struct iovec parts[2] = { { &byte, 1 },
		{ (void *)(uintptr_t)text.data,
		    text.length > TALK_TEXT_MAX ? TALK_TEXT_MAX : text.length } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t count;

	if (fd >= 0) {
		struct cmsghdr *header;

		message.msg_control = control.space;
		message.msg_controllen = sizeof(control.space);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	do
		count = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (count < 0 && errno == EINTR);
	if (count >= 0)
		return RESULT_OK;
	if (errno == EAGAIN)
		return RESULT_AGAIN;
	return errno == EPIPE || errno == ECONNRESET ? RESULT_CLOSED : RESULT_FAILED;
}

/* Takes the first descriptor; what else was sent is closed. */
static int
descriptor_of(struct msghdr *message)
{
	int found = -1;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
	     header = CMSG_NXTHDR(message, header)) {
		size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(header) + i * sizeof(fd), sizeof(fd));
			if (found < 0)
				found = fd;
			else
				close(fd);
		}
	}
	return found;
}

int
talk_receive(int socket, struct talk *talk)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(4 * sizeof(int))];
	} control;
	uint8_t byte = 0;
	struct iovec parts[2] = { { &byte, 1 }, { talk->text, TALK_TEXT_MAX } };
	struct msghdr message = { .msg_iov = parts,
		.msg_iovlen = 2,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	ssize_t count;

	do
		count = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		return errno == EAGAIN ? RESULT_AGAIN
		    : errno == ECONNRESET ? RESULT_CLOSED
					  : RESULT_FAILED;
	talk->fd = descriptor_of(&message);
	if (count == 0)
		return RESULT_CLOSED;
	talk->verb = (enum talk_verb)byte;
	talk->length = (size_t)count - 1;
	talk->text[talk->length] = '\0';
	if (byte < TALK_READY || byte >= TALK_LAST || (message.msg_flags & MSG_TRUNC) != 0) {
		if (talk->fd >= 0)
			close(talk->fd);
		return RESULT_CORRUPT;
	}
	return RESULT_OK;
}

static int
wait_for(int socket, short events, int timeout_ms)
{
	struct pollfd ready = { .fd = socket, .events = events };
	int rc = poll(&ready, 1, timeout_ms);

	if (rc == 0)
		return RESULT_TIMEOUT;
	return rc > 0 || errno == EINTR ? RESULT_OK : RESULT_FAILED;
}

int
talk_wait_send(int socket, enum talk_verb verb, struct slice text, int fd, int timeout_ms)
{
	for (;;) {
		int rc = talk_send(socket, verb, text, fd);

		if (rc == RESULT_AGAIN)
			rc = wait_for(socket, POLLOUT, timeout_ms);
		else
			return rc;
		if (rc != RESULT_OK)
			return rc;
	}
}

int
talk_wait(int socket, struct talk *talk, int timeout_ms)
{
	for (;;) {
		int rc = talk_receive(socket, talk);

		if (rc == RESULT_AGAIN)
			rc = wait_for(socket, POLLIN, timeout_ms);
		else
			return rc;
		if (rc != RESULT_OK)
			return rc;
	}
}
