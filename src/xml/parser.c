/* parser.c -- bytes of an XMPP stream to events: stanzas, limits, pauses, memory. */
#include "xml/parser.h"

#include <stdint.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/text.h"
#include "xml/parser_expat.h"
#include "xml/scanner.h"
#include "xml/tree.h"

#define KEPT ((size_t)4096) /* a larger buffer is given back when it is empty */

struct parser {
	const struct parser_events *events;
	void *owner;
	struct parser_limits limits;
	struct parser_expat expat;
	struct scanner scanner;
	struct tree tree;
	struct arena arena;
	struct buffer held;  /* an unfinished token, or all that came while paused */
	struct slice header; /* the stream's start tag as it came, for the next expat */
	uint32_t utf8;
	bool utf8_is_broken; /* right behind what is held */
	bool is_stopped;
	bool is_paused;
	bool is_running; /* an event may be on the stack */
};

/* The first error stays. */
static enum parser_error
fail(struct parser *parser, enum parser_error error)
{
	if (parser->expat.error == PARSER_OK)
		parser->expat.error = error;
	return parser->expat.error;
}

/* Names that expat has met it keeps for good; between two stanzas it can be replaced. */
static void
limit_memory(struct parser *parser)
{
	const struct expat_memory *memory = &parser->expat.memory;
	size_t most = parser->limits.memory;

	tree_reset(&parser->tree);
	arena_clear(&parser->arena);	/* its chunk is a spare one for whoever comes next */
	if ((memory->bytes > most || memory->held / 2 > most) && !parser->tree.is_ended)
		parser_expat_free(&parser->expat);
}

/* What has become whole goes to the owner. */
static void
deliver(struct parser *parser)
{
	struct tree *tree = &parser->tree;
	struct element *header = tree->header, *stanza = tree->stanza;

	if (header != NULL)
		parser->events->on_open(parser->owner, header);
	if (stanza != NULL)
		parser->events->on_stanza(parser->owner, stanza);
	if (tree->is_ended && !parser->is_stopped)
		parser->events->on_end(parser->owner);
	limit_memory(parser);
}

static void
keep_header(struct parser *parser, struct slice window)
{
	const struct scanner *scanner = &parser->scanner;
	struct slice tag =
	    slice_of(window.data + scanner->token, scanner->position - scanner->token);

	if (scanner->depth == 1 && parser->header.length == 0)
		parser->header = slice_of(memory_copy_text(tag), tag.length);
}

/* Works on the window until it is at its end, stopped, paused or wrong. */
static void
run(struct parser *parser, struct slice window)
{
	struct scanner *scanner = &parser->scanner;
	enum parser_error found;
	bool boundary = true;
	size_t safe;

	parser->is_running = true;
	while (boundary && !parser->is_stopped && !parser->is_paused) {
		found = scanner_run(scanner, window, &parser->limits, &boundary);
		safe = scanner_safe(scanner);
		parser_expat_feed(
		    &parser->expat, parser->header,
		    slice_of(window.data + scanner->begin, safe - scanner->begin));
		if (fail(parser, found) != PARSER_OK)
			break;
		scanner->begin = safe;
		if (!boundary)
			break;
		if (parser->tree.depth != scanner->depth) {
			fail(parser, PARSER_NOT_WELL_FORMED);
			break;
		}
		keep_header(parser, window);
		deliver(parser);
	}
	parser->is_running = false;
	if (!boundary && parser->utf8_is_broken)
		fail(parser, PARSER_INVALID_UTF8);
}

/* How many of the bytes are UTF-8: all, or those before the first that cannot be. */
static size_t
valid_length(struct parser *parser, struct slice bytes)
{
	uint32_t before = parser->utf8;
	size_t length = 0;

	if (parser->utf8_is_broken)
		return 0;
	if (text_utf8_check(&parser->utf8, bytes))
		return bytes.length;
	while (text_utf8_check(&before, slice_of(bytes.data + length, 1)))
		length++;
	parser->utf8_is_broken = true;
	return length;
}

/* The held bytes up to begin are done with. */
static void
drop_held(struct parser *parser)
{
	buffer_take(&parser->held, parser->scanner.begin);
	if (buffer_length(&parser->held) > 0)
		return;
	if (parser->held.capacity > KEPT)
		buffer_clear(&parser->held);
	else
		buffer_empty(&parser->held);
}

/* What a run has left of its window stays here, unless nobody will want it. */
static void
keep_rest(struct parser *parser, struct slice window)
{
	size_t done = parser->scanner.begin;

	if (parser->expat.error != PARSER_OK)
		buffer_clear(&parser->held);
	else if (buffer_length(&parser->held) > 0)
		drop_held(parser);
	else if (done < window.length)
		buffer_append(&parser->held, slice_after(window, done));
	scanner_shift(&parser->scanner);
}

const char *
parser_error_text(enum parser_error error)
{
	static const char *const texts[] = {
		[PARSER_OK] = "no error",
		[PARSER_NOT_WELL_FORMED] = "not well-formed",
		[PARSER_RESTRICTED] = "restricted XML",
		[PARSER_ENCODING] = "an encoding that is not UTF-8",
		[PARSER_INVALID_UTF8] = "invalid UTF-8",
		[PARSER_TOO_BIG] = "too big",
		[PARSER_TOKEN] = "a token that is too long",
		[PARSER_VALUE] = "a value that is too long",
		[PARSER_NAME] = "a name that is too long",
		[PARSER_MEMORY] = "too much memory",
		[PARSER_TOO_DEEP] = "too deep",
		[PARSER_ELEMENTS] = "too many elements",
		[PARSER_ATTRIBUTES] = "too many attributes",
		[PARSER_NAMESPACES] = "too many namespaces",
		[PARSER_NAMESPACE] = "a namespace prefix that is not declared",
	};

	return texts[error];
}

struct parser *
parser_new(const struct parser_events *events, void *owner,
	   const struct parser_limits *limits)
{
	struct parser *parser = NEW(struct parser);

	parser->events = events;
	parser->owner = owner;
	parser->limits = *limits;
	arena_init(&parser->arena);
	buffer_init(&parser->held);
	parser->tree.arena = &parser->arena;
	parser->tree.limits = &parser->limits;
	parser->expat.tree = &parser->tree;
	parser->expat.limits = &parser->limits;
	tree_reset(&parser->tree);
	return parser;
}

void
parser_free(struct parser **parser)
{
	struct parser *old = *parser;

	if (old == NULL)
		return;
	parser_expat_free(&old->expat);
	arena_clear(&old->arena);
	buffer_clear(&old->held);
	memory_free((char *)old->header.data);
	memory_free(old);
	*parser = NULL;
}

void
parser_set_limits(struct parser *parser, const struct parser_limits *limits)
{
	parser->limits = *limits;
}

enum parser_error
parser_feed(struct parser *parser, struct slice bytes, size_t *consumed)
{
	size_t before = buffer_length(&parser->held);
	struct slice window;

	*consumed = 0;
	if (parser->expat.error != PARSER_OK || parser->is_stopped)
		return parser->expat.error;
	window = slice_of(bytes.data, valid_length(parser, bytes));
	if (before > 0 || parser->is_paused) {
		buffer_append(&parser->held, window);
		window = buffer_slice(&parser->held);
	}
	run(parser, window);
	if (parser->is_stopped) {
		*consumed = parser->scanner.begin - before;
		buffer_clear(&parser->held);
	} else {
		*consumed = bytes.length;
		keep_rest(parser, window);
	}
	return parser->expat.error;
}

void
parser_stop(struct parser *parser)
{
	parser->is_stopped = true;
}

void
parser_pause(struct parser *parser)
{
	parser->is_paused = true;
}

bool
parser_resume(struct parser *parser)
{
	struct slice window;

	parser->is_paused = false;
	if (parser->is_running || parser->is_stopped || parser->expat.error != PARSER_OK)
		return true;
	window = buffer_slice(&parser->held);
	run(parser, window);
	keep_rest(parser, window);
	return !parser->is_paused;
}

enum xml_namespace
parser_content(const struct parser *parser)
{
	return parser->tree.content;
}

bool
parser_is_paused(const struct parser *parser)
{
	return parser->is_paused;
}

struct slice
parser_held(const struct parser *parser)
{
	return buffer_slice(&parser->held);
}

enum parser_error
parser_failure(const struct parser *parser)
{
	return parser->expat.error;
}

struct arena *
parser_arena(struct parser *parser)
{
	return &parser->arena;
}

bool
parser_is_at_rest(const struct parser *parser)
{
	return parser->scanner.state <= SCANNER_REST &&
	       buffer_length(&parser->held) == 0 && !parser->is_running;
}

void
parser_release(struct parser *parser)
{
	if (!parser_is_at_rest(parser))
		return;
	parser_expat_free(&parser->expat);
	arena_clear(&parser->arena);
	buffer_clear(&parser->held);
}

uint64_t
parser_fed(const struct parser *parser)
{
	return parser->expat.fed;
}

size_t
parser_memory(const struct parser *parser)
{
	return sizeof(*parser) + parser->expat.memory.bytes + parser->arena.total +
	       parser->held.capacity + parser->header.length;
}
