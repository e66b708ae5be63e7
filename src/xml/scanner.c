/* scanner.c -- where tokens and stanzas end, so that expat sees each token once, and whole. */
#include "xml/scanner.h"

/* A stream header is kept as long as the stream. */
#define HEADER_MOST ((size_t)8192)

static inline bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline bool
in_token(const struct scanner *scanner)
{
	return scanner->state >= SCANNER_OPEN;
}

/* Where the first limit is reached, or the end of the window. */
static size_t
reach(const struct scanner *scanner, size_t end, const struct parser_limits *limits)
{
	size_t most = limits->stanza_bytes;
	ptrdiff_t last;

	if (scanner->state <= SCANNER_REST)
		return end;
	if (scanner->depth == 0 && most > HEADER_MOST)
		most = HEADER_MOST;
	last = scanner->stanza + (ptrdiff_t)most;
	if (last < (ptrdiff_t)scanner->position)
		last = (ptrdiff_t)scanner->position;
	if ((size_t)last < end)
		end = (size_t)last;
	if (in_token(scanner) && scanner->token + limits->token_bytes < end)
		end = scanner->token + limits->token_bytes;
	return end < scanner->position ? scanner->position : end;
}

/* White space between stanzas keeps connections alive; expat need not know. */
static enum parser_error
pass_rest(struct scanner *scanner, const char *data, size_t end)
{
	size_t at = scanner->position;

	while (at < end && is_space(data[at]))
		at++;
	if (at > scanner->position)
		scanner->state = SCANNER_REST;
	scanner->begin = scanner->position = at;
	if (at == end)
		return PARSER_OK;
	if (data[at] != '<' || scanner->is_ended)
		return PARSER_NOT_WELL_FORMED;
	scanner->keyword = scanner->state == SCANNER_START ? "xml" : NULL;
	scanner->state = SCANNER_OPEN;
	scanner->token = at;
	scanner->stanza = (ptrdiff_t)at;
	scanner->position = at + 1;
	return PARSER_OK;
}

static enum parser_error
pass_text(struct scanner *scanner, const char *data, size_t end)
{
	const char *from = data + scanner->position, *tag, *reference;
	size_t count = end - scanner->position;

	tag = memchr(from, '<', count);
	if (tag != NULL)
		count = (size_t)(tag - from);
	reference = memchr(from, '&', count);
	if (reference != NULL) {
		scanner->token = (size_t)(reference - data);
		scanner->state = SCANNER_REFERENCE;
	} else if (tag != NULL) {
		scanner->token = (size_t)(tag - data);
		scanner->keyword = NULL;
		scanner->state = SCANNER_OPEN;
	} else {
		scanner->position = end;
		return PARSER_OK;
	}
	scanner->position = scanner->token + 1;
	return PARSER_OK;
}

static enum parser_error
pass_cdata(struct scanner *scanner, const char *data, size_t end)
{
	char c;

	while (scanner->position < end) {
		c = data[scanner->position++];
		if (c == '>' && scanner->brackets >= 2) {
			scanner->state = SCANNER_TEXT;
			break;
		}
		scanner->brackets = c == ']' ? scanner->brackets + 1 : 0;
	}
	return PARSER_OK;
}

/* Behind "<". Comments, DTDs and processing instructions end here (RFC 6120 11.1). */
static enum parser_error
pass_open(struct scanner *scanner, const char *data)
{
	switch (data[scanner->position]) {
	case '/':
		scanner->state = SCANNER_END_TAG;
		break;
	case '!':
		scanner->keyword = "[CDATA[";
		scanner->state = SCANNER_KEYWORD;
		break;
	case '?':
		if (scanner->keyword == NULL)
			return PARSER_RESTRICTED;
		scanner->state = SCANNER_KEYWORD;
		break;
	default:
		scanner->state = SCANNER_TAG;
		scanner->quote = 0;
		return PARSER_OK;
	}
	scanner->position++;
	return PARSER_OK;
}

static enum parser_error
pass_keyword(struct scanner *scanner, const char *data)
{
	char c = data[scanner->position];

	if (*scanner->keyword != '\0') {
		if (c != *scanner->keyword)
			return PARSER_RESTRICTED;
		scanner->keyword++;
		scanner->position++;
		if (c != '[' || *scanner->keyword != '\0')
			return PARSER_OK;
		if (scanner->depth < 2)
			return PARSER_NOT_WELL_FORMED;
		scanner->brackets = 0;
		scanner->state = SCANNER_CDATA;
		return PARSER_OK;
	}
	if (!is_space(c)) /* "<?xml-stylesheet" */
		return PARSER_RESTRICTED;
	scanner->state = SCANNER_DECLARATION;
	return PARSER_OK;
}

static enum parser_error
pass_declaration(struct scanner *scanner, const char *data, size_t end, bool *boundary)
{
	while (scanner->position < end) {
		if (data[scanner->position++] != '>')
			continue;
		if (data[scanner->position - 2] != '?')
			return PARSER_NOT_WELL_FORMED;
		scanner->state = SCANNER_REST;
		*boundary = true;
		break;
	}
	return PARSER_OK;
}

/* Up to ";". What is a legal reference expat knows, and it knows five entities. */
static enum parser_error
pass_reference(struct scanner *scanner, const char *data, size_t end)
{
	unsigned char c;

	while (scanner->position < end) {
		c = (unsigned char)data[scanner->position++];
		if (c == ';') {
			scanner->state = SCANNER_TEXT;
			break;
		}
		if (c <= ' ' || strchr("<>&'\"", c) != NULL)
			return PARSER_NOT_WELL_FORMED;
	}
	return PARSER_OK;
}

/* Behind ">" of a start tag, an empty one or an end tag. */
static void
change_depth(struct scanner *scanner, int by, bool *boundary)
{
	scanner->depth += (unsigned)by;
	scanner->is_ended = scanner->depth == 0;
	*boundary = scanner->depth <= 1 && (by <= 0 || scanner->depth == 1);
	scanner->state = *boundary ? SCANNER_REST : SCANNER_TEXT;
}

static enum parser_error
pass_tag(struct scanner *scanner, const char *data, size_t end, bool *boundary)
{
	size_t at = scanner->position, count;
	const char *close;
	char c;

	while (at < end) {
		if (scanner->quote != 0) {
			close = memchr(data + at, scanner->quote, end - at);
			count = (close == NULL ? end : (size_t)(close - data)) - at;
			if (memchr(data + at, '<', count) != NULL)
				return PARSER_NOT_WELL_FORMED;
			at += count;
			if (close != NULL) {
				scanner->quote = 0;
				at++;
			}
			continue;
		}
		c = data[at++];
		if (c > '>' || (c != '>' && c != '"' && c != '\'' && c != '<'))
			continue;
		if (c == '<')
			return PARSER_NOT_WELL_FORMED;
		if (c == '>') {
			scanner->position = at;
			change_depth(scanner, data[at - 2] != '/', boundary);
			return PARSER_OK;
		}
		scanner->quote = c;
	}
	scanner->position = at;
	return PARSER_OK;
}

static enum parser_error
pass_end_tag(struct scanner *scanner, const char *data, size_t end, bool *boundary)
{
	char c;

	while (scanner->position < end) {
		c = data[scanner->position++];
		if (c == '<' || (c == '>' && scanner->depth == 0))
			return PARSER_NOT_WELL_FORMED;
		if (c == '>') {
			change_depth(scanner, -1, boundary);
			break;
		}
	}
	return PARSER_OK;
}

static inline enum parser_error
pass(struct scanner *scanner, const char *data, size_t end, bool *boundary)
{
	switch (scanner->state) {
	case SCANNER_START:
	case SCANNER_REST:
		return pass_rest(scanner, data, end);
	case SCANNER_TEXT:
		return pass_text(scanner, data, end);
	case SCANNER_CDATA:
		return pass_cdata(scanner, data, end);
	case SCANNER_OPEN:
		return pass_open(scanner, data);
	case SCANNER_TAG:
		return pass_tag(scanner, data, end, boundary);
	case SCANNER_END_TAG:
		return pass_end_tag(scanner, data, end, boundary);
	case SCANNER_REFERENCE:
		return pass_reference(scanner, data, end);
	case SCANNER_KEYWORD:
		return pass_keyword(scanner, data);
	case SCANNER_DECLARATION:
		return pass_declaration(scanner, data, end, boundary);
	}
	return PARSER_NOT_WELL_FORMED;
}

/* Which limit it has reached. */
static enum parser_error
stopped(const struct scanner *scanner, size_t end, size_t length,
    const struct parser_limits *limits)
{
	if (end == length)
		return PARSER_OK;
	return in_token(scanner) && end == scanner->token + limits->token_bytes ? PARSER_TOKEN
									      : PARSER_TOO_BIG;
}

enum parser_error
scanner_run(struct scanner *scanner, struct slice window,
	    const struct parser_limits *limits, bool *boundary)
{
	enum parser_error error = PARSER_OK;
	size_t end;

	*boundary = false;
	while (error == PARSER_OK && !*boundary) {
		end = reach(scanner, window.length, limits);
		if (scanner->position == end)
			return stopped(scanner, end, window.length, limits);
		error = pass(scanner, window.data, end, boundary);
	}
	return error;
}

size_t
scanner_safe(const struct scanner *scanner)
{
	return in_token(scanner) ? scanner->token : scanner->position;
}

void
scanner_shift(struct scanner *scanner)
{
	scanner->token -= scanner->begin;
	scanner->position -= scanner->begin;
	scanner->stanza -= (ptrdiff_t)scanner->begin;
	scanner->begin = 0;
}
