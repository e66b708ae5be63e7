/* xml_echo.c -- what the parser makes of a stanza, as the writer writes it: for comparing with other parsers. */
#include <stdint.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "xml/parser.h"
#include "xml/writer.h"

#define HEADER "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"

static const struct parser_limits limits = {
	.stanza_bytes = 262144,
	.token_bytes = 65536,
	.value_bytes = 16384,
	.name_bytes = 256,
	.memory = 262144,
	.depth = 64,
	.attributes = 64,
	.namespaces = 64,
	.elements = 2000,
};

static void
on_open(void *owner, struct element *header)
{
}

static bool has_ended;

static void
on_end(void *owner)
{
	has_ended = true;
}

static void
on_stanza(void *owner, struct element *stanza)
{
	writer_append(stanza, NS_CLIENT, owner);
}

/* All stanzas in the bytes, one behind the other; empty where they are refused, not whole, or end the stream. */
static void
echo(struct slice bytes, struct buffer *out)
{
	static const struct parser_events events = { on_open, on_stanza, on_end };
	struct parser *parser = parser_new(&events, out, &limits);
	size_t consumed;

	has_ended = false;
	parser_feed(parser, SLICE(HEADER), &consumed);
	if (parser_feed(parser, bytes, &consumed) != PARSER_OK || has_ended ||
	    !parser_is_at_rest(parser))
		buffer_empty(out);
	parser_free(&parser);
}

/* Records on standard input: a length of 4 bytes in the machine's order, then the bytes; the same comes out. */
int
main(void)
{
	struct buffer out;
	uint32_t length;

	buffer_init(&out);
	while (fread(&length, sizeof(length), 1, stdin) == 1 && length <= 1u << 20) {
		char *bytes = memory_new(length + 1);

		if (fread(bytes, 1, length, stdin) != length)
			return 1;
		buffer_empty(&out);
		echo(slice_of(bytes, length), &out);
		memory_free(bytes);
		length = (uint32_t)buffer_length(&out);
		fwrite(&length, sizeof(length), 1, stdout);
		fwrite(buffer_slice(&out).data, 1, length, stdout);
		fflush(stdout);
	}
	buffer_clear(&out);
	return 0;
}
