/* outbox.c -- the stanzas on their way to one session: read by its owner, and counted by anybody. */
#include "shm/outbox_private.h"

#include <stddef.h>
#include <string.h>

#include "base/ensure.h"
#include "base/log.h"

bool
outbox_corrupt(uint32_t slot, uint64_t number, const char *what)
{
	log_error(LOG_SHM, "an outbox breaks its own rules", "slot=%u entry=%llu wrong=%s", slot,
	    (unsigned long long)number, what);
	return false;
}

/* --- reading --- */

bool
outbox_settle(struct shm *shm, struct spot *spot)
{
	if (spot->offset > OUTBOX_DATA - OUTBOX_HEADER) {
		if (!block_exists(shm, spot->block))
			return false;
		*spot = (struct spot){ atomic_load_explicit(&block_at(shm,
						   spot->block - 1)->next,
					   memory_order_acquire),
			0 };
	}
	return block_exists(shm, spot->block);
}

/* Moves over bytes, copying them where out is not NULL; false where the chain ends too early. */
static bool
pass(struct shm *shm, struct spot *spot, char *out, uint32_t length)
{
	while (length > 0) {
		uint32_t room;
		uint32_t part;

		if (spot->offset >= OUTBOX_DATA)
			*spot = (struct spot){ atomic_load_explicit(&block_at(shm,
							   spot->block - 1)->next,
						   memory_order_acquire),
				0 };
		if (!block_exists(shm, spot->block))
			return false;
		room = OUTBOX_DATA - spot->offset;
		part = length < room ? length : room;
		if (out != NULL) {
			memcpy(out, outbox_bytes_at(shm, *spot), part);
			out += part;
		}
		spot->offset += part;
		length -= part;
	}
	return true;
}

bool
outbox_read_header(struct shm *shm, uint32_t index, struct outbox_cursor *cursor,
    struct entry *entry, struct spot *spot)
{
	*spot = spot_of(cursor->place);
	if (!outbox_settle(shm, spot))
		return outbox_corrupt(index, cursor->number, "place");
	memcpy(entry, outbox_bytes_at(shm, *spot), OUTBOX_HEADER);
	if (entry->number != cursor->number)
		return outbox_corrupt(index, cursor->number, "number");
	if (entry->length > EFFECT_STAGING_MAX || cursor->offset > entry->length)
		return outbox_corrupt(index, cursor->number, "length");
	return true;
}

void
outbox_start(struct shm *shm, struct slot_ref ref, struct outbox_cursor *cursor)
{
	struct slot *slot = &shm->slots[ref.slot];
	uint64_t acked = atomic_load(&slot->out_acked);

	*cursor = (struct outbox_cursor){ .number = (acked >> 1) + 1 };
}

/*
 * True when the entry of the cursor has been appended. The first entry's place is always the head's: where
 * everything was given back, the chain the cursor knew is gone.
 */
static bool
is_there(struct slot *slot, struct outbox_cursor *cursor)
{
	uint64_t acked;

	if (cursor->number > atomic_load_explicit(&slot->out_next, memory_order_acquire))
		return false;
	acked = atomic_load_explicit(&slot->out_acked, memory_order_relaxed);
	if (cursor->number == (acked >> 1) + 1)
		cursor->place = atomic_load_explicit(&slot->head[acked & 1],
		    memory_order_relaxed);
	return cursor->place != 0;
}

/* Behind the entry: the next one starts here, or, where this was the last, is not known yet. */
static void
step_over(struct outbox_cursor *cursor, const struct entry *entry, struct spot spot)
{
	spot.offset = outbox_padded(spot.offset);
	cursor->octets += entry->length;
	if (entry->flags & ENTRY_STORED)
		cursor->stored = cursor->number;
	cursor->number++;
	cursor->offset = 0;
	cursor->place = place_of(spot);
}

size_t
outbox_read(struct shm *shm, struct slot_ref ref, struct outbox_cursor *cursor, char *out,
    size_t size, uint64_t stop_at)
{
	struct slot *slot = &shm->slots[ref.slot];
	size_t done = 0;

	while (done < size && (stop_at == 0 || cursor->number <= stop_at) &&
	    is_there(slot, cursor)) {
		struct entry entry;
		struct spot spot;
		uint32_t left;
		uint32_t part;

		if (!outbox_read_header(shm, ref.slot, cursor, &entry, &spot))
			break;
		cursor->place = place_of(spot);
		if (entry.flags & ENTRY_PASSED_OVER)
			cursor->offset = entry.length;
		left = entry.length - cursor->offset;
		part = left < size - done ? left : (uint32_t)(size - done);
		spot.offset += OUTBOX_HEADER;
		if (!pass(shm, &spot, NULL, cursor->offset) ||
		    !pass(shm, &spot, out == NULL ? NULL : out + done, part)) {
			outbox_corrupt(ref.slot, cursor->number, "chain");
			break;
		}
		done += part;
		cursor->offset += part;
		if (cursor->offset == entry.length)
			step_over(cursor, &entry, spot);
	}
	return done;
}

bool
outbox_peek(struct shm *shm, struct slot_ref ref, struct outbox_cursor *cursor,
    struct entry *entry)
{
	struct spot spot;

	return is_there(&shm->slots[ref.slot], cursor) &&
	    outbox_read_header(shm, ref.slot, cursor, entry, &spot);
}

bool
outbox_step(struct shm *shm, struct slot_ref ref, struct outbox_cursor *cursor)
{
	struct entry entry;
	struct spot spot;

	cursor->offset = 0;
	if (!is_there(&shm->slots[ref.slot], cursor) ||
	    !outbox_read_header(shm, ref.slot, cursor, &entry, &spot))
		return false;
	spot.offset += OUTBOX_HEADER;
	if (!pass(shm, &spot, NULL, entry.length))
		return outbox_corrupt(ref.slot, cursor->number, "chain");
	step_over(cursor, &entry, spot);
	return true;
}

/* One byte, and nobody but the owner reads it: no lock. The count comes first: at worst it makes others look in vain. */
void
outbox_pass_over(struct shm *shm, struct slot_ref ref, struct outbox_cursor *cursor)
{
	struct entry entry;
	struct spot spot;

	if (!is_there(&shm->slots[ref.slot], cursor) ||
	    !outbox_read_header(shm, ref.slot, cursor, &entry, &spot) ||
	    (entry.flags & ENTRY_PASSED_OVER))
		return;
	atomic_fetch_add(&shm->slots[ref.slot].passes, 1);
	entry.flags |= ENTRY_PASSED_OVER;
	memcpy(outbox_bytes_at(shm, spot) + offsetof(struct entry, flags), &entry.flags,
	    sizeof(entry.flags));
}

void
outbox_skip(struct shm *shm, struct slot_ref ref, struct outbox_cursor *cursor, size_t bytes)
{
	size_t passed = outbox_read(shm, ref, cursor, NULL, bytes, 0);

	ensure(passed == bytes);
}

/* --- counting --- */

bool
outbox_walk(struct shm *shm, uint32_t index, struct outbox_cursor *cursor, uint64_t number,
    struct outbox_tally *tally)
{
	*tally = (struct outbox_tally){ 0 };
	while (cursor->number <= number) {
		struct entry entry;
		struct spot spot;

		if (!outbox_read_header(shm, index, cursor, &entry, &spot))
			return false;
		spot.offset += OUTBOX_HEADER;
		if (!pass(shm, &spot, NULL, entry.length))
			return outbox_corrupt(index, cursor->number, "chain");
		tally->octets += entry.length;
		tally->passed += (entry.flags & ENTRY_PASSED_OVER) != 0;
		step_over(cursor, &entry, spot);
	}
	return true;
}

struct outbox_cursor
outbox_head(const struct slot *slot)
{
	uint64_t acked = atomic_load(&slot->out_acked);

	return (struct outbox_cursor){ (acked >> 1) + 1, atomic_load(&slot->head[acked & 1]), 0 };
}

uint64_t
outbox_passed_given(const struct slot *slot)
{
	return atomic_load(&slot->passed[atomic_load(&slot->out_acked) & 1]);
}

/* Nearly always there are none, and then nobody walks. */
uint64_t
outbox_passed_standing(struct shm *shm, uint32_t index, uint64_t number)
{
	struct slot *slot = &shm->slots[index];
	struct outbox_cursor cursor = outbox_head(slot);
	struct outbox_tally tally = { 0 };

	if (atomic_load(&slot->passes) != outbox_passed_given(slot))
		(void)outbox_walk(shm, index, &cursor, number, &tally);
	return tally.passed;
}

uint64_t
outbox_passed(struct shm *shm, struct slot_ref ref, uint64_t number)
{
	const struct slot *slot = &shm->slots[ref.slot];
	uint64_t given = atomic_load(&slot->out_acked) >> 1;

	return outbox_passed_given(slot) +
	    (number > given ? outbox_passed_standing(shm, ref.slot, number) : 0);
}

bool
outbox_count(struct shm *shm, struct slot_ref ref, uint64_t after, uint64_t count, uint64_t last,
    uint64_t *number)
{
	struct slot *slot = &shm->slots[ref.slot];
	struct outbox_cursor cursor = outbox_head(slot);
	struct entry entry;

	*number = after + count;
	if (count == 0 || atomic_load(&slot->passes) == outbox_passed_given(slot))
		return after <= last && count <= last - after;
	while (count > 0 && cursor.number <= last && outbox_peek(shm, ref, &cursor, &entry)) {
		if (cursor.number > after && (entry.flags & ENTRY_PASSED_OVER) == 0)
			count--;
		*number = cursor.number;
		if (!outbox_step(shm, ref, &cursor))
			break;
	}
	return count == 0;
}

bool
outbox_stored(struct shm *shm, struct slot_ref ref, uint64_t last, uint64_t *number,
    uint64_t *stored)
{
	struct outbox_cursor cursor = outbox_head(&shm->slots[ref.slot]);
	struct entry entry;
	bool found = false;

	while (cursor.number <= last && outbox_peek(shm, ref, &cursor, &entry)) {
		if (entry.flags & ENTRY_STORED) {
			*number = entry.number;
			*stored = entry.stamp_us;
			found = true;
		}
		if (!outbox_step(shm, ref, &cursor))
			break;
	}
	return found;
}

/* The counts of bytes follow out_next and out_acked; a death in between leaves them behind. */
void
outbox_recount(struct shm *shm, uint32_t index)
{
	struct slot *slot = &shm->slots[index];
	uint64_t next = atomic_load(&slot->out_next);
	uint64_t acked = atomic_load(&slot->out_acked);
	struct outbox_cursor cursor = outbox_head(slot);
	struct outbox_tally tally = { 0 };

	if (next > acked >> 1)
		(void)outbox_walk(shm, index, &cursor, next, &tally);
	atomic_store(&slot->bytes_in, atomic_load(&slot->bytes_acked) + tally.octets);
}

uint64_t
outbox_entries(const struct slot *slot)
{
	uint64_t acked = atomic_load_explicit(&slot->out_acked, memory_order_relaxed) >> 1;
	uint64_t next = atomic_load_explicit(&slot->out_next, memory_order_relaxed);

	return next > acked ? next - acked : 0;
}

uint64_t
outbox_bytes(const struct slot *slot)
{
	uint64_t acked = atomic_load_explicit(&slot->bytes_acked, memory_order_relaxed);
	uint64_t in = atomic_load_explicit(&slot->bytes_in, memory_order_relaxed);

	return in > acked ? in - acked : 0;
}
