/* blocks.c -- a worker's arena: fixed blocks, taken by their worker alone, given back by anybody. */
#include "shm/blocks.h"

#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "shm/slots.h"

/*
 * Free blocks of my arena that are known. Nobody else takes from my arena, so what is in this list
 * stays free until I take it; blocks others gave back are found by looking at the owner words.
 */
struct free_list {
	uint32_t count;
	uint32_t capacity;
	uint32_t cursor;	/* where the next look begins */
	uint32_t taken;		/* since the room was measured */
	uint32_t measure_at;	/* it is measured again once so many are taken */
	struct blocks_room room;
	uint32_t block[];
};

#define LIST_LEAST 1024
#define LOOK_AHEAD 256		/* free blocks one look gathers beyond what is needed */

static struct free_list *
list_with_room(struct shm *shm, uint32_t count)
{
	struct free_list *list = shm->free_list;
	uint32_t capacity = list == NULL ? 0 : list->capacity;

	if (list != NULL && capacity >= count)
		return list;
	capacity = count < LIST_LEAST ? LIST_LEAST : count + count / 2;
	shm->free_list = memory_resize(list, sizeof(*list) + capacity * sizeof(uint32_t));
	if (list == NULL)
		*shm->free_list = (struct free_list){ 0 };
	shm->free_list->capacity = capacity;
	return shm->free_list;
}

/* One round over the owner words, until the list holds `wanted`. */
static void
look(struct shm *shm, struct free_list *list, uint32_t wanted)
{
	struct shm_worker *mine = &shm->worker[shm->me];
	uint32_t committed = atomic_load(&mine->arena->committed);

	list->count = 0;	/* the round finds the listed ones again */
	for (uint32_t i = 0; i < committed && list->count < wanted; i++) {
		if (list->cursor >= committed)
			list->cursor = 0;
		if (atomic_load_explicit(&mine->block_owner[list->cursor],
			memory_order_acquire) == 0)
			list->block[list->count++] = list->cursor;
		list->cursor++;
	}
}

/* More memory: an eighth of what there is, at least an extent. The owner words first: they must be readable. */
static int
grow(struct shm *shm)
{
	struct shm_worker *mine = &shm->worker[shm->me];
	uint32_t committed = atomic_load(&mine->arena->committed);
	uint32_t count = atomic_load(&mine->arena->count);
	uint32_t more = committed / 8 / BLOCK_EXTENT * BLOCK_EXTENT;
	size_t words = (size_t)((char *)mine->block_owner - (char *)mine->arena);
	size_t blocks = (size_t)((char *)mine->blocks - (char *)mine->arena);
	int result;

	if (more < BLOCK_EXTENT)
		more = BLOCK_EXTENT;
	if (more > count - committed)
		more = count - committed;
	if (more == 0)
		return RESULT_FULL;
	result = segment_commit(&mine->arena_segment, words + committed * sizeof(uint32_t),
	    more * sizeof(uint32_t));
	if (result == RESULT_OK)
		result = segment_commit(&mine->arena_segment, blocks + (size_t)committed * BLOCK_SIZE,
		    (size_t)more * BLOCK_SIZE);
	if (result == RESULT_OK)
		atomic_store(&mine->arena->committed, committed + more);
	return result;
}

int
blocks_reserve(struct shm *shm, uint32_t count)
{
	struct free_list *list = shm->free_list;
	int result;

	if (list != NULL && list->count >= count)
		return RESULT_OK;
	list = list_with_room(shm, count + LOOK_AHEAD);
	for (;;) {
		look(shm, list, count + LOOK_AHEAD);
		if (list->count >= count)
			return RESULT_OK;
		result = grow(shm);
		if (result != RESULT_OK)
			return result;
	}
}

uint32_t
block_take(struct shm *shm, uint32_t slot)
{
	struct free_list *list = shm->free_list;
	uint32_t index;

	ensure(list != NULL && list->count > 0);
	index = list->block[--list->count];
	list->taken++;
	atomic_store_explicit(&shm->worker[shm->me].block_owner[index], slot + 1,
	    memory_order_release);
	SHM_STEP("block: taken");
	return shm->me << 24 | index;
}

void
block_give(struct shm *shm, uint32_t number)
{
	struct free_list *list = shm->free_list;
	uint32_t arena = number >> 24;
	uint32_t index = number & (BLOCKS_MAX - 1);

	atomic_store_explicit(&shm->worker[arena].block_owner[index], 0, memory_order_release);
	if (arena == shm->me && list != NULL && list->count < list->capacity)
		list->block[list->count++] = index;
}

/* Marks the blocks of `arena` in the chain of a locked slot; the chain ends at the tail's block. */
static void
mark_chain(struct shm *shm, uint32_t index, uint32_t arena, uint8_t *marks)
{
	struct slot *slot = &shm->slots[index];
	uint64_t next = atomic_load(&slot->out_next);
	uint64_t acked = atomic_load(&slot->out_acked);
	uint64_t head = atomic_load(&slot->head[acked & 1]);
	uint32_t last = (uint32_t)(atomic_load(&slot->tail[next & 1]) >> 32);
	uint32_t at = (uint32_t)(head >> 32);

	if (next == acked >> 1)
		return;
	for (uint32_t most = BLOCKS_MAX; most > 0 && block_is_of(shm, at, index); most--) {
		if ((at - 1) >> 24 == arena)
			marks[((at - 1) & (BLOCKS_MAX - 1)) / 8] |=
			    (uint8_t)(1 << ((at - 1) & 7));
		if (at == last)
			break;
		at = atomic_load(&block_at(shm, at - 1)->next);
	}
}

static uint32_t
give_unmarked(struct shm *shm, uint32_t arena, uint32_t slot, const uint8_t *marks,
    uint32_t committed)
{
	_Atomic uint32_t *owner = shm->worker[arena].block_owner;
	uint32_t given = 0;

	for (uint32_t i = 0; i < committed; i++) {
		if (atomic_load_explicit(&owner[i], memory_order_relaxed) != slot + 1 ||
		    (marks[i / 8] & 1 << (i & 7)) != 0)
			continue;
		block_give(shm, arena << 24 | i);
		given++;
	}
	return given;
}

static uint32_t
sweep_slot(struct shm *shm, uint32_t arena, uint32_t slot, uint8_t *marks, uint32_t committed)
{
	uint32_t given;

	memset(marks, 0, committed / 8 + 1);
	slot_lock(shm, slot);
	mark_chain(shm, slot, arena, marks);
	given = give_unmarked(shm, arena, slot, marks, committed);
	slot_unlock(shm, slot);
	SHM_STEP("sweep: one slot");
	return given;
}

/*
 * The words of a sweep come from a killed process, so each slot named is looked at once. Sorting by slot
 * is left out on purpose: after a death most blocks belong to few slots with long outboxes.
 */
uint32_t
blocks_sweep(struct shm *shm, uint32_t arena, uint32_t slot)
{
	_Atomic uint32_t *owner = shm->worker[arena].block_owner;
	uint32_t committed = atomic_load(&shm->worker[arena].arena->committed);
	uint8_t *marks = memory_new(committed / 8 + 1);
	uint8_t *seen = memory_new(shm->max_sessions / 8 + 1);
	uint32_t given = 0;

	for (uint32_t i = 0; i < committed; i++) {
		uint32_t named = atomic_load(&owner[i]);

		if (named == 0 || named > shm->max_sessions ||
		    (slot != UINT32_MAX && named != slot + 1) ||
		    (seen[(named - 1) / 8] & 1 << ((named - 1) & 7)) != 0)
			continue;
		seen[(named - 1) / 8] |= (uint8_t)(1 << ((named - 1) & 7));
		given += sweep_slot(shm, arena, named - 1, marks, committed);
	}
	memory_free(marks);
	memory_free(seen);
	if (given > 0)
		log_debug(LOG_SHM, "blocks swept", "arena=%u count=%u", arena, given);
	return given;
}

uint64_t
blocks_trim(struct shm *shm)
{
	struct shm_worker *mine = &shm->worker[shm->me];
	uint32_t committed = atomic_load(&mine->arena->committed);
	uint32_t keep = committed;
	struct free_list *list = shm->free_list;

	while (keep > 0 && atomic_load(&mine->block_owner[keep - 1]) == 0)
		keep--;
	keep = (keep + BLOCK_EXTENT - 1) / BLOCK_EXTENT * BLOCK_EXTENT;
	if (keep < BLOCK_EXTENT)
		keep = BLOCK_EXTENT;
	if (keep >= committed)
		return 0;
	if (list != NULL) {
		list->count = 0;	/* the next look finds those that stay */
		list->cursor = 0;
	}
	atomic_store(&mine->arena->committed, keep);
	segment_discard(&mine->arena_segment,
	    (size_t)((char *)&mine->blocks[keep] - (char *)mine->arena),
	    (size_t)(committed - keep) * BLOCK_SIZE);
	return (uint64_t)(committed - keep) * BLOCK_SIZE;
}

/* Blocks that could still be committed. */
static uint32_t
uncommitted(struct shm_worker *mine, uint32_t committed)
{
	uint64_t could = segment_room(&mine->arena_segment) / BLOCK_SIZE;
	uint32_t may = atomic_load(&mine->arena->count) - committed;

	return could < may ? (uint32_t)could : may;
}

static void
measure(struct shm *shm, struct free_list *list)
{
	uint32_t used, committed, most;

	blocks_count(shm, shm->me, &used, &committed);
	most = committed + uncommitted(&shm->worker[shm->me], committed);
	list->taken = 0;
	list->measure_at = most / 64;
	list->room.left = most - used;
	list->room.is_scarce = list->room.left < most / 8;
}

struct blocks_room
blocks_room(struct shm *shm, bool anew)
{
	struct free_list *list = shm->free_list;

	if (list == NULL)	/* none was ever needed */
		return (struct blocks_room){ 0 };
	if (anew || list->taken >= list->measure_at)
		measure(shm, list);
	return list->room;
}

void
blocks_count(const struct shm *shm, uint32_t arena, uint32_t *used, uint32_t *committed)
{
	*committed = atomic_load(&shm->worker[arena].arena->committed);
	*used = 0;
	for (uint32_t i = 0; i < *committed; i++)
		if (atomic_load_explicit(&shm->worker[arena].block_owner[i],
			memory_order_relaxed) != 0)
			(*used)++;
}
