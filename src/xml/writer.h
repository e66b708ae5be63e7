/* writer.h -- elements to bytes, canonically: what leaves this server was made here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "xml/element.h"

/*
 * Writes the element as it stands inside a stream whose default namespace is
 * content (NS_CLIENT...): that xmlns is left out, every other is declared where it
 * changes, as a default namespace; attributes with a namespace get a prefix; "xml:" and
 * "stream:" (NS_STREAMS elements) are the stream's own. Double or single quotes and the five
 * entities are escaped; bytes that XML forbids were refused by the parser already.
 *
 * Into a fixed memory: returns the bytes needed; nothing past size is written, so a
 * result above size means "again, with more room".
 */
size_t	writer_write(const struct element *element, enum xml_namespace content, char *out,
	    size_t size);

void	writer_append(const struct element *element, enum xml_namespace content,
	    struct buffer *out);

/*
 * Writes element with attribute "to" left as a hole, for a fan-out in which only the
 * recipient differs: *hole is where the escaped value goes. An element without "to" gets one.
 */
size_t	writer_write_hole(const struct element *element, enum xml_namespace content, char *out,
	    size_t size, size_t *hole);

/* Text and attribute values for the few places that print XML by hand. */
void	writer_escape(struct slice text, struct buffer *out);
