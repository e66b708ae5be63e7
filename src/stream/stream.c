/* stream.c -- the life of a stream: bytes in, states, deadlines, bytes out, the end. */
#include "stream/stream_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/result.h"
#include "net/tls.h"
#include "shm/counters.h"
#include "xml/writer.h"

#define RELEASE_AFTER_MS 5000	/* of silence, then parser and buffers are given back */

static const char *const state_names[STATE_COUNT] = { "header", "login", "proceed", "sasl",
	"sasl-work", "bind", "ready", "ending", "closed" };

/* --- state and deadlines --- */

static bool
is_logged_in(const struct stream *stream)
{
	return stream->state == STATE_BIND || stream->state == STATE_READY ||
	    (stream->authenticated && stream->state == STATE_HEADER);
}

static uint64_t
next_check(struct stream *stream, uint64_t now)
{
	const struct config *config = stream->server->config;
	uint64_t last = connection_last_input_ms(stream->connection);
	uint64_t due;

	if (stream->state == STATE_READY) {
		due = last + (uint64_t)config->idle_timeout;
		if (stream->pinged)
			due += (uint64_t)config->idle_drop;
		else if (!stream->released)
			due = last + RELEASE_AFTER_MS;
		if (stream->offer.control + stream->offer.stanzas > 0 &&
		    now + (uint64_t)config->write_timeout < due)
			due = now + (uint64_t)config->write_timeout;
		return due;
	}
	due = stream->deadline_ms;
	if (!is_logged_in(stream) && stream->state != STATE_ENDING &&
	    stream->state != STATE_SASL_WORK &&
	    last + (uint64_t)config->handshake_timeout < due)
		due = last + (uint64_t)config->handshake_timeout;
	return due;
}

static void on_timer(struct timer *timer, void *parameter);

static void
arm(struct stream *stream)
{
	uint64_t now = clock_ms();
	uint64_t due = next_check(stream, now);

	timer_start(stream->server->timers, &stream->timer, due > now ? due - now : 1, on_timer,
	    stream);
}

static void
check_ready(struct stream *stream, uint64_t now)
{
	const struct config *config = stream->server->config;
	uint64_t silence = now - connection_last_input_ms(stream->connection);

	if (stream->offer.control + stream->offer.stanzas > 0 &&
	    now - connection_last_progress_ms(stream->connection) >=
		(uint64_t)config->write_timeout) {
		stream_abort(stream, "the peer does not read");
		return;
	}
	if (silence < (uint64_t)config->idle_timeout)
		stream->pinged = false;
	if (silence >= RELEASE_AFTER_MS && !stream->released) {
		stream->released = true;
		parser_release(stream->parser);
		connection_release(stream->connection);
		if (buffer_length(&stream->control) == 0)
			buffer_clear(&stream->control);
	}
	if (silence >= (uint64_t)(config->idle_timeout + config->idle_drop) && stream->pinged) {
		stream_abort(stream, "silent for too long");
		return;
	}
	if (silence >= (uint64_t)config->idle_timeout && !stream->pinged) {
		stream->pinged = true;
		stream->events->on_idle(stream->owner);
	}
	if (stream->state == STATE_READY)
		arm(stream);
}

static void
on_timer(struct timer *timer, void *parameter)
{
	struct stream *stream = parameter;
	uint64_t now = clock_ms();

	(void)timer;
	if (stream->state == STATE_CLOSED)
		return;
	if (stream->state == STATE_READY)
		check_ready(stream, now);
	else if (now < next_check(stream, now))
		arm(stream);
	else if (stream->state == STATE_ENDING)
		stream_abort(stream, "the peer did not end the stream");
	else if (connection_tls(stream->connection) != NULL &&
	    !tls_is_ready(connection_tls(stream->connection)))
		stream_abort(stream, "TLS handshake took too long");
	else
		stream_fail(stream, STREAM_CONNECTION_TIMEOUT, NULL);
}

void
stream_set_state(struct stream *stream, enum stream_state state)
{
	const struct config *config = stream->server->config;

	ensure(stream->state != STATE_CLOSED || state == STATE_CLOSED);
	log_trace(LOG_STREAM, "state", "sid=%s from=%s to=%s", stream->id,
	    state_names[stream->state], state_names[state]);
	stream->state = state;
	if (state == STATE_READY)
		stream->deadline_ms = 0;
	else if (state == STATE_ENDING)
		stream->deadline_ms = clock_ms() + (uint64_t)config->close_timeout;
	if (state == STATE_CLOSED)
		timer_stop(stream->server->timers, &stream->timer);
	else
		arm(stream);
}

/* --- bytes out --- */

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
offer_again(struct stream *stream, char *out)
{
	struct stream_offer *offer = &stream->offer;

	if (offer->control > 0)
		memcpy(out, buffer_slice(&stream->control).data, offer->control);
	if (offer->stanzas > 0)
		stream->events->on_output(stream->owner, out + offer->control, offer->stanzas,
		    false);
	return offer->control + offer->stanzas;
}

/* The end of a stream comes behind everything that waits. */
static void
write_end(struct stream *stream)
{
	if (stream->condition != 0) {
		stream_fail(stream, stream->condition, stream->text);
		return;
	}
	stream_write(stream, "</stream:stream>");
	stream->end_sent = true;
}

/* Both sides have said their end, and the socket has taken ours: nobody needs the connection. */
static void
close_if_over(struct stream *stream)
{
	if (stream->end_sent && stream->peer_ended && buffer_length(&stream->control) == 0)
		connection_close(stream->connection, true, 0);
}

/*
 * Bytes that are no stanzas go between stanzas. What was offered before and not wholly taken is offered
 * again byte for byte, as TLS asks.
 */
static size_t
on_output(void *owner, char *out, size_t size)
{
	struct stream *stream = owner;
	struct stream_offer *offer = &stream->offer;
	bool stanzas = stream->state == STATE_READY ||
	    (stream->state == STATE_ENDING && !stream->end_sent);

	if (offer->control + offer->stanzas > 0)
		return offer_again(stream, out);
	if (buffer_length(&stream->control) > 0 && stream->events->is_inside(stream->owner)) {
		offer->stanzas = stream->events->on_output(stream->owner, out, size, true);
		return offer->stanzas;
	}
	offer->control = offer_control(stream, out, size);
	if (stanzas && offer->control < size)
		offer->stanzas = stream->events->on_output(stream->owner,
		    out + offer->control, size - offer->control, false);
	if (offer->control + offer->stanzas == 0 && stream->state == STATE_ENDING &&
	    !stream->end_sent) {
		write_end(stream);
		offer->control = offer_control(stream, out, size);
	}
	return offer->control + offer->stanzas;
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

static void
on_written(void *owner, size_t count)
{
	struct stream *stream = owner;
	struct stream_offer *offer = &stream->offer;
	size_t control = count < offer->control ? count : offer->control;

	atomic_store_explicit(&stream->slot->octets_out,
	    connection_bytes_out(stream->connection), memory_order_relaxed);

	buffer_take(&stream->control, control);
	offer->control -= control;
	count -= control;
	if (count > 0) {
		ensure(count <= offer->stanzas);
		offer->stanzas -= count;
		stream->events->on_written(stream->owner, count);
	}
	if (buffer_length(&stream->control) == 0 && stream->state == STATE_READY)
		buffer_clear(&stream->control);
	if (offer->control + offer->stanzas > 0 && stream->state == STATE_READY)
		arm(stream);
	else if (stream->state == STATE_PROCEED && buffer_length(&stream->control) == 0)
		start_tls(stream);
	close_if_over(stream);
}

void
stream_want_write(struct stream *stream)
{
	connection_want_write(stream->connection);
}

/* --- bytes in --- */

static const struct {
	enum parser_error    error;
	enum stream_condition condition;
	const char	    *text;
} parser_conditions[] = {
	{ PARSER_NOT_WELL_FORMED, STREAM_NOT_WELL_FORMED, NULL },
	{ PARSER_RESTRICTED, STREAM_RESTRICTED_XML, NULL },
	{ PARSER_ENCODING, STREAM_UNSUPPORTED_ENCODING, NULL },
	{ PARSER_INVALID_UTF8, STREAM_UNSUPPORTED_ENCODING, "invalid UTF-8" },	/* 4.9.3.22 */
	{ PARSER_TOO_BIG, STREAM_POLICY_VIOLATION, "stanza too big" },
	{ PARSER_TOO_DEEP, STREAM_POLICY_VIOLATION, "elements nested too deep" },
	{ PARSER_TOO_MANY, STREAM_POLICY_VIOLATION, "too many elements or attributes" },
	{ PARSER_NAMESPACE, STREAM_BAD_NAMESPACE_PREFIX, NULL },
};

static void
fail_parsing(struct stream *stream, enum parser_error error)
{
	for (size_t i = 0; i < sizeof(parser_conditions) / sizeof(parser_conditions[0]); i++)
		if (parser_conditions[i].error == error) {
			stream_fail(stream, parser_conditions[i].condition,
			    parser_conditions[i].text);
			return;
		}
	stream_fail(stream, STREAM_INTERNAL_SERVER_ERROR, NULL);
}

static bool
row_fits(const struct stream *stream, const struct state_row *row,
    const struct element *element)
{
	return element_is(element, row->ns, row->name) &&
	    !(row->unless == UNLESS_SECURE && stream->secure) &&
	    !(row->unless == UNLESS_TLS_MISSING && !stream->secure);
}

/* RFC 6120 4.9.3.24: what no state expects ends the stream; before the login nothing but logging in is allowed. */
static void
dispatch(struct stream *stream, struct element *element)
{
	const struct state_row *row = client_rows(stream->state);

	for (; row != NULL && row->name != NULL; row++)
		if (row_fits(stream, row, element)) {
			row->handle(stream, element);
			return;
		}
	if (stream->state == STATE_READY)
		stream_fail(stream, STREAM_UNSUPPORTED_STANZA_TYPE, NULL);
	else if (stream->state == STATE_SASL_WORK)
		stream_fail(stream, STREAM_POLICY_VIOLATION, "wait for the answer");
	else
		stream_fail(stream, STREAM_NOT_AUTHORIZED, NULL);
}

static void
on_open(void *owner, struct element *header)
{
	struct stream *stream = owner;

	if (stream->state == STATE_HEADER)
		header_on_open(stream, header);
}

static void
on_stanza(void *owner, struct element *element)
{
	struct stream *stream = owner;

	if (stream->state != STATE_CLOSED && stream->state != STATE_HEADER)
		dispatch(stream, element);
}

static void
on_end(void *owner)
{
	struct stream *stream = owner;

	stream->peer_ended = true;
	if (stream->state == STATE_CLOSED)
		return;
	if (stream->state == STATE_ENDING)
		close_if_over(stream);
	else
		stream_close(stream, 0, "the client ended the stream");
}

static const struct parser_events parser_events = { on_open, on_stanza, on_end };

static struct parser_limits
limits_of(const struct stream *stream)
{
	const struct config *config = stream->server->config;
	struct parser_limits limits = { .stanza_bytes = (size_t)config->stanza_bytes,
		.token_bytes = 65536,
		.value_bytes = 16384,
		.name_bytes = 256,
		.memory = 262144,
		.depth = 64,
		.attributes = 64,
		.namespaces = 64,
		.elements = 2000 };

	if (!stream->authenticated) {
		limits.stanza_bytes = (size_t)config->stanza_bytes_unauthenticated;
		limits.depth = 8;
		limits.elements = 32;
	}
	return limits;
}

static void
new_parser(struct stream *stream)
{
	struct parser_limits limits = limits_of(stream);

	parser_free(&stream->parser);
	stream->parser = parser_new(&parser_events, stream, &limits);
	stream->restart = false;
}

void
stream_restart(struct stream *stream)
{
	stream->restart = true;
	stream->header_sent = false;
	parser_stop(stream->parser);
}

static size_t
on_bytes(void *owner, struct slice bytes)
{
	struct stream *stream = owner;
	size_t total = 0;

	if (stream->condition != 0)	/* ends with an error: nothing is looked at any more */
		return bytes.length;
	stream->released = false;
	atomic_store_explicit(&stream->slot->octets_in, connection_bytes_in(stream->connection),
	    memory_order_relaxed);
	if (stream->pinged) {	/* the next silence is asked about again */
		stream->pinged = false;
		if (stream->state == STATE_READY)
			arm(stream);
	}
	while (total < bytes.length && stream->state != STATE_CLOSED &&
	    stream->state != STATE_PROCEED && !parser_is_paused(stream->parser)) {
		enum parser_error error;
		size_t consumed = 0;

		if (stream->restart)
			new_parser(stream);
		if (stream->peer_ended)
			return bytes.length;
		error = parser_feed(stream->parser, slice_after(bytes, total), &consumed);
		total += consumed;
		if (error != PARSER_OK && stream->state != STATE_CLOSED) {
			fail_parsing(stream, error);
			break;
		}
		if (consumed == 0 && !stream->restart)
			break;
	}
	return stream->state == STATE_CLOSED || stream->condition != 0 ? bytes.length : total;
}

/* What came behind the last word of the old stream is the new one's (XEP-0305). */
static void
feed_held(struct stream *stream)
{
	struct slice held = parser_held(stream->parser);
	struct buffer copy;

	buffer_init(&copy);
	buffer_append(&copy, held);
	new_parser(stream);
	on_bytes(stream, buffer_slice(&copy));
	buffer_clear(&copy);
}

void
stream_go_on(struct stream *stream)
{
	if (stream->state != STATE_CLOSED && !stream->restart) {
		stream_resume(stream);
		return;
	}
	if (stream->state != STATE_CLOSED)
		feed_held(stream);
	connection_resume(stream->connection);
}

/* --- the connection's other news --- */

static void
on_secured(void *owner)
{
	struct stream *stream = owner;
	struct tls *tls = connection_tls(stream->connection);

	stream->secure = true;
	atomic_fetch_or(&stream->slot->flags, SLOT_SECURE);
	snprintf(stream->slot->tls, sizeof(stream->slot->tls), "%s %s", tls_version(tls),
	    tls_cipher(tls));
	if (tls_was_resumed(tls))
		counter_add(stream->server->shm, COUNTER_TLS_RESUMED, 1);
	log_debug(LOG_TLS, "secured", "sid=%s version=%s cipher=%s resumed=%d", stream->id,
	    tls_version(tls), tls_cipher(tls), tls_was_resumed(tls));
}

static void
on_peer_end(void *owner)
{
	struct stream *stream = owner;

	if (stream->state == STATE_CLOSED)
		return;
	if (stream->state != STATE_ENDING)
		stream->why = "the client closed the connection";
	/* Who has ended the stream as well may still read what waits. */
	connection_close(stream->connection, true,
	    stream->peer_ended ? (uint64_t)stream->server->config->close_timeout : 0);
}

static void
stream_free(struct stream *stream)
{
	timer_stop(stream->server->timers, &stream->timer);
	parser_free(&stream->parser);
	sasl_free(&stream->sasl);
	buffer_clear(&stream->control);
	memory_free(stream->host);
	memory_free(stream);
}

static void
on_closed(void *owner, int result)
{
	struct stream *stream = owner;
	const char *why = stream->why;

	if (stream->state != STATE_CLOSED)
		stream_set_state(stream, STATE_CLOSED);
	if (why == NULL)
		why = result == RESULT_OK ? "closed" : result_text(result);
	stream->events->on_closed(stream->owner, why);
	stream_free(stream);
}

static const struct connection_events connection_events = {
	.on_bytes = on_bytes,
	.on_output = on_output,
	.on_written = on_written,
	.on_secured = on_secured,
	.on_end = on_peer_end,
	.on_closed = on_closed,
};

/* --- what the owner asks for --- */

struct stream *
stream_new(struct server *server, int fd, const void *address, bool direct_tls,
    struct slot *slot, const struct stream_events *events, void *owner)
{
	struct stream *stream = NEW(struct stream);

	stream->server = server;
	stream->events = events;
	stream->owner = owner;
	stream->slot = slot;
	buffer_init(&stream->control);
	random_token(stream->id, 20);
	memcpy(slot->stream_id, stream->id, 21);
	new_parser(stream);
	stream->connection = connection_new(server->connections, fd, address, &connection_events,
	    stream);
	atomic_fetch_or(&slot->flags, SLOT_NOTOPEN | (direct_tls ? SLOT_DIRECT_TLS : 0));
	stream->deadline_ms = clock_ms() + (uint64_t)server->config->login_timeout;
	stream_set_state(stream, STATE_HEADER);
	if (direct_tls &&
	    (server->tls == NULL || connection_start_tls(stream->connection, server->tls) !=
		    RESULT_OK))
		stream_abort(stream, "no TLS");
	return stream;
}

const char *
stream_id(const struct stream *stream)
{
	return stream->id;
}

const char *
stream_host(const struct stream *stream)
{
	return stream->host == NULL ? "" : stream->host;
}

bool
stream_is_ready(const struct stream *stream)
{
	return stream->state == STATE_READY;
}

bool
stream_is_secure(const struct stream *stream)
{
	return stream->secure;
}

const struct config_host *
stream_config_host(struct stream *stream)
{
	if (stream->host == NULL)
		return NULL;
	return config_find_host(stream->server->config, slice_from_text(stream->host));
}

void
stream_pause(struct stream *stream)
{
	if (stream->state != STATE_CLOSED && stream->parser != NULL)
		parser_pause(stream->parser);
}

void
stream_resume(struct stream *stream)
{
	if (stream->state == STATE_CLOSED || stream->parser == NULL)
		return;
	if (!parser_resume(stream->parser) || stream->state == STATE_CLOSED)
		return;
	if (parser_failure(stream->parser) != PARSER_OK)
		fail_parsing(stream, parser_failure(stream->parser));
	else
		connection_resume(stream->connection);
}

static void
write_error(struct stream *stream, enum stream_condition condition, const char *text)
{
	stream_write(stream, "<stream:error><%s xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>",
	    stream_condition_name(condition));
	if (text != NULL) {
		stream_write(stream,
		    "<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>");
		writer_escape(slice_from_text(text), &stream->control);
		stream_write(stream, "</text>");
	}
	if (condition == STREAM_POLICY_VIOLATION && text != NULL &&
	    strcmp(text, "stanza too big") == 0)
		stream_write(stream, "<stanza-too-big xmlns='urn:xmpp:errors'/>");
	stream_write(stream, "</stream:error>");
}

/* An error is final (RFC 6120 4.9.1.1): nothing the peer sends is looked at any more. */
void
stream_fail(struct stream *stream, enum stream_condition condition, const char *text)
{
	if (stream->state == STATE_CLOSED)
		return;
	log_info(LOG_STREAM, "stream error", "sid=%s condition=%s state=%s text=%s", stream->id,
	    stream_condition_name(condition), state_names[stream->state],
	    text == NULL ? "" : text);
	counter_add(stream->server->shm, COUNTER_STREAM_ERRORS, 1);
	if (stream->why == NULL)
		stream->why = stream_condition_name(condition);
	if (!stream->header_sent)
		header_send(stream);
	write_error(stream, condition, text);
	stream_write(stream, "</stream:stream>");
	stream->end_sent = true;
	if (stream->parser != NULL)
		parser_stop(stream->parser);
	stream_set_state(stream, STATE_CLOSED);
	connection_close(stream->connection, true,
	    (uint64_t)stream->server->config->close_timeout);
}

/* The error that comes behind what waits; the first one stays. */
static void
keep_error(struct stream *stream, enum stream_condition condition, const char *text)
{
	if (stream->condition != 0)
		return;
	stream->condition = condition;
	stream->text = text;
	if (stream->why == NULL)
		stream->why = stream_condition_name(condition);
	parser_stop(stream->parser);
}

/*
 * A clean end of a stream that is in use: the peer may still send stanzas until it has answered
 * (RFC 6120 4.4). Before the login there is nothing to wait for.
 */
void
stream_close(struct stream *stream, enum stream_condition condition, const char *text)
{
	if (stream->state == STATE_CLOSED || stream->end_sent)
		return;
	if (condition != 0 && stream->state != STATE_READY && stream->state != STATE_ENDING) {
		stream_fail(stream, condition, text);
		return;
	}
	if (condition != 0)
		keep_error(stream, condition, text);
	if (stream->why == NULL && text != NULL)
		stream->why = text;
	if (stream->state == STATE_READY || stream->state == STATE_ENDING) {
		if (stream->state == STATE_READY)
			stream_set_state(stream, STATE_ENDING);
		connection_want_write(stream->connection);
		return;
	}
	if (!stream->header_sent)
		header_send(stream);
	write_end(stream);
	stream_set_state(stream, STATE_CLOSED);
	connection_close(stream->connection, true,
	    (uint64_t)stream->server->config->close_timeout);
}

void
stream_abort(struct stream *stream, const char *why)
{
	if (stream->why == NULL)
		stream->why = why;
	if (stream->state != STATE_CLOSED)
		stream_set_state(stream, STATE_CLOSED);
	connection_close(stream->connection, false, 0);
}
