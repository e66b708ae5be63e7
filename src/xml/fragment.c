/* fragment.c -- an element read back from the bytes it was kept as. */
#include "xml/fragment.h"

#include "xml/parser.h"

#define MANY 65536

struct reading {
	struct arena   *arena;
	struct element *found;
	int		count;
};

static void
on_open(void *owner, struct element *header)
{
}

static void
on_stanza(void *owner, struct element *element)
{
	struct reading *reading = owner;

	if (reading->count++ == 0)
		reading->found = element_copy(reading->arena, element);
}

static void
on_end(void *owner)
{
	struct reading *reading = owner;

	reading->count = MANY;	/* more than an element */
}

static const struct parser_events events = { on_open, on_stanza, on_end };

struct element *
fragment_read(struct arena *arena, struct slice bytes)
{
	static const char header[] = "<stream:stream xmlns='jabber:client' "
				     "xmlns:stream='http://etherx.jabber.org/streams'>";
	struct parser_limits limits = { .stanza_bytes = bytes.length + 1024,
		.token_bytes = bytes.length + 1024,
		.value_bytes = bytes.length + 1024,
		.name_bytes = bytes.length + 1024,
		.memory = 4 * bytes.length + (1u << 20),
		.depth = MANY,
		.attributes = MANY,
		.namespaces = MANY,
		.elements = MANY };
	struct reading reading = { .arena = arena };
	struct parser *parser = parser_new(&events, &reading, &limits);
	size_t consumed;
	bool is_whole;

	is_whole = parser_feed(parser, SLICE(header), &consumed) == PARSER_OK &&
	    parser_feed(parser, bytes, &consumed) == PARSER_OK && parser_is_at_rest(parser) &&
	    reading.count == 1;
	parser_free(&parser);
	return is_whole ? reading.found : NULL;
}
