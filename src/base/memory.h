/* memory.h -- allocation that succeeds or ends the process. */
#pragma once

#include <stddef.h>

#include "base/slice.h"

/* Zeroed memory; never NULL. Free with memory_free(). */
void	*memory_new(size_t size);

/* memory may be NULL. What is added is not zeroed. */
void	*memory_resize(void *memory, size_t size);
char	*memory_copy_text(struct slice text);	/* terminated */
void	 memory_free(void *memory);

/* Overwrites secrets in a way the compiler keeps. */
void	 memory_wipe(void *memory, size_t size);

#define NEW(type) ((type *)memory_new(sizeof(type)))
