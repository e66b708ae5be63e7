/* expat_memory.c -- the memory of one expat: cut from runs of pages that go back all at once. */
#include "xml/expat_memory.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "base/pages.h"

struct run {
	alignas(16) struct run *behind;
};

/* In front of each piece. */
struct piece {
	alignas(16) size_t size;	/* asked for; of one that was freed: unused */
	union {
		size_t	      room;	/* 0: it is the heap's */
		struct piece *next;
	};
};

/* What was freed keeps its room in front of the link. */
struct freed {
	struct piece piece;
	size_t	     room;
};

static struct piece *
piece_of(void *bytes)
{
	return (struct piece *)bytes - 1;
}

static size_t
cost(size_t size)
{
	return size + sizeof(struct piece);
}

/* The first that fits and is not twice too large. */
static struct piece *
take_freed(struct expat_memory *memory, size_t room)
{
	struct piece **link = &memory->freed, *piece;
	struct freed *freed;

	for (; (piece = *link) != NULL; link = &piece->next) {
		freed = (struct freed *)piece;
		if (freed->room < room || freed->room > room * 2)
			continue;
		*link = piece->next;
		piece->room = freed->room;
		return piece;
	}
	return NULL;
}

static struct piece *
cut(struct expat_memory *memory, size_t room)
{
	size_t size = cost(room);
	struct piece *piece;
	struct run *run;

	if (memory->runs == NULL ||
	    size > (size_t)((char *)memory->runs + PAGES_RUN - memory->next)) {
		run = pages_take();
		run->behind = memory->runs;
		memory->runs = run;
		memory->held += PAGES_RUN;
		memory->next = (char *)(run + 1);
	}
	piece = (struct piece *)(void *)memory->next;
	memory->next += size;
	piece->room = room;
	return piece;
}

static struct piece *
make(struct expat_memory *memory, size_t size)
{
	size_t room = (size + 15) & ~(size_t)15;
	struct piece *piece;

	if (size > EXPAT_PIECE_MOST) {
		piece = memory_resize(NULL, cost(size));
		piece->room = 0;
		return piece;
	}
	if (room == 0)
		room = 16;
	piece = take_freed(memory, room);
	return piece != NULL ? piece : cut(memory, room);
}

static void
unmake(struct expat_memory *memory, struct piece *piece)
{
	struct freed *freed = (struct freed *)piece;
	size_t room = piece->room;

	if (room == 0) {
		memory_free(piece);
		return;
	}
	freed->room = room;
	piece->next = memory->freed;
	memory->freed = piece;
}

static bool
is_heap(const struct piece *piece)
{
	return piece->room == 0;
}

void *
expat_memory_resize(struct expat_memory *memory, void *bytes, size_t size, size_t most)
{
	struct piece *old = bytes == NULL ? NULL : piece_of(bytes), *piece;
	size_t others = memory->bytes - (old == NULL ? 0 : cost(old->size));

	if (size > SIZE_MAX / 2 || others + cost(size) > most)
		return NULL;
	if (old != NULL && is_heap(old) && size > EXPAT_PIECE_MOST) {
		piece = memory_resize(old, cost(size));
	} else if (old != NULL && size <= old->room) {
		piece = old;
	} else {
		piece = make(memory, size);
		if (old != NULL) {
			memcpy(piece + 1, old + 1, old->size < size ? old->size : size);
			unmake(memory, old);
		}
	}
	piece->size = size;
	memory->bytes = others + cost(size);
	return piece + 1;
}

void
expat_memory_free(struct expat_memory *memory, void *bytes)
{
	if (bytes == NULL)
		return;
	memory->bytes -= cost(piece_of(bytes)->size);
	unmake(memory, piece_of(bytes));
}

void
expat_memory_clear(struct expat_memory *memory)
{
	struct run *run, *behind;

	ensure(memory->bytes == 0);
	for (run = memory->runs; run != NULL; run = behind) {
		behind = run->behind;
		pages_give(run);
	}
	*memory = (struct expat_memory){ 0 };
}
