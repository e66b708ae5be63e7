/* blocks.h -- a worker's arena: fixed blocks, taken by their worker alone, given back by anybody. */
#pragma once

#include "shm/shm.h"

/* Blocks are numbered over all arenas: worker << 24 | index. Plus one where 0 means none. */
static inline struct block *
block_at(const struct shm *shm, uint32_t number)
{
	return &shm->worker[number >> 24].blocks[number & (BLOCKS_MAX - 1)];
}

/*
 * Makes sure that `count` blocks can be taken without failing; grows the arena where needed. RESULT_FULL
 * when tmpfs or arena_bytes is used up: then nothing has happened.
 */
int	blocks_reserve(struct shm *shm, uint32_t count);

/* One of my arena, marked as slot's in the same store that takes it. Never fails after blocks_reserve(). */
uint32_t block_take(struct shm *shm, uint32_t slot);
void	 block_give(struct shm *shm, uint32_t number);

/*
 * Gives back blocks of `arena` that name a slot but are not in its chain: what a killed process had
 * taken and not linked, or unlinked and not given back. Takes each slot's lock. slot UINT32_MAX: all.
 */
uint32_t blocks_sweep(struct shm *shm, uint32_t arena, uint32_t slot);

/* Gives whole free extents at the end back to the system; returns bytes. For idle moments. */
uint64_t blocks_trim(struct shm *shm);

/* For figures: blocks in use and committed of one arena. */
void	 blocks_count(const struct shm *shm, uint32_t arena, uint32_t *used, uint32_t *committed);
