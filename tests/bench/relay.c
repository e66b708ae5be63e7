/* relay.c -- the floor: moves bytes between two sockets and does nothing else. */
#include <arpa/inet.h>
#include <errno.h>
#include <expat.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/memory.h"

#define EVENTS        128
#define READ_BYTES    65536
#define PROCESSES_MAX 16
#define GROUP_MAX     1024

/* Each connection is joined to the one accepted before or after it. */
struct end {
	int fd;
	bool is_writing;
	struct end *other;
	struct group *group; /* with --fanout alone */
	SSL *ssl;
	XML_Parser parser;
	char *
	    waiting; /* what this socket did not take; nothing is read for it meanwhile */
	size_t waiting_length;
};

/* So many connections accepted one after the other: what the first one says, all get. */
struct group {
	int count;
	struct end *member[GROUP_MAX];
};

static uint16_t port;
static int process_count = 1;
static int group_size; /* 0: pairs */
static bool parses;
static const char *certificate;
static const char *key;

static int epoll_fd;
static SSL_CTX *tls;
static struct end *single;
static struct group *last_group;

static void
watch(struct end *end, int how, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = end };

	epoll_ctl(epoll_fd, how, end->fd, &event);
}

/* --- the two ways a socket is read and written; 0: would block, -1: over --- */

static ssize_t
result(struct end *end, ssize_t count)
{
	int error;

	if (count > 0)
		return count;
	if (end->ssl == NULL)
		return count < 0 && errno == EAGAIN ? 0 : -1;
	error = SSL_get_error(end->ssl, (int)count);
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static ssize_t
take(struct end *end, char *into, size_t size)
{
	return result(end, end->ssl != NULL ? SSL_read(end->ssl, into, (int)size)
					    : read(end->fd, into, size));
}

static ssize_t
put(struct end *end, const char *bytes, size_t length)
{
	return result(end, end->ssl != NULL ? SSL_write(end->ssl, bytes, (int)length)
					    : write(end->fd, bytes, length));
}

/* --- relaying --- */

/* Both sockets go, their memory stays: a relay serves one run, and other events may still
 * name it. */
static void
stop(struct end *end)
{
	for (int i = 0; i < 2 && end != NULL; i++, end = end->other) {
		if (end->fd >= 0)
			close(end->fd);
		end->fd = -1;
	}
}

static void
pause_for(struct end *end, const char *bytes, size_t length)
{
	end->waiting = memory_resize(end->waiting, length);
	memmove(end->waiting, bytes, length);
	end->waiting_length = length;
	end->is_writing = true;
	watch(end, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
	watch(end->other, EPOLL_CTL_MOD, end->other->is_writing ? (uint32_t)EPOLLOUT : 0);
}

static void
pass(struct end *end, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t count = put(end, bytes, length);

		if (count < 0) {
			stop(end);
			return;
		}
		if (count == 0) {
			pause_for(end, bytes, length);
			return;
		}
		bytes += count;
		length -= (size_t)count;
	}
}

static void
on_writable(struct end *end)
{
	size_t length = end->waiting_length;

	end->waiting_length = 0;
	end->is_writing = false;
	watch(end, EPOLL_CTL_MOD, EPOLLIN);
	watch(end->other, EPOLL_CTL_MOD,
	      EPOLLIN | (end->other->is_writing ? (uint32_t)EPOLLOUT : 0));
	pass(end, end->waiting, length);
}

/* Senders wait until all have read, so a socket that takes nothing is a fault of the run. */
static void
fan_out(struct group *group, const char *bytes, size_t length)
{
	for (int i = 0; i < group->count; i++)
		if (group->member[i]->fd >= 0 &&
		    put(group->member[i], bytes, length) != (ssize_t)length) {
			fprintf(stderr, "relay: a receiver is too slow\n");
			_exit(1);
		}
}

static void
on_group_readable(struct end *end)
{
	static char bytes[READ_BYTES];
	ssize_t count = take(end, bytes, sizeof(bytes));

	if (count < 0) {
		close(end->fd);
		end->fd = -1;
	} else if (count > 0 && end == end->group->member[0]) {
		fan_out(end->group, bytes, (size_t)count);
	}
}

/* One read for a wake-up; TLS is emptied, for epoll does not see what OpenSSL holds. */
static void
on_readable(struct end *end)
{
	static char bytes[READ_BYTES];
	ssize_t count;

	do {
		count = take(end, bytes, sizeof(bytes));
		if (count < 0)
			stop(end);
		if (count <= 0 || end->other == NULL)
			return;
		if (end->parser != NULL &&
		    XML_Parse(end->parser, bytes, (int)count, 0) != XML_STATUS_OK)
			stop(end);
		if (end->fd >= 0)
			pass(end->other, bytes, (size_t)count);
	} while (end->ssl != NULL && end->fd >= 0 && end->other->waiting_length == 0);
}

/* --- accepting --- */

static void
on_start_element(void *owner, const XML_Char *name, const XML_Char **attributes)
{
}

static void
on_end_element(void *owner, const XML_Char *name)
{
}

static void
on_text(void *owner, const XML_Char *text, int length)
{
}

static XML_Parser
make_parser(void)
{
	XML_Parser parser = XML_ParserCreateNS("UTF-8", '\n');

	XML_SetElementHandler(parser, on_start_element, on_end_element);
	XML_SetCharacterDataHandler(parser, on_text);
	XML_Parse(parser, "<stream>", 8, 0);
	return parser;
}

static void
join_group(struct end *end)
{
	if (last_group == NULL || last_group->count == group_size)
		last_group = NEW(struct group);
	last_group->member[last_group->count++] = end;
	end->group = last_group;
}

static void
on_connection(int listener)
{
	struct end *end = NEW(struct end);
	int one = 1;

	end->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (end->fd < 0) {
		memory_free(end);
		return;
	}
	setsockopt(end->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (parses)
		end->parser = make_parser();
	if (tls != NULL) {
		end->ssl = SSL_new(tls);
		SSL_set_fd(end->ssl, end->fd);
		SSL_set_accept_state(end->ssl);
	}
	watch(end, EPOLL_CTL_ADD, EPOLLIN);
	if (group_size > 0) {
		join_group(end);
		return;
	}
	if (single == NULL) {
		single = end;
		return;
	}
	end->other = single;
	single->other = end;
	single = NULL;
}

static int
listen_on(uint16_t number)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(number),
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	    listen(fd, 1024) == 0)
		return fd;
	fprintf(stderr, "relay: port %u: %s\n", number, strerror(errno));
	exit(1);
}

static void
open_tls(void)
{
	tls = SSL_CTX_new(TLS_server_method());
	ensure(tls != NULL);
	SSL_CTX_set_read_ahead(tls, 1);
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				  SSL_MODE_RELEASE_BUFFERS);
	if (SSL_CTX_use_certificate_chain_file(tls, certificate) == 1 &&
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) == 1)
		return;
	fprintf(stderr, "relay: %s and %s are not a certificate and its key\n",
		certificate, key);
	exit(1);
}

static _Noreturn void
relay(int listener)
{
	struct epoll_event events[EVENTS];
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event);
	for (;;) {
		int count = epoll_wait(epoll_fd, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			struct end *end = events[i].data.ptr;

			if (end == NULL)
				on_connection(listener);
			else if (end->fd >= 0 && events[i].events & EPOLLOUT)
				on_writable(end);
			else if (end->fd >= 0 && end->group != NULL)
				on_group_readable(end);
			else if (end->fd >= 0)
				on_readable(end);
		}
	}
}

static bool
read_options(int argc, char **argv)
{
	static const struct option words[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "processes", required_argument, NULL, 'n' },
		{ "fanout", required_argument, NULL, 'f' },
		{ "expat", no_argument, NULL, 'x' },
		{ "certificate", required_argument, NULL, 'c' },
		{ "key", required_argument, NULL, 'k' },
		{ 0 }
	};
	int word;

	while ((word = getopt_long(argc, argv, "", words, NULL)) != -1)
		switch (word) {
		case 'p':
			port = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 'n':
			process_count = (int)strtol(optarg, NULL, 10);
			break;
		case 'f':
			group_size = (int)strtol(optarg, NULL, 10);
			break;
		case 'x':
			parses = true;
			break;
		case 'c':
			certificate = optarg;
			break;
		case 'k':
			key = optarg;
			break;
		default:
			return false;
		}
	return port != 0 && process_count > 0 && process_count <= PROCESSES_MAX &&
	       group_size >= 0 && group_size <= GROUP_MAX;
}

/* Process i listens on port + i. The parent only waits; its children end with it. */
int
main(int argc, char **argv)
{
	int listeners[PROCESSES_MAX];

	if (!read_options(argc, argv)) {
		fprintf(stderr, "usage: relay --port PORT [--processes N] [--expat] "
				"[--fanout N] [--certificate FILE --key FILE]\n");
		return 2;
	}
	if (certificate != NULL)
		open_tls();
	for (int i = 0; i < process_count; i++)
		listeners[i] = listen_on((uint16_t)(port + i));
	for (int i = 0; i < process_count; i++)
		if (fork() == 0)
			relay(listeners[i]);
	printf("ready\n");
	fflush(stdout);
	wait(NULL);
	return 1;
}
