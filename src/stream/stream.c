/* stream.c -- the life of a stream: from accept to the end, with or without an error. */
#include "stream/stream_private.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/result.h"
#include "net/tls.h"
#include "shm/counters.h"
#include "xml/writer.h"

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
	if (stream->state != STATE_ENDING) {
		stream->why = "the client closed the connection";
		stream->left = true;
	}
	/* Who has ended the stream as well may still read what waits. */
	connection_close(stream->connection, true,
	    stream->peer_ended ? (uint64_t)stream->server->config->close_timeout : 0);
}

static void
stream_free(struct stream *stream)
{
	timer_stop(stream->server->timers, &stream->timer);
	stream_rate_end(stream);
	stream_delay_end(stream);
	guard_leave(stream->server, &stream->guard);
	parser_free(&stream->parser);
	sasl_free(&stream->sasl);
	buffer_clear(&stream->control);
	buffer_clear(&stream->detail);
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
	else if (clock_ms() >= stream->deadline_ms)	/* the peer has had all the time there is */
		limit_bite(stream->server->shm, LIMIT_CLOSE_TIME);
	if (why == NULL)
		why = result == RESULT_OK ? "closed" : result_text(result);
	stream->events->on_closed(stream->owner, why);
	stream_free(stream);
}

static const struct connection_events connection_events = {
	.on_bytes = stream_on_bytes,
	.on_output = stream_on_output,
	.on_written = stream_on_written,
	.on_secured = on_secured,
	.on_end = on_peer_end,
	.on_closed = on_closed,
};

/* --- what the owner asks for --- */

struct stream *
stream_new(struct server *server, int fd, const void *address, bool direct_tls,
    const struct guard *guard, struct slot *slot, const struct stream_events *events, void *owner)
{
	struct stream *stream = NEW(struct stream);

	stream->server = server;
	stream->events = events;
	stream->owner = owner;
	stream->slot = slot;
	stream->guard = *guard;
	buffer_init(&stream->control);
	buffer_init(&stream->detail);
	random_token(stream->id, 20);
	memcpy(slot->stream_id, stream->id, 21);
	stream_new_parser(stream);
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
	if (buffer_length(&stream->detail) > 0)
		stream_write(stream, SLICE_FMT, SLICE_ARG(buffer_slice(&stream->detail)));
	stream_write(stream, "</stream:error>");
}

/* An error is final (RFC 6120 4.9.1.1): nothing the peer sends is looked at any more. */
void
stream_fail(struct stream *stream, enum stream_condition condition, const char *text)
{
	if (stream->state == STATE_CLOSED)
		return;
	log_info(LOG_STREAM, "stream error", "sid=%s condition=%s state=%s text=%s", stream->id,
	    stream_condition_name(condition), stream_state_name(stream->state),
	    text == NULL ? "" : text);
	counter_add(stream->server->shm, COUNTER_STREAM_ERRORS, 1);
	stream->ended = true;
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
	stream->ended = true;
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
	stream_write_end(stream);
	stream_set_state(stream, STATE_CLOSED);
	connection_close(stream->connection, true,
	    (uint64_t)stream->server->config->close_timeout);
}

void
stream_drop(struct stream *stream, const char *why, uint64_t linger_ms)
{
	if (stream->state == STATE_CLOSED)
		return;
	if (stream->why == NULL)
		stream->why = why;
	stream_pause(stream);
	stream->is_dropped = true;
	connection_close(stream->connection, true, linger_ms);
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

/* --- another owner --- */

static void
copy_shown(const struct slot *from, struct slot *to)
{
	const uint32_t shown = SLOT_SECURE | SLOT_IPV6 | SLOT_DIRECT_TLS | SLOT_NOTOPEN;
	uint32_t flags = atomic_load(&to->flags) & ~shown;

	atomic_store(&to->flags, flags | (atomic_load(&from->flags) & shown));
	atomic_store(&to->port, atomic_load(&from->port));
	memcpy(to->address, from->address, sizeof(to->address));
	memcpy(to->stream_id, from->stream_id, sizeof(to->stream_id));
	memcpy(to->tls, from->tls, sizeof(to->tls));
	memcpy(to->mechanism, from->mechanism, sizeof(to->mechanism));
}

void
stream_set_owner(struct stream *stream, void *owner, struct slot *slot)
{
	copy_shown(stream->slot, slot);
	stream->owner = owner;
	stream->slot = slot;
}

/* What a stream without owner does with its stanzas: nothing. */
static size_t
no_output(void *owner, char *out, size_t size, bool entry_only)
{
	return 0;
}

static bool
is_not_inside(void *owner)
{
	return false;
}

static void
on_nobody_closed(void *owner, const char *why)
{
}

static const struct stream_events nobody = { .on_output = no_output,
	.is_inside = is_not_inside,
	.on_closed = on_nobody_closed };

/* In the middle of a stanza there is no place for an error, and no way to end the stanza. */
void
stream_disown(struct stream *stream, enum stream_condition condition, const char *text)
{
	static struct slot nowhere;
	bool is_between = stream->offer.stanzas == 0 && !stream->events->is_inside(stream->owner);

	stream->events = &nobody;
	stream->owner = NULL;
	stream->slot = &nowhere;
	if (is_between)
		stream_fail(stream, condition, text);
	else
		stream_abort(stream, text);
}

bool
stream_was_left(const struct stream *stream)
{
	return stream->left || (stream->peer_ended && stream->condition == 0);
}

bool
stream_was_ended(const struct stream *stream)
{
	return stream->ended || stream->peer_ended;
}
