/* memory.c -- the allocator of the C library, with failure taken out. */
#include "base/memory.h"

#include <stdlib.h>

#include "base/ensure.h"

void *
memory_new(size_t size)
{
	void *memory = calloc(1, size == 0 ? 1 : size);

	ensure(memory != NULL);
	return memory;
}

void *
memory_resize(void *memory, size_t size)
{
	void *resized = realloc(memory, size == 0 ? 1 : size);

	ensure(resized != NULL);
	return resized;
}

char *
memory_copy_text(struct slice text)
{
	char *copy = memory_new(text.length + 1);

	if (text.length > 0)
		memcpy(copy, text.data, text.length);
	return copy;
}

void
memory_free(void *memory)
{
	free(memory);
}

void
memory_wipe(void *memory, size_t size)
{
	if (size > 0)
		explicit_bzero(memory, size);
}
