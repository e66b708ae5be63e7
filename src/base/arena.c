/* arena.c -- chunks that double from 4 KiB to 64 KiB, cut from the front. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include "base/ensure.h"
#include "base/memory.h"

#define ALIGNMENT      16
#define CHUNK_LEAST    ((size_t)4096)
#define CHUNK_MOST     ((size_t)65536)
#define ALLOCATE_LIMIT ((size_t)PTRDIFF_MAX / 2)

/* The first of the list is being cut: arena->next and arena->end lie in it. */
struct arena_chunk {
	alignas(ALIGNMENT) struct arena_chunk *behind;
	size_t size; /* this header included */
};

/* Under AddressSanitizer what is not handed out cannot be touched. */
#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISON 1
#endif
#endif

#ifdef ARENA_POISON
#include <sanitizer/asan_interface.h>
#define HIDE(start, size) ASAN_POISON_MEMORY_REGION(start, size)
#define SHOW(start, size) ASAN_UNPOISON_MEMORY_REGION(start, size)
#else
#define HIDE(start, size) ((void)(start), (void)(size))
#define SHOW(start, size) ((void)(start), (void)(size))
#endif

static inline size_t
round_up(size_t size)
{
	return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

static char *
chunk_start(struct arena_chunk *chunk)
{
	return (char *)(chunk + 1);
}

/*
 * Chunks of ordinary size that the next arena takes, of this thread: clearing an arena costs no more than resetting it,
 * so that arenas of thousands of connections need not keep one each. Checkers are to see each use after a clear.
 */
#ifdef ARENA_POISON
#define SPARES_MOST 0
#else
#define SPARES_MOST 4
#endif

static _Thread_local struct arena_chunk *spares;
static _Thread_local int spare_count;

static struct arena_chunk *
take_spare(void)
{
	struct arena_chunk *chunk = spares;

	spares = chunk->behind;
	spare_count--;
	return chunk;
}

static struct arena_chunk *
chunk_new(struct arena *arena, size_t size)
{
	struct arena_chunk *chunk = size == CHUNK_LEAST && spares != NULL
	    ? take_spare()
	    : memory_resize(NULL, size);

	chunk->behind = NULL;
	chunk->size = size;
	arena->total += size;
	HIDE(chunk_start(chunk), size - sizeof(*chunk));
	return chunk;
}

static void
chunk_free(struct arena_chunk *chunk)
{
	SHOW(chunk_start(chunk), chunk->size - sizeof(*chunk));
	if (chunk->size == CHUNK_LEAST && spare_count < SPARES_MOST) {
		chunk->behind = spares;
		spares = chunk;
		spare_count++;
		return;
	}
	memory_free(chunk);
}

/* As much again as there is already, within bounds: 4, 4, 8, 16, 32, 64, 64 KiB, ... */
static size_t
next_chunk_size(const struct arena *arena)
{
	size_t size = CHUNK_LEAST;

	while (size < CHUNK_MOST && size * 2 <= arena->total)
		size *= 2;
	return size;
}

static void
cut_from(struct arena *arena, struct arena_chunk *chunk)
{
	arena->chunks = chunk;
	arena->next = chunk_start(chunk);
	arena->end = (char *)chunk + chunk->size;
}

/*
 * The current chunk has no room: a new one takes its place, or, when size is more than
 * that would hold, a chunk of its own stands behind it.
 */
static __attribute__((noinline)) void *
alloc_slow(struct arena *arena, size_t size)
{
	size_t rounded, chunk_size;
	struct arena_chunk *chunk;
	char *place;

	ensure(size <= ALLOCATE_LIMIT);
	rounded = round_up(size == 0 ? 1 : size);
	if (rounded > (size_t)(arena->end - arena->next)) {
		chunk_size = next_chunk_size(arena);
		if (rounded > chunk_size - sizeof(*chunk)) {
			chunk = chunk_new(arena, sizeof(*chunk) + rounded);
			SHOW(chunk_start(chunk), size);
			if (arena->chunks == NULL) {
				cut_from(arena, chunk);
				arena->next = arena->end;
			} else {
				chunk->behind = arena->chunks->behind;
				arena->chunks->behind = chunk;
			}
			return chunk_start(chunk);
		}
		chunk = chunk_new(arena, chunk_size);
		chunk->behind = arena->chunks;
		cut_from(arena, chunk);
	}
	place = arena->next;
	arena->next += rounded;
	SHOW(place, size);
	return place;
}

void
arena_init(struct arena *arena)
{
	*arena = (struct arena){ NULL, NULL, NULL, 0 };
}

void
arena_clear(struct arena *arena)
{
	struct arena_chunk *chunk, *behind;

	for (chunk = arena->chunks; chunk != NULL; chunk = behind) {
		behind = chunk->behind;
		chunk_free(chunk);
	}
	arena_init(arena);
}

void
arena_reset(struct arena *arena)
{
	struct arena_chunk *chunk, *behind, *kept = NULL;

	for (chunk = arena->chunks; chunk != NULL; chunk = behind) {
		behind = chunk->behind;
		if (kept == NULL && chunk->size == CHUNK_LEAST)
			kept = chunk;
		else
			chunk_free(chunk);
	}
	arena_init(arena);
	if (kept == NULL)
		return;
	kept->behind = NULL;
	arena->total = kept->size;
	cut_from(arena, kept);
	HIDE(arena->next, (size_t)(arena->end - arena->next));
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	size_t rounded = round_up(size);
	char *place = arena->next;

	/* Less one, so that 0 and what wrapped round to 0 go the slow way. */
	if (__builtin_expect(rounded - 1 >= (size_t)(arena->end - place), 0))
		return alloc_slow(arena, size);
	arena->next = place + rounded;
	SHOW(place, size);
	return place;
}

void *
arena_zeroed(struct arena *arena, size_t size)
{
	return memset(arena_alloc(arena, size), 0, size);
}

struct slice
arena_copy(struct arena *arena, struct slice bytes)
{
	char *copy = arena_alloc(arena, bytes.length + 1);

	if (bytes.length > 0)
		memcpy(copy, bytes.data, bytes.length);
	copy[bytes.length] = '\0';
	return slice_of(copy, bytes.length);
}

struct slice
arena_printf(struct arena *arena, const char *format, ...)
{
	char small[256];
	char *text;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(small, sizeof(small), format, arguments);
	va_end(arguments);
	ensure(length >= 0);

	text = arena_alloc(arena, (size_t)length + 1);
	if ((size_t)length < sizeof(small)) {
		memcpy(text, small, (size_t)length + 1);
	} else {
		va_start(arguments, format);
		vsnprintf(text, (size_t)length + 1, format, arguments);
		va_end(arguments);
	}
	return slice_of(text, (size_t)length);
}

void *
arena_grow(struct arena *arena, void *old, size_t old_size, size_t size)
{
	size_t old_rounded = round_up(old_size == 0 ? 1 : old_size);
	bool is_last = old != NULL && (char *)old + old_rounded == arena->next;
	void *moved;

	if (old == NULL)
		return arena_alloc(arena, size);
	if (size <= old_rounded) {
		SHOW(old, size);
		return old;
	}
	if (is_last && size <= (size_t)(arena->end - (char *)old)) {
		arena->next = (char *)old + round_up(size);
		SHOW(old, size);
		return old;
	}
	moved = arena_alloc(arena, size);
	memcpy(moved, old, old_size);
	return moved;
}
