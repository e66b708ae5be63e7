/* expat_memory.h -- the memory of one expat: cut from runs of pages that go back all at once. */
#pragma once

#include <stddef.h>

struct run;
struct piece;

/*
 * All zeros: empty. An expat makes some forty pieces at its start and then hardly any; what it frees in between is kept
 * for itself. Pieces above EXPAT_PIECE_MOST are the heap's.
 */
struct expat_memory {
	struct run   *runs;
	char	     *next;	/* in the first of them */
	struct piece *freed;
	size_t	      bytes;	/* of all pieces that stand */
	size_t	      held;	/* of all runs, with what was freed in them */
};

#define EXPAT_PIECE_MOST ((size_t)4096)

/* Aligned to 16. NULL where bytes would become more than most. */
void	*expat_memory_resize(struct expat_memory *memory, void *piece, size_t size, size_t most);
void	 expat_memory_free(struct expat_memory *memory, void *piece);
/* When no piece stands: gives the runs back. */
void	 expat_memory_clear(struct expat_memory *memory);
