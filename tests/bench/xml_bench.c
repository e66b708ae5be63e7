/* xml_bench.c -- what a stanza costs: parsed into a tree, and written again. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "xml/parser.h"
#include "xml/writer.h"

static const char header[] =
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams' to='example.org' version='1.0'>";

static const char stanza[] =
    "<message to='juliet@example.com/balcony' from='romeo@example.net/orchard' "
    "type='chat' id='ktx72v49'><body>Wherefore art thou, Romeo? Deny thy father and "
    "refuse thy name; or if thou wilt not be but sworn my love</body>"
    "<active xmlns='http://jabber.org/protocol/chatstates'/></message>";

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

static bool writes;
static size_t written;

static void
on_open(void *owner, struct element *element)
{
}

static void
on_stanza(void *owner, struct element *element)
{
	char out[1024];

	if (writes)
		written += writer_write(element, NS_CLIENT, out, sizeof(out));
}

static void
on_end(void *owner)
{
}

static const struct parser_events events = { on_open, on_stanza, on_end };

static double
cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double
measure(size_t cut, int rounds)
{
	struct parser *parser = parser_new(&events, NULL, &limits);
	size_t used, length = sizeof(stanza) - 1;
	double start;

	parser_feed(parser, SLICE(header), &used);
	start = cpu_ns();
	for (int i = 0; i < rounds; i++) {
		if (cut > 0)
			parser_feed(parser, slice_of(stanza, cut), &used);
		parser_feed(parser, slice_of(stanza + cut, length - cut), &used);
	}
	start = cpu_ns() - start;
	parser_free(&parser);
	return start / rounds;
}

int
main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 300000;

	for (int i = 0; i < 3; i++) {
		writes = false;
		printf("parse %zu bytes %.0f ns", sizeof(stanza) - 1, measure(0, rounds));
		printf(", in two pieces %.0f ns", measure(100, rounds));
		writes = true;
		printf(", parse and write %.0f ns\n", measure(0, rounds));
	}
	return written == 0;
}
