/* split.h -- cuts what a server sends into elements, without parsing them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/*
 * The first whole child of the stream in input, or a tag of the stream itself, which counts as an
 * element of its own. Returns the bytes it and what stands before it take, 0 when it is not whole
 * yet. The server's output is canonical: no comments, ">" escaped in attributes, and no element
 * holds another of its own name.
 */
size_t	split_next(struct slice input, struct slice *element);

/* "<name" followed by a space, ">" or "/". */
bool	split_is(struct slice element, const char *name);

/* Whether its first tag holds the text. */
bool	split_tag_has(struct slice element, const char *text);

/* The text between the first <name> or <name ...> and the next "<"; empty where there is none. */
struct slice split_text(struct slice element, const char *name);
