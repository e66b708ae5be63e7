/* blocks.h -- a worker's arena: fixed blocks, taken by their worker alone, given back by anybody. */
#pragma once

#include "shm/shm.h"

/* Blocks are numbered over all arenas: worker << 24 | index. Plus one where 0 means none. */
static inline struct block *
block_at(const struct shm *shm, uint32_t number)
{
	return &shm->worker[number >> 24].blocks[number & (BLOCKS_MAX - 1)];
}

/* Block plus one, as chains name it, may be touched: for readers, who believe no word of an outbox. */
static inline bool
block_exists(const struct shm *shm, uint32_t block)
{
	uint32_t arena = (block - 1) >> 24;

	return block != 0 && arena < shm->workers &&
	    ((block - 1) & (BLOCKS_MAX - 1)) <
	    atomic_load_explicit(&shm->worker[arena].arena->committed, memory_order_relaxed);
}

/* And it is taken for that slot. */
static inline bool
block_is_of(const struct shm *shm, uint32_t block, uint32_t slot)
{
	return block_exists(shm, block) &&
	    atomic_load_explicit(&shm->worker[(block - 1) >> 24]
				      .block_owner[(block - 1) & (BLOCKS_MAX - 1)],
		memory_order_relaxed) == slot + 1;
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
 * How much my arena still has, of arena_bytes or of what tmpfs lets it have. As it was within a sixty-fourth of all that;
 * anew: now, which looks at every block.
 */
struct blocks_room {
	uint32_t left;		/* blocks */
	bool	 is_scarce;	/* less than an eighth */
};
struct blocks_room blocks_room(struct shm *shm, bool anew);

/*
 * Gives back blocks of `arena` that name a slot but are not in its chain: what a killed process had
 * taken and not linked, or unlinked and not given back. Takes each slot's lock. slot UINT32_MAX: all.
 */
uint32_t blocks_sweep(struct shm *shm, uint32_t arena, uint32_t slot);

/* Gives whole free extents at the end back to the system; returns bytes. For idle moments. */
uint64_t blocks_trim(struct shm *shm);

/* For figures: blocks in use and committed of one arena. */
void	 blocks_count(const struct shm *shm, uint32_t arena, uint32_t *used, uint32_t *committed);
