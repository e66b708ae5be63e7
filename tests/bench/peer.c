/* peer.c -- one connection of a client: a socket, perhaps TLS, and what waits. */
#include "tests/bench/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/memory.h"

#define READ_BYTES 65536
#define EVENTS     128

static int epoll_fd = -1;
static SSL_CTX *tls;
static peer_event *on_input;
static peer_event *on_closed;

void
peer_start(peer_event *input, peer_event *closed)
{
	on_input = input;
	on_closed = closed;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ensure(epoll_fd >= 0);
	tls = SSL_CTX_new(TLS_client_method());
	ensure(tls != NULL);
	SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION);
	SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				  SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_CLIENT |
						SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_set_options(tls, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_alpn_protos(tls, (const unsigned char *)"\013xmpp-client", 12);
}

void
peer_set_input(peer_event *input)
{
	on_input = input;
}

static void
watch(struct peer *peer, int how, bool is_writing)
{
	struct epoll_event event = { .events =
					 EPOLLIN | (is_writing ? (uint32_t)EPOLLOUT : 0),
				     .data.ptr = peer };

	peer->is_writing = is_writing;
	epoll_ctl(epoll_fd, how, peer->fd, &event);
}

bool
peer_open(struct peer *peer, uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int one = 1;

	peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (peer->fd < 0 ||
	    connect(peer->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return false;
	setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	fcntl(peer->fd, F_SETFL, O_NONBLOCK);
	peer->is_closed = false;
	watch(peer, EPOLL_CTL_ADD, false);
	return true;
}

void
peer_close(struct peer *peer, bool keep_ticket)
{
	if (peer->ssl != NULL) {
		if (keep_ticket) {
			SSL_SESSION_free(peer->ticket);
			peer->ticket = SSL_get1_session(peer->ssl);
		}
		SSL_shutdown(peer->ssl); /* or OpenSSL takes the ticket for spoiled */
		SSL_free(peer->ssl);
		peer->ssl = NULL;
	}
	if (peer->fd >= 0)
		close(peer->fd);
	peer->fd = -1;
	buffer_clear(&peer->in);
	buffer_clear(&peer->out);
}

void
peer_secure(struct peer *peer, const char *host)
{
	SSL *ssl = SSL_new(tls);

	ensure(ssl != NULL);
	SSL_set_fd(ssl, peer->fd);
	SSL_set_tlsext_host_name(ssl, host);
	if (peer->ticket != NULL)
		SSL_set_session(ssl, peer->ticket);
	SSL_set_connect_state(ssl);
	SSL_set_read_ahead(ssl, 1);
	peer->ssl = ssl;
	SSL_do_handshake(ssl); /* says hello; reading goes on with it */
}

bool
peer_is_resumed(const struct peer *peer)
{
	return peer->ssl != NULL && SSL_session_reused(peer->ssl);
}

void
peer_write(struct peer *peer, struct slice bytes)
{
	buffer_append(&peer->out, bytes);
}

/* Bytes moved, 0 when it would block, -1 when the connection is over. */
static ssize_t
tls_result(struct peer *peer, int count)
{
	if (count > 0)
		return count;
	switch (SSL_get_error(peer->ssl, count)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return 0;
	default:
		return -1;
	}
}

static ssize_t
put(struct peer *peer, struct slice bytes)
{
	ssize_t count;

	if (peer->ssl != NULL)
		return tls_result(peer,
				  SSL_write(peer->ssl, bytes.data, (int)bytes.length));
	count = send(peer->fd, bytes.data, bytes.length, MSG_NOSIGNAL);
	return count < 0 ? (errno == EAGAIN ? 0 : -1) : count;
}

static ssize_t
take(struct peer *peer, char *into, size_t size)
{
	ssize_t count;

	if (peer->ssl != NULL)
		return tls_result(peer, SSL_read(peer->ssl, into, (int)size));
	count = recv(peer->fd, into, size, 0);
	return count > 0 ? count : count < 0 && errno == EAGAIN ? 0 : -1;
}

/* A handshake that waits for the other side needs no EPOLLOUT: reading drives it on. */
void
peer_flush(struct peer *peer)
{
	ssize_t count = 1;
	bool is_writing;

	while (buffer_length(&peer->out) > 0 && count > 0 && !peer->is_closed) {
		count = put(peer, buffer_slice(&peer->out));
		if (count > 0)
			buffer_take(&peer->out, (size_t)count);
		if (count < 0)
			peer->is_closed = true;
	}
	is_writing = buffer_length(&peer->out) > 0 &&
		     (peer->ssl == NULL || SSL_is_init_finished(peer->ssl));
	if (is_writing != peer->is_writing && peer->fd >= 0)
		watch(peer, EPOLL_CTL_MOD, is_writing);
}

/* In clear one read is enough, epoll tells of the rest; TLS must be emptied. */
static void
fill(struct peer *peer)
{
	ssize_t count;

	do {
		count = take(peer, buffer_reserve(&peer->in, READ_BYTES), READ_BYTES);
		if (count > 0)
			buffer_add(&peer->in, (size_t)count);
	} while (count > 0 && peer->ssl != NULL);
	if (count < 0)
		peer->is_closed = true;
}

static void
handle(struct peer *peer, uint32_t events)
{
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		fill(peer);
	if (buffer_length(&peer->in) > 0)
		on_input(peer);
	if (peer->fd >= 0)
		peer_flush(peer);
	if (peer->is_closed)
		on_closed(peer);
}

void
peer_turn(int timeout_ms)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(epoll_fd, events, EVENTS, timeout_ms);

	for (int i = 0; i < count; i++) {
		struct peer *peer = events[i].data.ptr;

		if (peer->fd >= 0)
			handle(peer, events[i].events);
	}
}

uint64_t
peer_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
