/* stream_output.c -- bytes for the socket: what is no stanza stands between stanzas. */
#include "stream/stream_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/ensure.h"
#include "base/result.h"

void
stream_write(struct stream *stream, const char *format, ...)
{
	char small[1024];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(small, sizeof(small), format, arguments);
	va_end(arguments);
	if (length < (int)sizeof(small)) {
		buffer_append(&stream->control, slice_of(small, (size_t)length));
	} else {
		char *room = buffer_reserve(&stream->control, (size_t)length + 1);

		va_start(arguments, format);
		vsnprintf(room, (size_t)length + 1, format, arguments);
		va_end(arguments);
		buffer_add(&stream->control, (size_t)length);
	}
	if (!stream->is_offering)
		connection_want_write(stream->connection);
}

static size_t
offer_control(struct stream *stream, char *out, size_t size)
{
	struct slice waiting = buffer_slice(&stream->control);
	size_t count = waiting.length < size ? waiting.length : size;

	if (count > 0)
		memcpy(out, waiting.data, count);
	return count;
}

static size_t
offered(const struct stream *stream)
{
	return stream->offer.control + stream->offer.stanzas + stream->offer.behind;
}

static size_t
offer_again(struct stream *stream, char *out)
{
	struct stream_offer *offer = &stream->offer;
	struct slice control = buffer_slice(&stream->control);

	if (offer->control > 0)
		memcpy(out, control.data, offer->control);
	if (offer->stanzas > 0)
		stream->events->on_output(stream->owner, out + offer->control, offer->stanzas,
		    false);
	if (offer->behind > 0)
		memcpy(out + offer->control + offer->stanzas, control.data + offer->control,
		    offer->behind);
	return offered(stream);
}

/* All of control is on offer. What the owner says while it gives stanzas rides with them, if there is room. */
static void
offer_stanzas(struct stream *stream, char *out, size_t size)
{
	struct stream_offer *offer = &stream->offer;
	struct slice behind;

	stream->is_offering = true;
	offer->stanzas = stream->events->on_output(stream->owner, out, size, false);
	stream->is_offering = false;
	behind = slice_after(buffer_slice(&stream->control), offer->control);
	if (behind.length == 0 || behind.length > size - offer->stanzas)
		return;
	memcpy(out + offer->stanzas, behind.data, behind.length);
	offer->behind = behind.length;
}

/* The end of a stream comes behind everything that waits. */
void
stream_write_end(struct stream *stream)
{
	if (stream->condition != 0) {
		stream_fail(stream, stream->condition, stream->text);
		return;
	}
	stream_write(stream, "</stream:stream>");
	stream->end_sent = true;
}

bool
stream_has_offered(const struct stream *stream)
{
	return offered(stream) > 0;
}

/* Both sides have said their end, and the socket has taken ours: nobody needs the connection. */
void
stream_close_if_over(struct stream *stream)
{
	if (stream->end_sent && stream->peer_ended && buffer_length(&stream->control) == 0)
		connection_close(stream->connection, true, 0);
}

/*
 * Bytes that are no stanzas go between stanzas. What was offered before and not wholly taken is offered
 * again byte for byte, as TLS asks.
 */
size_t
stream_on_output(void *owner, char *out, size_t size)
{
	struct stream *stream = owner;
	struct stream_offer *offer = &stream->offer;
	bool stanzas = stream->state == STATE_READY ||
	    (stream->state == STATE_ENDING && !stream->end_sent);

	if (offered(stream) > 0)
		return offer_again(stream, out);
	if (buffer_length(&stream->control) > 0 && stream->events->is_inside(stream->owner)) {
		offer->stanzas = stream->events->on_output(stream->owner, out, size, true);
		return offer->stanzas;
	}
	offer->control = offer_control(stream, out, size);
	if (stanzas && offer->control < size)
		offer_stanzas(stream, out + offer->control, size - offer->control);
	if (offered(stream) == 0 && stream->state == STATE_ENDING &&
	    !stream->end_sent) {
		stream_write_end(stream);
		offer->control = offer_control(stream, out, size);
	}
	return offered(stream);
}

static void
start_tls(struct stream *stream)
{
	if (connection_start_tls(stream->connection, stream->server->tls) != RESULT_OK) {
		stream_abort(stream, "bytes in clear behind starttls");
		return;
	}
	connection_prefer_host(stream->connection, slice_from_text(stream->host));
	stream_restart(stream);
	stream_set_state(stream, STATE_HEADER);
	connection_resume(stream->connection);
}

/* Of an offer's part, what is covered by count; both get less. */
static size_t
take_part(size_t *part, size_t *count)
{
	size_t taken = *count < *part ? *count : *part;

	*part -= taken;
	*count -= taken;
	return taken;
}

void
stream_on_written(void *owner, size_t count)
{
	struct stream *stream = owner;
	struct stream_offer *offer = &stream->offer;
	size_t control = take_part(&offer->control, &count);
	size_t stanzas = take_part(&offer->stanzas, &count);

	control += take_part(&offer->behind, &count);
	ensure(count == 0);
	atomic_store_explicit(&stream->slot->octets_out,
	    connection_bytes_out(stream->connection), memory_order_relaxed);
	buffer_take(&stream->control, control);
	if (stanzas > 0)
		stream->events->on_written(stream->owner, stanzas);
	if (buffer_length(&stream->control) == 0 && stream->state == STATE_READY)
		buffer_clear(&stream->control);
	if (offered(stream) > 0 && stream->state == STATE_READY)
		stream_arm(stream);
	else if (stream->state == STATE_PROCEED && buffer_length(&stream->control) == 0)
		start_tls(stream);
	stream_close_if_over(stream);
}

void
stream_want_write(struct stream *stream)
{
	connection_want_write(stream->connection);
}
