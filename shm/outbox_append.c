/* outbox_append.c -- a stanza is put behind what waits for a session, by any worker, under the slot's lock. */
#include "shm/outbox_private.h"

#include <string.h>

#include "base/clock.h"

static struct spot
next_block(struct shm *shm, uint32_t slot, struct spot spot)
{
	uint32_t number = block_take(shm, slot);

	atomic_store(&block_at(shm, number)->next, 0);
	if (spot.block != 0)
		atomic_store_explicit(&block_at(shm, spot.block - 1)->next, number + 1,
		    memory_order_release);
	SHM_STEP("append: block linked");
	return (struct spot){ number + 1, 0 };
}

static struct spot
write_bytes(struct shm *shm, uint32_t slot, struct spot spot, const char *bytes,
    uint32_t length)
{
	while (length > 0) {
		uint32_t room = OUTBOX_DATA - spot.offset;
		uint32_t part = length < room ? length : room;

		if (room == 0) {
			spot = next_block(shm, slot, spot);
			continue;
		}
		memcpy(outbox_bytes_at(shm, spot), bytes, part);
		bytes += part;
		length -= part;
		spot.offset += part;
	}
	return spot;
}

/* Of a slot with entries: where the next one goes. What a scribbled word names is never written to. */
static bool
find_tail(const struct shm *shm, uint32_t index, uint64_t next, struct spot *tail)
{
	*tail = spot_of(atomic_load_explicit(&shm->slots[index].tail[next & 1],
	    memory_order_relaxed));
	return block_is_of(shm, tail->block, index) && tail->offset <= OUTBOX_DATA;
}

bool
outbox_append(struct shm *shm, uint32_t index, const struct effect_step *step,
    const char *staging, uint64_t origin)
{
	struct slot *slot = &shm->slots[index];
	uint64_t next = atomic_load_explicit(&slot->out_next, memory_order_relaxed);
	uint64_t acked = atomic_load_explicit(&slot->out_acked, memory_order_relaxed);
	bool empty = next == acked >> 1;
	struct spot spot = { 0, OUTBOX_DATA };
	struct entry entry = { .length = step->length,
		.kind = step->entry_kind,
		.flags = step->entry_flags,
		.number = next + 1,
		.stamp_us = step->tells == STEP_TELLS_STORED ? step->told : clock_wall_us(),
		.origin = origin };
	unsigned to = (next + 1) & 1;

	if (!empty && !find_tail(shm, index, next, &spot))
		return outbox_corrupt(index, next + 1, "tail");
	if (spot.offset + OUTBOX_HEADER > OUTBOX_DATA)
		spot = next_block(shm, index, spot);
	if (empty)	/* nobody looks at the head before out_next tells of the entry */
		atomic_store(&slot->head[acked & 1], place_of(spot));
	memcpy(outbox_bytes_at(shm, spot), &entry, OUTBOX_HEADER);
	SHM_STEP("append: header written");
	spot.offset += OUTBOX_HEADER;
	for (int i = 0; i < EFFECT_PIECES; i++)
		spot = write_bytes(shm, index, spot, staging + step->piece[i].offset,
		    step->piece[i].length);
	spot.offset = outbox_padded(spot.offset);
	atomic_store_explicit(&slot->tail[to], place_of(spot), memory_order_relaxed);
	atomic_store_explicit(&slot->last[to], origin, memory_order_relaxed);
	SHM_STEP("append: ready");
	atomic_store_explicit(&slot->out_next, next + 1, memory_order_release);
	SHM_STEP("append: published");
	atomic_fetch_add_explicit(&slot->bytes_in, step->length, memory_order_relaxed);
	return true;
}

uint32_t
outbox_blocks(uint32_t length)
{
	return (outbox_padded(length) + OUTBOX_HEADER + OUTBOX_DATA - 1) / OUTBOX_DATA + 1;
}
