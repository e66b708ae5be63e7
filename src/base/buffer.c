/* buffer.c -- one block that doubles; what was taken makes room again. */
#include "base/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "base/ensure.h"
#include "base/memory.h"

#define CAPACITY_LEAST 256
#define CAPACITY_LIMIT ((size_t)PTRDIFF_MAX / 2)

/* Moves what is left to the front; doubles the block unless that freed half of it. */
static __attribute__((noinline)) void
make_room(struct buffer *buffer, size_t count)
{
	size_t length = buffer_length(buffer);
	size_t capacity = buffer->capacity == 0 ? CAPACITY_LEAST : buffer->capacity;

	ensure(count <= CAPACITY_LIMIT - length);
	if (buffer->start > 0 && length > 0)
		memmove(buffer->data, buffer->data + buffer->start, length);
	buffer->start = 0;
	buffer->end = length;
	if (buffer->data != NULL && length <= buffer->capacity / 2 &&
	    count <= buffer->capacity - length)
		return;
	while (capacity - length < count || capacity == buffer->capacity)
		capacity *= 2;
	buffer->data = memory_resize(buffer->data, capacity);
	buffer->capacity = capacity;
}

void
buffer_init(struct buffer *buffer)
{
	*buffer = (struct buffer){ NULL, 0, 0, 0 };
}

void
buffer_clear(struct buffer *buffer)
{
	memory_free(buffer->data);
	buffer_init(buffer);
}

void
buffer_empty(struct buffer *buffer)
{
	buffer->start = 0;
	buffer->end = 0;
}

void
buffer_append(struct buffer *buffer, struct slice bytes)
{
	if (__builtin_expect(bytes.length == 0, 0))
		return;
	if (__builtin_expect(bytes.length > buffer->capacity - buffer->end, 0))
		make_room(buffer, bytes.length);
	memcpy(buffer->data + buffer->end, bytes.data, bytes.length);
	buffer->end += bytes.length;
}

void
buffer_append_text(struct buffer *buffer, const char *text)
{
	buffer_append(buffer, slice_from_text(text));
}

void
buffer_append_byte(struct buffer *buffer, char byte)
{
	if (__builtin_expect(buffer->end == buffer->capacity, 0))
		make_room(buffer, 1);
	buffer->data[buffer->end++] = byte;
}

void
buffer_printf(struct buffer *buffer, const char *format, ...)
{
	char small[256];
	va_list arguments;
	size_t size;
	int length;

	va_start(arguments, format);
	length = vsnprintf(small, sizeof(small), format, arguments);
	va_end(arguments);
	ensure(length >= 0);

	size = (size_t)length + 1;
	if (size <= sizeof(small)) {
		buffer_append(buffer, slice_of(small, size - 1));
		return;
	}
	va_start(arguments, format);
	vsnprintf(buffer_reserve(buffer, size), size, format, arguments);
	va_end(arguments);
	buffer_add(buffer, size - 1);
}

char *
buffer_reserve(struct buffer *buffer, size_t count)
{
	if (buffer->data == NULL || count > buffer->capacity - buffer->end)
		make_room(buffer, count);
	return buffer->data + buffer->end;
}

void
buffer_add(struct buffer *buffer, size_t count)
{
	ensure(count <= buffer->capacity - buffer->end);
	buffer->end += count;
}

struct slice
buffer_slice(const struct buffer *buffer)
{
	if (buffer->data == NULL)
		return SLICE_EMPTY;
	return slice_of(buffer->data + buffer->start, buffer_length(buffer));
}

void
buffer_take(struct buffer *buffer, size_t count)
{
	ensure(count <= buffer_length(buffer));
	buffer->start += count;
	if (buffer->start == buffer->end)
		buffer_empty(buffer);
}
