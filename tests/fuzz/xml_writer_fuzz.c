/* xml_writer_fuzz.c -- what was parsed and written parses to the same tree again. */
#include <stdint.h>

#include "base/ensure.h"
#include "tests/unit/xml_support.h"
#include "xml/writer.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct round {
	struct buffer text;
	struct buffer dump;
};

/* Escapes and declarations make a stanza longer than what it was read from. */
static const struct parser_limits loose_limits = {
	.stanza_bytes = 1 << 28,
	.token_bytes = 1 << 28,
	.value_bytes = 1 << 28,
	.name_bytes = 1 << 20,
	.memory = 1 << 28,
	.depth = 1000,
	.attributes = 100000,
	.namespaces = 1000000,
	.elements = 1000000,
};

static void
on_open(void *owner, struct element *header)
{
}

static void
on_end(void *owner)
{
}

static void
on_stanza(void *owner, struct element *stanza)
{
	struct round *round = owner;

	xml_dump(stanza, &round->dump);
	writer_append(stanza, NS_CLIENT, &round->text);
}

static enum parser_error
parse(struct round *round, struct slice bytes, const struct parser_limits *limits)
{
	static const struct parser_events events = { on_open, on_stanza, on_end };
	struct parser *parser = parser_new(&events, round, limits);
	enum parser_error error;
	size_t consumed;

	*round = (struct round){ .text = { 0 } };
	parser_feed(parser, SLICE(XML_HEADER), &consumed);
	error = parser_feed(parser, bytes, &consumed);
	parser_free(&parser);
	return error;
}

static void
clear(struct round *round)
{
	buffer_clear(&round->text);
	buffer_clear(&round->dump);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct round first, second;

	parse(&first, slice_of(data, size), &xml_limits);
	ensure(parse(&second, buffer_slice(&first.text), &loose_limits) == PARSER_OK);
	ensure(slice_equal(buffer_slice(&first.dump), buffer_slice(&second.dump)));
	ensure(slice_equal(buffer_slice(&first.text), buffer_slice(&second.text)));
	clear(&first);
	clear(&second);
	return 0;
}
