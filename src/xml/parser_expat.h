/* parser_expat.h -- the door to expat: whole tokens go in, a tree comes out. */
#pragma once

#include "base/slice.h"
#include "xml/parser.h"
#include "xml/expat_memory.h"
#include "xml/tree.h"

struct XML_ParserStruct;

struct parser_expat {
	struct XML_ParserStruct	   *handle;	/* NULL until bytes come */
	struct expat_memory	    memory;	/* that expat holds */
	uint64_t		    fed;	/* bytes given to it, ever */
	enum parser_error	    error;	/* the first one stays */
	struct tree		   *tree;
	const struct parser_limits *limits;
};

/*
 * Parses bytes that end where a token ends, or inside text. When expat is made anew in
 * the middle of a stream, header is the stream's start tag; before it is empty.
 */
void	parser_expat_feed(struct parser_expat *expat, struct slice header,
	    struct slice bytes);

/* Gives the memory back. The next feed starts anew. */
void	parser_expat_free(struct parser_expat *expat);
