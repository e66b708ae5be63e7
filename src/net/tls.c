/* tls.c -- one TLS connection: OpenSSL between a socket and a shared input buffer. */
#include "net/tls.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "base/result.h"
#include "net/loop.h"
#include "net/tls_internal.h"
#include "net/transport.h"

static size_t
tls_input_length(const struct tls *tls)
{
	const struct tls_input *input = &tls->context->input;

	return input->user == tls ? input->end - input->start
				  : tls->own_end - tls->own_start;
}

/* Makes the shared buffer this connection's. */
static struct tls_input *
tls_input_claim(struct tls *tls)
{
	struct tls_input *input = &tls->context->input;
	struct tls *before = input->user;
	size_t left = input->end - input->start;

	if (before != NULL && before != tls && left > 0) {
		before->own_input = memory_new(left);
		before->own_start = 0;
		before->own_end = left;
		memcpy(before->own_input, input->data + input->start, left);
	}
	input->user = tls;
	input->start = input->end = 0;
	return input;
}

static int
tls_receive(struct tls *tls, BIO *bio)
{
	struct tls_input *input;
	ssize_t count;

	if (!tls->may_receive) {
		BIO_set_retry_read(bio);
		return -1;
	}
	tls->may_receive = false;
	input = tls_input_claim(tls);
	do
		count = recv(tls->fd, input->data, sizeof(input->data), 0);
	while (count < 0 && errno == EINTR);
	if (count > 0) {
		input->end = (size_t)count;
		return 1;
	}
	if (count == 0)
		tls->at_end = true;
	else if (errno == EAGAIN || errno == EWOULDBLOCK)
		BIO_set_retry_read(bio);
	else
		tls->is_broken = true;
	return (int)count;
}

static size_t
tls_input_take(struct tls *tls, char *out, size_t size)
{
	struct tls_input *input = &tls->context->input;
	size_t length = tls_input_length(tls);

	if (size > length)
		size = length;
	if (input->user == tls) {
		memcpy(out, input->data + input->start, size);
		input->start += size;
		return size;
	}
	memcpy(out, tls->own_input + tls->own_start, size);
	tls->own_start += size;
	if (tls->own_start == tls->own_end) {
		memory_free(tls->own_input);
		tls->own_input = NULL;
		tls->own_start = tls->own_end = 0;
	}
	return size;
}

static int
on_bio_read(BIO *bio, char *out, int size)
{
	struct tls *tls = BIO_get_data(bio);
	int rc;

	BIO_clear_retry_flags(bio);
	if (tls->is_refused || size <= 0)
		return -1;
	if (tls_input_length(tls) == 0) {
		rc = tls_receive(tls, bio);
		if (rc <= 0)
			return rc;
	}
	return (int)tls_input_take(tls, out, (size_t)size);
}

static int
on_bio_write(BIO *bio, const char *data, int size)
{
	struct tls *tls = BIO_get_data(bio);
	ssize_t count;

	BIO_clear_retry_flags(bio);
	do
		count = send(tls->fd, data, (size_t)size, MSG_NOSIGNAL);
	while (count < 0 && errno == EINTR);
	if (count >= 0)
		return (int)count;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		BIO_set_retry_write(bio);
	else
		tls->is_broken = true;
	return -1;
}

static long
on_bio_control(BIO *bio, int command, long number, void *pointer)
{
	struct tls *tls = BIO_get_data(bio);

	switch (command) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return tls->at_end;
	default:
		return 0;
	}
}

static const BIO_METHOD *
tls_bio_method(void)
{
	static BIO_METHOD *method;

	if (method == NULL) {
		method =
		    BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "rookery");
		ensure(method != NULL);
		BIO_meth_set_read(method, on_bio_read);
		BIO_meth_set_write(method, on_bio_write);
		BIO_meth_set_ctrl(method, on_bio_control);
	}
	return method;
}

static void
tls_set_error(struct tls *tls, const char *text)
{
	memory_free(tls->error);
	tls->error = memory_copy_text(slice_from_text(text));
}

void
tls_refuse(struct tls *tls, const char *why)
{
	if (tls->is_refused)
		return;
	tls->is_refused = true;
	tls_set_error(tls, why);
}

/* What OpenSSL's answer means; count is what it returned. */
static long
tls_result(struct tls *tls, int rc, int *want)
{
	const char *reason;

	if (tls->is_refused) {
		tls->has_failed = true;
		return RESULT_FAILED;
	}
	switch (SSL_get_error(tls->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		*want = WATCH_READ;
		return RESULT_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		*want = WATCH_WRITE;
		return RESULT_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SSL:
		tls->has_failed = true;
		reason = ERR_reason_error_string(ERR_peek_error());
		tls_set_error(tls, reason != NULL ? reason : "unknown");
		ERR_clear_error();
		return RESULT_FAILED;
	default:
		tls->has_failed = true;
		return RESULT_CLOSED;
	}
}

struct tls *
tls_accept(struct tls_context *context, int fd)
{
	struct tls *tls = NEW(struct tls);
	BIO *bio = BIO_new(tls_bio_method());

	ensure(context->host_count > 0 && bio != NULL);
	context->references++;
	tls->context = context;
	tls->fd = fd;
	tls->ssl = SSL_new(context->hosts[0].ssl);
	ensure(tls->ssl != NULL);
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	SSL_set_bio(tls->ssl, bio, bio);
	SSL_set_app_data(tls->ssl, tls);
	if (!tls_ticket_is_possible(context)) {
		SSL_set_options(tls->ssl, SSL_OP_NO_TICKET);
		SSL_set_num_tickets(tls->ssl, 0);
	}
	SSL_set_accept_state(tls->ssl);
	return tls;
}

void
tls_free(struct tls **tls)
{
	struct tls *gone = *tls;

	if (gone == NULL)
		return;
	if (gone->context->input.user == gone)
		gone->context->input.user = NULL;
	SSL_free(gone->ssl);
	tls_context_release(&gone->context);
	memory_free(gone->own_input);
	memory_free(gone->server_name);
	memory_free(gone->error);
	memory_free(gone);
	*tls = NULL;
}

long
tls_read(struct tls *tls, void *out, size_t size, int *want)
{
	size_t count = 0;
	int rc;

	*want = WATCH_READ;
	if (tls->has_failed)
		return RESULT_CLOSED;
	tls->may_receive = !tls_has_input(tls);
	ERR_clear_error();
	rc = SSL_read_ex(tls->ssl, out, size, &count);
	if (rc == 1 && !tls->is_refused)
		return (long)count;
	return tls_result(tls, rc, want);
}

long
tls_write(struct tls *tls, const void *data, size_t size, int *want)
{
	size_t written = 0;
	long result = 0;

	*want = WATCH_WRITE;
	if (tls->has_failed)
		return RESULT_CLOSED;
	while (written < size) {
		size_t count = 0;
		int rc;

		ERR_clear_error();
		rc = SSL_write_ex(tls->ssl, (const char *)data + written, size - written,
				  &count);
		if (rc != 1) {
			result = tls_result(tls, rc, want);
			break;
		}
		written += count;
	}
	if (written > 0)
		return (long)written;
	return result == 0 ? RESULT_CLOSED : result;
}

void
tls_shutdown(struct tls *tls)
{
	if (tls->has_failed || tls->is_broken || !tls_is_ready(tls))
		return;
	ERR_clear_error();
	SSL_shutdown(tls->ssl);
	ERR_clear_error();
}

void
tls_release(struct tls *tls)
{
	SSL_free_buffers(tls->ssl);
}

bool
tls_has_input(const struct tls *tls)
{
	return tls_input_length(tls) > 0 || SSL_pending(tls->ssl) > 0;
}

bool
tls_is_ready(const struct tls *tls)
{
	return SSL_is_init_finished(tls->ssl);
}

const char *
tls_error(const struct tls *tls)
{
	return tls->error != NULL ? tls->error : "";
}

const char *
tls_version(const struct tls *tls)
{
	return SSL_get_version(tls->ssl);
}

const char *
tls_cipher(const struct tls *tls)
{
	return SSL_get_cipher_name(tls->ssl);
}

struct slice
tls_server_name(const struct tls *tls)
{
	if (tls->server_name == NULL)
		return SLICE_EMPTY;
	return slice_of(tls->server_name, tls->server_name_length);
}

struct slice
tls_protocol(const struct tls *tls)
{
	const unsigned char *name;
	unsigned length;

	SSL_get0_alpn_selected(tls->ssl, &name, &length);
	return length == 0 ? SLICE_EMPTY : slice_of(name, length);
}

bool
tls_was_resumed(const struct tls *tls)
{
	return SSL_session_reused(tls->ssl);
}

static long
tls_transport_read(void *state, int fd, void *out, size_t size, int *want)
{
	return tls_read(state, out, size, want);
}

static long
tls_transport_write(void *state, int fd, const void *data, size_t size, int *want)
{
	return tls_write(state, data, size, want);
}

static void
tls_transport_shutdown(void *state, int fd)
{
	tls_shutdown(state);
	shutdown(fd, SHUT_WR);
}

static void
tls_transport_free(void *state)
{
	struct tls *tls = state;

	tls_free(&tls);
}

const struct transport transport_tls = {
	.name = "tls",
	.read = tls_transport_read,
	.write = tls_transport_write,
	.shutdown = tls_transport_shutdown,
	.free = tls_transport_free,
};
