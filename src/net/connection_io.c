/* connection_io.c -- a connection's bytes: offered to the owner, asked from the owner. */
#include "base/ensure.h"
#include "base/memory.h"
#include "base/result.h"
#include "net/connection_internal.h"
#include "net/loop.h"
#include "net/tls.h"
#include "net/transport.h"

/* Returns how many the owner took. */
static size_t
connection_offer(struct connection *connection, struct slice bytes)
{
	bool had_tls = connection->tls != NULL;
	size_t taken = connection->events->on_bytes(connection->owner, bytes);

	ensure(taken <= bytes.length);
	if (taken == bytes.length || connection->dead)
		return bytes.length;
	if (connection->tls != NULL && !had_tls) {
		/* RFC 6120 5.4.3.3: what came in clear must not pass for secured. */
		connection_refuse(connection, "bytes in clear after starttls");
		return bytes.length;
	}
	/* Who closes has seen enough; what follows is still offered. */
	return connection->closing ? bytes.length : taken;
}

static void
connection_keep_rest(struct connection *connection, struct slice bytes)
{
	struct rest *rest = memory_new(sizeof(*rest) + bytes.length);

	memcpy(rest->data, bytes.data, bytes.length);
	rest->end = bytes.length;
	connection->rest = rest;
	connection->paused = true;
}

static void
connection_offer_rest(struct connection *connection)
{
	struct rest *rest = connection->rest;

	rest->start += connection_offer(
	    connection, slice_of(rest->data + rest->start, rest->end - rest->start));
	if (rest->start < rest->end) {
		connection->paused = true;
		return;
	}
	connection->rest = NULL;
	memory_free(rest);
}

static void
connection_on_end(struct connection *connection)
{
	connection->ended = true;
	if (connection->tls != NULL && !connection->secured)
		connection_die(connection, RESULT_CLOSED);
	else if (connection->shut)
		connection_die(connection, RESULT_OK);
	else if (!connection->closing)
		connection->events->on_end(connection->owner);
}

static void
connection_on_no_bytes(struct connection *connection, long result, int want)
{
	switch (result) {
	case RESULT_AGAIN:
		connection->read_waits_for_write = want == WATCH_WRITE;
		break;
	case RESULT_OK:
		connection_on_end(connection);
		break;
	case RESULT_FAILED:
		connection_refuse(connection, connection->tls != NULL
						  ? tls_error(connection->tls)
						  : "read");
		break;
	default:
		connection_die(connection, (int)result);
	}
}

/* The handshake happens inside reads. */
static void
connection_check_secured(struct connection *connection)
{
	if (connection->tls == NULL || connection->secured ||
	    !tls_is_ready(connection->tls))
		return;
	connection->secured = true;
	connection->events->on_secured(connection->owner);
	if (connection->wants_write)
		connection_queue(connection);
}

/* One read of the socket; TLS may have gathered more than one answer from it. */
void
connection_read(struct connection *connection)
{
	struct connections *all = connection->all;
	struct slice bytes;
	size_t taken;
	long count;
	int want;

	connection->read_waits_for_write = false;
	do {
		count =
		    connection->transport->read(connection->tls, connection->fd,
						all->input, sizeof(all->input), &want);
		connection_check_secured(connection);
		if (connection->dead)
			return;
		if (count <= 0) {
			connection_on_no_bytes(connection, count, want);
			return;
		}
		connection->bytes_in += (uint64_t)count;
		bytes = slice_of(all->input, (size_t)count);
		taken = connection_offer(connection, bytes);
		if (taken < bytes.length)
			connection_keep_rest(connection, slice_after(bytes, taken));
	} while (connection_is_reading(connection) && connection->tls != NULL &&
		 tls_has_input(connection->tls));
}

void
connection_read_on(struct connection *connection)
{
	connection->resumed = false;
	if (connection->rest != NULL)
		connection_offer_rest(connection);
	if (connection_is_reading(connection) && connection->tls != NULL &&
	    tls_has_input(connection->tls))
		connection_read(connection);
}

/* All that was to be written has been. */
void
connection_finish_output(struct connection *connection)
{
	connection->wants_write = false;
	if (connection->closing) {
		connection->transport->shutdown(connection->tls, connection->fd);
		connection->shut = true;
		if (connection->ended)
			connection_die(connection, RESULT_OK);
	} else if (connection->tls_follows) {
		connection->tls_follows = false;
		connection->transport = &transport_tls;
	}
}

/* Returns how many bytes the socket took of those asked from the owner. */
static size_t
connection_write_some(struct connection *connection, size_t size)
{
	int want;
	long count = connection->transport->write(connection->tls, connection->fd,
						  connection->all->output, size, &want);

	if (count < 0 && count != RESULT_AGAIN) {
		connection_on_no_bytes(connection, count, want);
		return 0;
	}
	if (count <= 0)
		count = 0;
	connection->blocked = (size_t)count < size;
	if (count > 0) {
		connection->bytes_out += (uint64_t)count;
		connection->last_progress_ms = connections_now(connection->all);
		connection->events->on_written(connection->owner, (size_t)count);
	}
	return (size_t)count;
}

void
connection_write(struct connection *connection)
{
	struct connections *all = connection->all;
	size_t written = 0;

	while (!connection->blocked && !connection->dead) {
		size_t size = connection->events->on_output(
		    connection->owner, all->output, sizeof(all->output));

		ensure(size <= sizeof(all->output));
		if (connection->dead)
			return;
		if (size == 0) {
			connection_finish_output(connection);
			return;
		}
		if (written >= sizeof(all->output)) {
			/* The others first. */
			connection_queue(connection);
			return;
		}
		written += connection_write_some(connection, size);
	}
}
