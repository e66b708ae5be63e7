/* parser.h -- bytes of an XMPP stream to elements: whole stanzas, within limits, at any cut. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"
#include "xml/element.h"

/* What is wrong with the bytes; each is one stream error of RFC 6120 4.9.3. */
enum parser_error {
	PARSER_OK = 0,
	PARSER_NOT_WELL_FORMED,		/* not-well-formed */
	PARSER_RESTRICTED,		/* restricted-xml: DTD, comment, PI, entity */
	PARSER_ENCODING,		/* unsupported-encoding */
	PARSER_INVALID_UTF8,		/* unsupported-encoding, RFC 6120 4.9.3.22 */
	PARSER_TOO_BIG,			/* policy-violation, stanza-too-big */
	PARSER_TOKEN,			/* one that is too long: policy-violation, as those that follow */
	PARSER_VALUE,			/* of an attribute, too long */
	PARSER_NAME,			/* or a namespace, too long */
	PARSER_MEMORY,			/* expat's, too much */
	PARSER_TOO_DEEP,		/* policy-violation */
	PARSER_ELEMENTS,		/* too many of them: policy-violation */
	PARSER_ATTRIBUTES,		/* the same */
	PARSER_NAMESPACES,		/* the same */
	PARSER_NAMESPACE,		/* bad-namespace-prefix */
};

const char *parser_error_text(enum parser_error error);

/*
 * All in bytes or pieces; 0 is not "unlimited". See the limits in rookery.conf(5). Moreover a stream
 * header is at most 8 KiB, and a tree takes at most three times stanza_bytes and 168 an element.
 */
struct parser_limits {
	size_t	 stanza_bytes;		/* 262144 after authentication, 8192 before */
	size_t	 token_bytes;		/* one unfinished token: 65536 */
	size_t	 value_bytes;		/* one attribute value: 16384 */
	size_t	 name_bytes;		/* a name or a namespace: 256 */
	size_t	 memory;		/* expat's own, swap at 262144, refuse at four times that */
	unsigned depth;			/* 64, before authentication 8; a stanza is 1 */
	unsigned attributes;		/* 64 an element */
	unsigned namespaces;		/* 64 a stanza */
	unsigned elements;		/* 2000 a stanza, before authentication 32 */
};

/*
 * Called while parser_feed() runs. Elements live until the call returns: they are in the
 * parser's arena (parser_arena()), which is reset afterwards.
 * They must not free the parser; parser_stop() and parser_pause() are allowed.
 */
struct parser_events {
	void (*on_open)(void *owner, struct element *header);	/* <stream:stream>, no children */
	void (*on_stanza)(void *owner, struct element *stanza);	/* a whole child of the stream */
	void (*on_end)(void *owner);				/* </stream:stream> */
};

struct parser;

struct parser *parser_new(const struct parser_events *events, void *owner,
		   const struct parser_limits *limits);
void	       parser_free(struct parser **parser);
void	       parser_set_limits(struct parser *parser, const struct parser_limits *limits);

/*
 * Parses all bytes, or up to where parser_stop() was called: *consumed says how many.
 * Text between stanzas (whitespace keep-alive) is dropped; other text there is
 * not-well-formed... as RFC 6120 11.7 says for mixed content: PARSER_NOT_WELL_FORMED.
 */
enum parser_error parser_feed(struct parser *parser, struct slice bytes, size_t *consumed);

/* From an event: no further event comes from these bytes; the parser is only good for parser_free(). */
void	parser_stop(struct parser *parser);

/*
 * From an event: stanzas that follow in bytes already given come with parser_resume(), which
 * returns false while it is paused again. The bytes are kept as they are, for a tree may take many
 * times their room; so what is wrong with them is found by parser_resume() and told by
 * parser_failure(). Everything fed while paused is kept: read no more until then.
 */
void	parser_pause(struct parser *parser);
bool	parser_resume(struct parser *parser);
bool	parser_is_paused(const struct parser *parser);

/* What parser_feed() has returned, or would return. */
enum parser_error parser_failure(const struct parser *parser);

/*
 * The bytes kept, for another parser when this one stops after a pause (SASL success). Valid
 * until the next call; they end before the first byte that is not UTF-8.
 */
struct slice parser_held(const struct parser *parser);

struct arena *parser_arena(struct parser *parser);

/* The default namespace that the stream's header declares (RFC 6120 4.8.2); NS_NONE before, or without one. */
enum xml_namespace parser_content(const struct parser *parser);

/* True between stanzas, with no byte of the next one seen; false while an event is on. */
bool	parser_is_at_rest(const struct parser *parser);

/*
 * For idle connections: gives expat's memory back and makes it anew, with the header's
 * namespaces, at the next byte. Only at rest; does nothing otherwise.
 */
void	parser_release(struct parser *parser);

/* Bytes given to expat so far: tests see that none is read again and again. */
uint64_t parser_fed(const struct parser *parser);

/* Bytes held on behalf of this stream: expat's, arena, queue. */
size_t	parser_memory(const struct parser *parser);
