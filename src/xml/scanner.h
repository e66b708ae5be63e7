/* scanner.h -- where tokens and stanzas end, so that expat sees every token once, and whole. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "xml/parser.h"

/*
 * A tag that arrives in small pieces would be read by expat from its start with each of
 * them: quadratic work (CVE-2023-52425), or, with expat's own cure, stanzas that wait for bytes
 * that never come. So tags and references are held back until they are whole.
 *
 * The scanner does not check well-formedness, that is expat's task; but where it lets a
 * token end, expat lets it end as well, or finds an error before. It finds what RFC 6120 11.1
 * forbids, and the limits of stanza and token, at the very byte that is too much.
 */
enum scanner_state {
	SCANNER_START,		/* no byte seen: an XML declaration may come */
	SCANNER_REST,		/* before, between or after the stanzas */
	SCANNER_TEXT,
	SCANNER_CDATA,
	SCANNER_OPEN,		/* from here on a token is not finished: behind "<" */
	SCANNER_TAG,
	SCANNER_END_TAG,
	SCANNER_REFERENCE,	/* behind "&" */
	SCANNER_KEYWORD,	/* behind "<!" or "<?", in what must follow */
	SCANNER_DECLARATION,
};

/* Offsets count from the start of the window, the bytes that the caller still has. */
struct scanner {
	enum scanner_state state;
	unsigned	   depth;	/* open elements, the stream among them */
	bool		   is_ended;	/* the stream's end tag was seen */
	char		   quote;	/* the one that is open in a tag, or 0 */
	unsigned	   brackets;	/* in CDATA: how many "]" stand just before */
	const char	  *keyword;	/* what must follow "<!" or "<?" */
	size_t		   begin;	/* first byte that was not parsed yet */
	size_t		   token;	/* where the unfinished token begins */
	size_t		   position;	/* first byte that was not looked at */
	ptrdiff_t	   stanza;	/* where the stanza begins; negative if it has left */
};

/*
 * Looks at the window from position on. Stops behind a whole stanza, header, stream end or
 * declaration (*boundary is then true), at an error, or at the end of the window. Whatever
 * the outcome, [begin, scanner_safe()) may be parsed now; an error comes after these bytes.
 */
enum parser_error scanner_run(struct scanner *scanner, struct slice window,
		    const struct parser_limits *limits, bool *boundary);

size_t		  scanner_safe(const struct scanner *scanner);

/* The caller has dropped the bytes before begin. */
void		  scanner_shift(struct scanner *scanner);
