/* header.c -- the opening of a stream, both ways (RFC 6120 4.7). */
#include "stream/stream_private.h"

#include "base/memory.h"
#include "base/random.h"
#include "xml/writer.h"
#include "xmpp/jid.h"

static void
write_attribute(struct stream *stream, const char *name, const char *value)
{
	stream_write(stream, " %s='", name);
	writer_escape(slice_from_text(value), &stream->control);
	stream_write(stream, "'");
}

/* Before a host is known the first one speaks (RFC 6120 4.7.1: a name this server serves). */
static const char *
name_to_show(struct stream *stream)
{
	const struct config *config = stream->server->config;

	if (stream->host != NULL)
		return stream->host;
	return config->host_count > 0 ? config->hosts[0].name : "localhost";
}

void
header_send(struct stream *stream)
{
	char id[24];

	stream->header_sent = true;
	random_token(id, 20);	/* RFC 6120 4.7.3: each header has an id of its own */
	stream_write(stream,
	    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
	    "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' xml:lang='en'");
	write_attribute(stream, "from", name_to_show(stream));
	write_attribute(stream, "id", id);
	stream_write(stream, ">");
}

static enum stream_condition
take_host(struct stream *stream, struct element *header)
{
	struct slice to = element_attribute(header, "to");
	struct jid jid;

	if (to.data == NULL || !jid_parse(parser_arena(stream->parser), to, &jid) ||
	    !jid_is_domain(&jid))
		return STREAM_IMPROPER_ADDRESSING;
	if (stream->host != NULL)
		return slice_is(jid.domain, stream->host) ? 0 : STREAM_NOT_AUTHORIZED;
	if (config_find_host(stream->server->config, jid.domain) == NULL)
		return STREAM_HOST_UNKNOWN;
	stream->host = memory_copy_text(jid.domain);
	return 0;
}

/* RFC 6120 4.7.5: a header without a version is of the time before 1.0. */
static bool
is_version_known(struct element *header)
{
	struct slice version = element_attribute(header, "version");

	return version.length >= 3 && version.data[0] >= '1' && version.data[0] <= '9';
}

static enum stream_condition
check(struct stream *stream, struct element *header)
{
	if (header->ns != NS_STREAMS)
		return STREAM_INVALID_NAMESPACE;
	if (!element_is(header, NS_STREAMS, "stream"))
		return STREAM_BAD_FORMAT;
	if (parser_content(stream->parser) != NS_CLIENT)
		return STREAM_INVALID_NAMESPACE;
	if (!is_version_known(header))
		return STREAM_UNSUPPORTED_VERSION;
	return take_host(stream, header);
}

void
header_on_open(struct stream *stream, struct element *header)
{
	enum stream_condition condition = check(stream, header);

	atomic_fetch_and(&stream->slot->flags, ~(uint32_t)SLOT_NOTOPEN);
	header_send(stream);
	if (condition != 0) {
		stream_fail(stream, condition, NULL);
		return;
	}
	stream_set_state(stream, stream->authenticated ? STATE_BIND : STATE_LOGIN);
	stream_features_send(stream);
}
