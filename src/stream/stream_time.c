/* stream_time.c -- the states of a stream, and how long each may last. */
#include "stream/stream_private.h"

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "net/tls.h"

#define RELEASE_AFTER_MS 5000	/* of silence, then parser and buffers are given back */

const char *
stream_state_name(enum stream_state state)
{
	static const char *const names[STATE_COUNT] = { "header", "login", "proceed", "sasl",
		"sasl-work", "register", "bind", "resume", "ready", "ending", "closed" };

	return names[state];
}

static bool
is_logged_in(const struct stream *stream)
{
	return stream->state == STATE_BIND || stream->state == STATE_RESUME ||
	    stream->state == STATE_READY ||
	    (stream->authenticated && stream->state == STATE_HEADER);
}

static uint64_t
silence_of(const struct stream *stream, uint64_t now)
{
	return stream_is_paused(stream) ? 0
					: now - connection_last_input_ms(stream->connection);
}

static uint64_t
next_check(struct stream *stream, uint64_t now)
{
	const struct config *config = stream->server->config;
	uint64_t last = now - silence_of(stream, now);
	uint64_t due, stuck;

	if (stream->state == STATE_READY) {
		due = last + (uint64_t)config->idle_timeout;
		if (stream->pinged)
			due += (uint64_t)config->idle_drop;
		else if (!stream->released)
			due = last + RELEASE_AFTER_MS;
		stuck = connection_last_progress_ms(stream->connection) +
		    (uint64_t)config->write_timeout;
		return stream_has_offered(stream) && stuck < due ? stuck : due;
	}
	due = stream->deadline_ms;
	if (!is_logged_in(stream) && stream->state != STATE_ENDING &&
	    last + (uint64_t)config->handshake_timeout < due)
		due = last + (uint64_t)config->handshake_timeout;
	return due;
}

static void
abort_for(struct stream *stream, enum limit limit, const char *why)
{
	limit_bite(stream->server->shm, limit);
	stream_abort(stream, why);
}

static void on_timer(struct timer *timer, void *parameter);

void
stream_arm(struct stream *stream)
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
	uint64_t silence = silence_of(stream, now);

	if (stream_has_offered(stream) &&
	    now - connection_last_progress_ms(stream->connection) >=
		(uint64_t)config->write_timeout) {
		abort_for(stream, LIMIT_WRITE_TIME, "the peer does not read");
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
		abort_for(stream, LIMIT_IDLE_TIME, "silent for too long");
		return;
	}
	if (silence >= (uint64_t)config->idle_timeout && !stream->pinged) {
		stream->pinged = true;
		stream->events->on_idle(stream->owner);
	}
	if (stream->state == STATE_READY)
		stream_arm(stream);
}

/* Either nothing came for too long, or nobody has logged in in all the time there was. */
static void
fail_for_time(struct stream *stream, uint64_t now)
{
	limit_bite(stream->server->shm,
	    now >= stream->deadline_ms ? LIMIT_LOGIN_TIME : LIMIT_HANDSHAKE_TIME);
	stream_fail(stream, STREAM_CONNECTION_TIMEOUT, NULL);
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
		stream_arm(stream);
	else if (stream->state == STATE_ENDING)
		abort_for(stream, LIMIT_CLOSE_TIME, "the peer did not end the stream");
	else if (connection_tls(stream->connection) != NULL &&
	    !tls_is_ready(connection_tls(stream->connection)))
		abort_for(stream, LIMIT_HANDSHAKE_TIME, "TLS handshake took too long");
	else
		fail_for_time(stream, now);
}

void
stream_set_state(struct stream *stream, enum stream_state state)
{
	const struct config *config = stream->server->config;

	ensure(stream->state != STATE_CLOSED || state == STATE_CLOSED);
	log_trace(LOG_STREAM, "state", "sid=%s from=%s to=%s", stream->id,
	    stream_state_name(stream->state), stream_state_name(state));
	stream->state = state;
	if (state == STATE_READY)
		stream->deadline_ms = 0;
	else if (state == STATE_ENDING || state == STATE_CLOSED)
		stream->deadline_ms = clock_ms() + (uint64_t)config->close_timeout;
	if (state == STATE_CLOSED)
		timer_stop(stream->server->timers, &stream->timer);
	else
		stream_arm(stream);
}
