/* xml_support.h -- what the tests of src/xml share: limits, a stream that is written down. */
#pragma once

#include "base/buffer.h"
#include "xml/parser.h"

#define XML_HEADER \
	"<stream:stream xmlns='jabber:client' "                      \
	"xmlns:stream='http://etherx.jabber.org/streams' to='a.lit'" \
	" xml:lang='en' version='1.0'>"

extern const struct parser_limits xml_limits;		/* after authentication */
extern const struct parser_limits xml_early_limits;	/* before */

/* Writes a tree so that different trees give different texts; uses no writer of ours. */
void	xml_dump(const struct element *element, struct buffer *out);

/* A parser that writes down what it delivers. */
struct xml_record {
	struct parser *parser;
	struct buffer events;
	int stanzas;
	bool pauses;			/* at every stanza */
	const char *stops_at;		/* name of the stanza after which it stops */
	size_t most_memory;		/* seen in events and after feeds */
};

void	xml_record_open(struct xml_record *record, const struct parser_limits *limits);
void	xml_record_close(struct xml_record *record);

/* Feeds it; stops at the first error. */
enum parser_error xml_record_feed(struct xml_record *record, struct slice bytes);
enum parser_error xml_record_feed_text(struct xml_record *record, const char *text);

/* One stream in one piece, a new parser. */
enum parser_error xml_try(const char *text);
