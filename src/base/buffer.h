/* buffer.h -- bytes that grow at the end and are taken from the front. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct buffer {
	char  *data;
	size_t start;		/* first byte not yet taken */
	size_t end;
	size_t capacity;
};

void	buffer_init(struct buffer *buffer);
void	buffer_clear(struct buffer *buffer);	/* gives the memory back */
void	buffer_empty(struct buffer *buffer);	/* keeps it */

void	buffer_append(struct buffer *buffer, struct slice bytes);
void	buffer_append_text(struct buffer *buffer, const char *text);
void	buffer_append_byte(struct buffer *buffer, char byte);
void	buffer_printf(struct buffer *buffer, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));

/* Room for count more bytes at the returned address; buffer_add() says how many were used. */
char   *buffer_reserve(struct buffer *buffer, size_t count);
void	buffer_add(struct buffer *buffer, size_t count);

/* What has not been taken. Valid until the next append. */
struct slice buffer_slice(const struct buffer *buffer);
void	buffer_take(struct buffer *buffer, size_t count);

static inline size_t
buffer_length(const struct buffer *buffer)
{
	return buffer->end - buffer->start;
}
