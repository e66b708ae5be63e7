/* fsck_outbox.c -- walks chains of blocks as they stand at a moment when nobody changes them. */
#include "shm/fsck_outbox.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "shm/blocks.h"
#include "shm/outbox.h"
#include "shm/outbox_place.h"

void
walker_init(struct walker *walker, struct fsck *fsck, const struct shm *shm)
{
	*walker = (struct walker){ .fsck = fsck, .shm = shm };
	for (uint32_t i = 0; i < shm->workers; i++) {
		size_t bytes = atomic_load(&shm->worker[i].arena->count) / 8 + 1;

		walker->reached[i] = memory_new(bytes);
		walker->here[i] = memory_new(bytes);
	}
}

void
walker_clear(struct walker *walker)
{
	for (uint32_t i = 0; i < walker->shm->workers; i++) {
		memory_free(walker->reached[i]);
		memory_free(walker->here[i]);
	}
	memory_free(walker->chain);
}

/* --- marks --- */

static uint8_t
bit_of(uint32_t block)
{
	return (uint8_t)(1 << (block & 7));
}

static uint8_t *
byte_of(uint8_t *const marks[WORKERS_MAX], uint32_t block)
{
	return &marks[block >> 24][(block & (BLOCKS_MAX - 1)) / 8];
}

bool
walker_has(const struct walker *walker, uint32_t block, bool all)
{
	uint8_t *const *marks = all ? walker->reached : walker->here;

	return (*byte_of(marks, block) & bit_of(block)) != 0;
}

static void
forget(struct walker *walker)
{
	for (size_t i = 0; i < walker->length; i++)
		*byte_of(walker->here, walker->chain[i]) &= (uint8_t)~bit_of(walker->chain[i]);
	walker->length = 0;
	walker->entries = 0;
	walker->octets = 0;
	walker->origin = 0;
	walker->is_broken = false;
}

static void
note(struct walker *walker, uint32_t block)
{
	if (walker->length == walker->room) {
		walker->room = walker->room == 0 ? 256 : walker->room * 2;
		walker->chain =
		    memory_resize(walker->chain, walker->room * sizeof(walker->chain[0]));
	}
	walker->chain[walker->length++] = block;
	*byte_of(walker->here, block) |= bit_of(block);
}

/* --- a walk --- */

#define BROKEN(walker, id, ...) \
	((walker)->broken.rule = FSCK_##id, (walker)->is_broken = true, \
	    (void)snprintf((walker)->broken.what, sizeof((walker)->broken.what), __VA_ARGS__), false)

/* True when the block, plus one, can be gone into; then it is part of the chain. */
static bool
enter(struct walker *walker, uint32_t slot, uint32_t next, uint64_t entry)
{
	const struct shm *shm = walker->shm;
	uint32_t block = next - 1;
	uint32_t owner;

	if (!block_exists(shm, next))
		return BROKEN(walker, OUTBOX_PLACE, "entry %llu: there is no block %u/%u",
		    (unsigned long long)entry, block >> 24, block & (BLOCKS_MAX - 1));
	owner = atomic_load(&shm->worker[block >> 24].block_owner[block & (BLOCKS_MAX - 1)]);
	if (walker_has(walker, block, false))
		return BROKEN(walker, OUTBOX_CYCLE, "entry %llu: block %u/%u was there before",
		    (unsigned long long)entry, block >> 24, block & (BLOCKS_MAX - 1));
	if (owner != slot + 1)
		return BROKEN(walker, OUTBOX_BLOCK, "entry %llu: block %u/%u belongs to %s %u",
		    (unsigned long long)entry, block >> 24, block & (BLOCKS_MAX - 1),
		    owner == 0 ? "nobody, not" : "slot", owner == 0 ? slot : owner - 1);
	note(walker, block);
	return true;
}

static bool
go_on(struct walker *walker, uint32_t slot, struct spot *spot, uint64_t entry)
{
	uint32_t next = atomic_load(&block_at(walker->shm, spot->block - 1)->next);

	if (next == 0)
		return BROKEN(walker, OUTBOX_ENTRY, "entry %llu: the chain ends before it does",
		    (unsigned long long)entry);
	*spot = (struct spot){ next, 0 };
	return enter(walker, slot, next, entry);
}

static bool
pass_payload(struct walker *walker, uint32_t slot, struct spot *spot, const struct entry *entry)
{
	uint32_t left = entry->length;

	while (left > 0) {
		uint32_t room = OUTBOX_DATA - spot->offset;

		if (room == 0) {
			if (!go_on(walker, slot, spot, entry->number))
				return false;
			continue;
		}
		if (room > left)
			room = left;
		spot->offset += room;
		left -= room;
	}
	spot->offset = outbox_padded(spot->offset);
	return true;
}

static bool
pass_entry(struct walker *walker, uint32_t slot, struct spot *spot, uint64_t number)
{
	struct entry entry;

	if (spot->offset > OUTBOX_DATA - OUTBOX_HEADER && !go_on(walker, slot, spot, number))
		return false;
	memcpy(&entry, block_at(walker->shm, spot->block - 1)->bytes + spot->offset,
	    OUTBOX_HEADER);
	if (entry.number != number)
		return BROKEN(walker, OUTBOX_ENTRY, "entry %llu has the number %llu",
		    (unsigned long long)number, (unsigned long long)entry.number);
	if (entry.kind < ENTRY_MESSAGE || entry.kind > ENTRY_IQ)
		return BROKEN(walker, OUTBOX_ENTRY, "entry %llu is of kind %u",
		    (unsigned long long)number, entry.kind);
	if (entry.length > EFFECT_STAGING_MAX)
		return BROKEN(walker, OUTBOX_ENTRY, "entry %llu has %u bytes",
		    (unsigned long long)number, entry.length);
	spot->offset += OUTBOX_HEADER;
	walker->entries++;
	walker->octets += entry.length;
	walker->origin = entry.origin;
	return pass_payload(walker, slot, spot, &entry);
}

static bool
can_be(uint64_t place)
{
	struct spot spot = spot_of(place);

	return spot.block != 0 && spot.offset <= OUTBOX_DATA && spot.offset % 8 == 0;
}

static bool
walk(struct walker *walker, const struct slot_view *view)
{
	struct spot spot = spot_of(view->head);

	if (view->acked > view->next)
		return BROKEN(walker, SLOT_COUNTS, "%llu entries given back of %llu",
		    (unsigned long long)view->acked, (unsigned long long)view->next);
	if (view->acked == view->next)
		return true;
	if (!can_be(view->head) || !can_be(view->tail))
		return BROKEN(walker, OUTBOX_PLACE, "head %llx, tail %llx",
		    (unsigned long long)view->head, (unsigned long long)view->tail);
	if (!enter(walker, view->index, spot.block, view->acked + 1))
		return false;
	for (uint64_t number = view->acked + 1; number <= view->next; number++)
		if (!pass_entry(walker, view->index, &spot, number))
			return false;
	if (place_of(spot) != view->tail)
		return BROKEN(walker, OUTBOX_END, "it ends at %llx, the tail is %llx",
		    (unsigned long long)place_of(spot), (unsigned long long)view->tail);
	return true;
}

/* --- a moment --- */

static void
look(const struct shm *shm, uint32_t index, struct slot_view *view)
{
	const struct slot *slot = &shm->slots[index];
	uint64_t acked = atomic_load(&slot->out_acked);
	uint64_t next = atomic_load(&slot->out_next);
	uint64_t in = atomic_load(&slot->bytes_in);

	*view = (struct slot_view){ .index = index,
		.lock = atomic_load(&slot->lock),
		.owner = atomic_load(&slot->owner),
		.epoch = atomic_load(&slot->epoch),
		.type = atomic_load(&slot->type),
		.next = next,
		.acked = acked >> 1,
		.head = atomic_load(&slot->head[acked & 1]),
		.tail = atomic_load(&slot->tail[next & 1]),
		.last = atomic_load(&slot->last[next & 1]),
		.bytes = in - atomic_load(&slot->bytes_acked) };
}

static bool
is_same(const struct slot_view *a, const struct slot_view *b)
{
	return a->lock == b->lock && a->owner == b->owner && a->epoch == b->epoch &&
	    a->type == b->type && a->next == b->next && a->acked == b->acked &&
	    a->head == b->head && a->tail == b->tail && a->last == b->last &&
	    a->bytes == b->bytes;
}

/* A lock that the living hold: somebody is writing. */
static bool
is_held(const struct walker *walker, uint32_t lock)
{
	const struct shm *shm = walker->shm;
	uint32_t worker = (lock & 0xff) - 1;

	return lock != 0 && fsck_is_in_use(walker->fsck) && worker < shm->workers &&
	    !fsck_is_recovering(shm, worker) &&
	    (atomic_load(&shm_page(shm, worker)->generation) & 0xffffff) == lock >> 8;
}

static void
accept_walk(struct walker *walker)
{
	for (size_t i = 0; i < walker->length; i++)
		*byte_of(walker->reached, walker->chain[i]) |= bit_of(walker->chain[i]);
}

bool
walker_walk(struct walker *walker, uint32_t index, struct slot_view *view)
{
	struct slot_view after;

	for (int i = 0; i < FSCK_TRIES; i++) {
		look(walker->shm, index, view);
		forget(walker);
		walk(walker, view);
		look(walker->shm, index, &after);
		if (is_same(view, &after) && !is_held(walker, view->lock)) {
			accept_walk(walker);
			return true;
		}
		sched_yield();
	}
	return false;
}
