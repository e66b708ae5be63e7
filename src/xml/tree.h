/* tree.h -- the stanza that is being built, piece by piece, within its limits. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "xml/element.h"
#include "xml/parser.h"

/* Stands between namespace and local name: a byte that UTF-8 never contains. */
#define TREE_SEPARATOR '\xff'

/*
 * header, stanza and is_ended say what has become whole; whoever delivers them calls tree_reset().
 * In memory a tree may be as large as three of the largest stanzas and an attribute for
 * each element; many small attributes could otherwise take twenty times their text.
 */
struct tree {
	struct arena			*arena;
	const struct parser_limits	*limits;
	struct element			*header;
	struct element			*stanza;
	bool				 is_ended;
	enum xml_namespace		 content;	/* the stream's default namespace */

	struct element	*current;	/* the innermost open one, in a stanza */
	unsigned	 depth;		/* open elements, the stream among them */
	unsigned	 elements;
	unsigned	 namespaces;
	size_t		 bytes;
	struct node	*text;		/* the run that may still grow */
	size_t		 room;		/* bytes that are reserved for it */
	struct slice	 uri;		/* the last one that is not in our list */
};

/* Names are "local" or "uri SEPARATOR local", terminated; attributes are pairs with a NULL behind. */
enum parser_error tree_open(struct tree *tree, const char *name, const char **attributes);
enum parser_error tree_declare(struct tree *tree, const char *uri);	/* NULL: none */
enum parser_error tree_text(struct tree *tree, struct slice text);
void		  tree_close(struct tree *tree);

/* Forgets the finished stanza and its counts; the arena is the caller's to reset. */
void		  tree_reset(struct tree *tree);
