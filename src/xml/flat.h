/* flat.h -- small elements without content, as acknowledgements are, built without expat. */
#pragma once

#include "xml/tree.h"

/*
 * Acknowledgements come as often as stanzas, and to a session that otherwise only listens: an expat would be kept, and
 * fetched into the cache, for them alone. False: bytes are not "<name xmlns='urn:...'/>", perhaps with one attribute, in
 * plain characters, and nothing was done; expat knows what they are. Else *error says how the tree took it.
 */
bool	flat_build(struct tree *tree, struct slice bytes, enum parser_error *error);
