/* arena.h -- memory that is given back all at once: what belongs to one stanza. */
#pragma once

#include <stddef.h>

#include "base/slice.h"

struct arena_chunk;

struct arena {
	char		   *next;
	char		   *end;
	struct arena_chunk *chunks;
	size_t		    total;	/* bytes held, chunk headers included */
};

void	 arena_init(struct arena *arena);

/* Gives everything back. */
void	 arena_clear(struct arena *arena);

/* Forgets what was allocated and keeps one chunk of ordinary size for what follows. */
void	 arena_reset(struct arena *arena);

/* Aligned to 16 bytes, not zeroed, never NULL. */
void	*arena_alloc(struct arena *arena, size_t size);
void	*arena_zeroed(struct arena *arena, size_t size);

/* A copy that lives as long as the arena; a NUL stands behind it. */
struct slice arena_copy(struct arena *arena, struct slice bytes);
struct slice arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Grows the last allocation in place where there is room, else moves it.
 * Used for text that arrives in pieces. old may be NULL; old_size is what was asked for.
 */
void	*arena_grow(struct arena *arena, void *old, size_t old_size, size_t size);

#define ARENA_NEW(arena, type) ((type *)arena_zeroed((arena), sizeof(type)))
