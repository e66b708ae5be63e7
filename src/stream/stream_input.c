/* stream_input.c -- bytes from the socket: to the parser, to the row of the state, to the owner. */
#include "stream/stream_private.h"

#include "base/buffer.h"

/* What is wrong with the bytes, what the peer hears, and which limit it met: LIMIT_COUNT is none. */
static const struct complaint {
	enum parser_error	error;
	enum stream_condition	condition;
	const char	       *text;
	enum limit		limit, limit_unauthenticated;
} complaints[] = {
	{ PARSER_NOT_WELL_FORMED, STREAM_NOT_WELL_FORMED, NULL, LIMIT_COUNT, LIMIT_COUNT },
	{ PARSER_RESTRICTED, STREAM_RESTRICTED_XML, NULL, LIMIT_COUNT, LIMIT_COUNT },
	{ PARSER_ENCODING, STREAM_UNSUPPORTED_ENCODING, NULL, LIMIT_COUNT, LIMIT_COUNT },
	{ PARSER_INVALID_UTF8, STREAM_UNSUPPORTED_ENCODING, "invalid UTF-8", LIMIT_COUNT,
	    LIMIT_COUNT },	/* 4.9.3.22 */
	{ PARSER_TOO_BIG, STREAM_POLICY_VIOLATION, "stanza too big", LIMIT_STANZA_BYTES,
	    LIMIT_STANZA_BYTES_UNAUTHENTICATED },
	{ PARSER_TOKEN, STREAM_POLICY_VIOLATION, "tag too long", LIMIT_TOKEN, LIMIT_TOKEN },
	{ PARSER_VALUE, STREAM_POLICY_VIOLATION, "attribute too long", LIMIT_VALUE, LIMIT_VALUE },
	{ PARSER_NAME, STREAM_POLICY_VIOLATION, "name too long", LIMIT_NAME, LIMIT_NAME },
	{ PARSER_MEMORY, STREAM_POLICY_VIOLATION, "too many names", LIMIT_PARSER, LIMIT_PARSER },
	{ PARSER_TOO_DEEP, STREAM_POLICY_VIOLATION, "elements nested too deep", LIMIT_DEPTH,
	    LIMIT_DEPTH_UNAUTHENTICATED },
	{ PARSER_ELEMENTS, STREAM_POLICY_VIOLATION, "too many elements", LIMIT_ELEMENTS,
	    LIMIT_ELEMENTS_UNAUTHENTICATED },
	{ PARSER_ATTRIBUTES, STREAM_POLICY_VIOLATION, "too many attributes", LIMIT_ATTRIBUTES,
	    LIMIT_ATTRIBUTES },
	{ PARSER_NAMESPACES, STREAM_POLICY_VIOLATION, "too many namespaces", LIMIT_NAMESPACES,
	    LIMIT_NAMESPACES },
	{ PARSER_NAMESPACE, STREAM_BAD_NAMESPACE_PREFIX, NULL, LIMIT_COUNT, LIMIT_COUNT },
	{ PARSER_OK, STREAM_INTERNAL_SERVER_ERROR, NULL, LIMIT_COUNT, LIMIT_COUNT },
};

static void
fail_parsing(struct stream *stream, enum parser_error error)
{
	const struct complaint *row = complaints;
	enum limit limit;

	while (row->error != error && row->error != PARSER_OK)
		row++;
	limit = stream->authenticated ? row->limit : row->limit_unauthenticated;
	if (limit != LIMIT_COUNT)
		limit_bite(stream->server->shm, limit);
	stream_fail(stream, row->condition, row->text);
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
	else if (stream->state == STATE_SASL_WORK || stream->state == STATE_REGISTER)
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
		stream_close_if_over(stream);
	else
		stream_close(stream, 0, "the client ended the stream");
}

static const struct parser_events parser_events = { on_open, on_stanza, on_end };

static struct parser_limits
limits_of(const struct stream *stream)
{
	const struct config *config = stream->server->config;
	struct parser_limits limits = { .stanza_bytes = (size_t)config->stanza_bytes,
		.token_bytes = (size_t)config->stanza_token_bytes,
		.value_bytes = (size_t)config->stanza_value_bytes,
		.name_bytes = (size_t)config->stanza_name_bytes,
		.memory = (size_t)config->parser_bytes,
		.depth = (unsigned)config->stanza_depth,
		.attributes = (unsigned)config->stanza_attributes,
		.namespaces = (unsigned)config->stanza_namespaces,
		.elements = (unsigned)config->stanza_elements };

	if (!stream->authenticated) {
		limits.stanza_bytes = (size_t)config->stanza_bytes_unauthenticated;
		limits.depth = (unsigned)config->stanza_depth_unauthenticated;
		limits.elements = (unsigned)config->stanza_elements_unauthenticated;
	}
	return limits;
}

void
stream_new_parser(struct stream *stream)
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

size_t
stream_on_bytes(void *owner, struct slice bytes)
{
	struct stream *stream = owner;
	size_t total = 0;

	if (stream->condition != 0 || stream->is_dropped)	/* nothing is looked at any more */
		return bytes.length;
	if (stream->released) {		/* what is made anew for these bytes is given back after the next silence */
		stream->released = false;
		if (stream->state == STATE_READY)
			stream_arm(stream);
	}
	atomic_store_explicit(&stream->slot->octets_in, connection_bytes_in(stream->connection),
	    memory_order_relaxed);
	if (stream->pinged) {	/* the next silence is asked about again */
		stream->pinged = false;
		if (stream->state == STATE_READY)
			stream_arm(stream);
	}
	while (total < bytes.length && stream->state != STATE_CLOSED &&
	    stream->state != STATE_PROCEED && !parser_is_paused(stream->parser)) {
		enum parser_error error;
		size_t consumed = 0;

		if (stream->restart)
			stream_new_parser(stream);
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
	if (stream->state != STATE_CLOSED)
		stream_rate_bytes(stream);
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
	stream_new_parser(stream);
	stream_on_bytes(stream, buffer_slice(&copy));
	buffer_clear(&copy);
}

void
stream_pause(struct stream *stream)
{
	stream->rate.waits_for_owner = true;
	if (stream->state != STATE_CLOSED && stream->parser != NULL)
		parser_pause(stream->parser);
}

void
stream_resume(struct stream *stream)
{
	stream->rate.waits_for_owner = false;
	if (stream->state == STATE_CLOSED || stream->parser == NULL || stream->rate.is_slow ||
	    stream->is_dropped)
		return;
	if (!parser_resume(stream->parser) || stream->state == STATE_CLOSED)
		return;
	if (parser_failure(stream->parser) != PARSER_OK)
		fail_parsing(stream, parser_failure(stream->parser));
	else
		connection_resume(stream->connection);
}

bool
stream_is_paused(const struct stream *stream)
{
	return connection_is_paused(stream->connection) ||
	    (stream->parser != NULL && parser_is_paused(stream->parser));
}

void
stream_go_on(struct stream *stream)
{
	if (stream->rate.is_slow)
		return;
	if (stream->state != STATE_CLOSED && !stream->restart) {
		stream_resume(stream);
		return;
	}
	if (stream->state != STATE_CLOSED)
		feed_held(stream);
	connection_resume(stream->connection);
}
