/* memo.c -- of which keys a question had the usual answer, and in which state of what was asked. */
#include "base/memo.h"

#include "base/memory.h"

#define PLACES 8192	/* memory that nobody notes in is never touched */

struct note {
	uint64_t key;	/* 0: none */
	uint64_t state;
};

struct memo {
	struct note notes[PLACES];
};

struct memo *
memo_new(void)
{
	return NEW(struct memo);
}

void
memo_free(struct memo **memo)
{
	memory_free(*memo);
	*memo = NULL;
}

bool
memo_has(const struct memo *memo, uint64_t key, uint64_t state)
{
	const struct note *note = &memo->notes[key % PLACES];

	return note->key == key && note->state == state && key != 0;
}

void
memo_note(struct memo *memo, uint64_t key, uint64_t state)
{
	memo->notes[key % PLACES] = (struct note){ key, state };
}
