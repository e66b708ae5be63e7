/* management.c -- XEP-0198 on the stream: elements that are no stanzas, parsed and written. */
#include "stream/stream_private.h"

#include <stdio.h>

#include "xmpp/stanza_error.h"

#define REFUSED "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"

static const char *
namespace_of(const struct stream *stream)
{
	return stream->management == NS_SM2 ? "urn:xmpp:sm:2" : "urn:xmpp:sm:3";
}

/* An xs:unsignedInt. */
static bool
read_count(const struct element *element, uint32_t *h)
{
	int64_t value;

	if (!slice_to_int(element_attribute(element, "h"), 0, UINT32_MAX, &value))
		return false;
	*h = (uint32_t)value;
	return true;
}

/* An xs:boolean. */
static bool
is_true(struct slice text)
{
	return slice_is(text, "true") || slice_is(text, "1");
}

static void
refuse(struct stream *stream, enum xml_namespace ns, enum stanza_condition condition)
{
	stream_write(stream, "<failed xmlns='%s'>" REFUSED,
	    ns == NS_SM2 ? "urn:xmpp:sm:2" : "urn:xmpp:sm:3", stanza_condition_name(condition));
}

/* --- what the client sends --- */

/* Before a resource is bound, or after: out of order. */
void
management_on_late(struct stream *stream, struct element *element)
{
	refuse(stream, element->ns, STANZA_UNEXPECTED_REQUEST);
}

static void
write_enabled(struct stream *stream, const struct management *grant)
{
	if (!grant->can_resume) {
		stream_write(stream, "<enabled xmlns='%s'/>", namespace_of(stream));
		return;
	}
	stream_write(stream, "<enabled xmlns='%s' id='%s' resume='true' max='%llu'/>",
	    namespace_of(stream), grant->id, (unsigned long long)grant->max_s);
}

void
management_on_enable(struct stream *stream, struct element *element)
{
	struct management management = {
		.can_resume = is_true(element_attribute(element, "resume"))
	};
	int64_t max_s;
	int condition;

	if (stream->management != NS_NONE || stream->state != STATE_READY) {
		refuse(stream, element->ns, STANZA_UNEXPECTED_REQUEST);
		return;
	}
	if (slice_to_int(element_attribute(element, "max"), 1, UINT32_MAX, &max_s))
		management.max_s = (uint64_t)max_s;
	condition = stream->events->on_enable(stream->owner, &management);
	if (condition != 0) {
		refuse(stream, element->ns, (enum stanza_condition)condition);
		return;
	}
	stream->management = element->ns;
	write_enabled(stream, &management);
}

/* Only who has enabled it may speak of it: from others it is an element that nothing expects. */
static bool
is_on(struct stream *stream)
{
	if (stream->management != NS_NONE)
		return true;
	stream_fail(stream, STREAM_UNSUPPORTED_STANZA_TYPE, "stream management is not enabled");
	return false;
}

void
management_on_ack(struct stream *stream, struct element *element)
{
	uint32_t h;

	if (!is_on(stream))
		return;
	if (read_count(element, &h))
		stream->events->on_ack(stream->owner, h);
	else
		stream_fail(stream, STREAM_INVALID_XML, "an acknowledgement without a count");
}

void
management_on_ack_request(struct stream *stream, struct element *element)
{
	if (is_on(stream))
		stream->events->on_ack_request(stream->owner);
}

void
management_on_resume(struct stream *stream, struct element *element)
{
	struct slice id = element_attribute(element, "previd");
	uint32_t h;

	if (id.length == 0 || !read_count(element, &h)) {
		refuse(stream, element->ns, STANZA_BAD_REQUEST);
		return;
	}
	stream->management = element->ns;
	governor_admit(stream->server, GOVERNOR_RESUME);
	stream_set_state(stream, STATE_RESUME);
	stream->events->on_resume(stream->owner, id, h);
	if (stream->state != STATE_RESUME)
		return;
	stream->is_fetching = true;
	connection_pause(stream->connection);
	parser_pause(stream->parser);
}

/* --- what the owner says --- */

size_t
stream_offered(const struct stream *stream)
{
	return stream->offer.stanzas;
}

void
stream_acknowledge(struct stream *stream, uint32_t h)
{
	if (stream->state == STATE_READY || (stream->state == STATE_ENDING && !stream->end_sent))
		stream_write(stream, "<a xmlns='%s' h='%u'/>", namespace_of(stream), h);
}

void
stream_ask_ack(struct stream *stream)
{
	if (stream->state == STATE_READY)
		stream_write(stream, "<r xmlns='%s'/>", namespace_of(stream));
}

static void
leave_resume(struct stream *stream, enum stream_state state)
{
	bool was_fetching = stream->is_fetching;

	stream->is_fetching = false;
	stream_set_state(stream, state);
	if (was_fetching)
		stream_go_on(stream);
}

void
stream_resumed(struct stream *stream, const char *id, uint32_t h)
{
	if (stream->state != STATE_RESUME)
		return;
	stream_write(stream, "<resumed xmlns='%s' previd='%s' h='%u'/>", namespace_of(stream), id,
	    h);
	leave_resume(stream, STATE_READY);
}

void
stream_not_resumed(struct stream *stream, enum stanza_condition condition, const uint32_t *h)
{
	const char *name = stanza_condition_name(condition);

	if (stream->state != STATE_RESUME)
		return;
	if (h == NULL)
		stream_write(stream, "<failed xmlns='%s'>" REFUSED, namespace_of(stream), name);
	else
		stream_write(stream, "<failed xmlns='%s' h='%u'>" REFUSED, namespace_of(stream),
		    *h, name);
	stream->management = NS_NONE;
	leave_resume(stream, STATE_BIND);
}

void
stream_fail_ack(struct stream *stream, uint32_t h, uint32_t sent)
{
	char text[160];

	snprintf(text, sizeof(text),
	    "<handled-count-too-high xmlns='%s' h='%u' send-count='%u'/>", namespace_of(stream), h,
	    sent);
	buffer_empty(&stream->detail);
	buffer_append(&stream->detail, slice_from_text(text));
	stream_fail(stream, STREAM_UNDEFINED_CONDITION, "more acknowledged than was sent");
}
