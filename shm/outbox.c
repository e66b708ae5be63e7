/* outbox.c -- the stanzas on their way to one session: appended by any worker, read and given back by the owner. */
#include "shm/outbox.h"

#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "base/result.h"
#include "shm/blocks.h"
#include "shm/outbox_place.h"
#include "shm/slots.h"

static uint8_t *
bytes_at(const struct shm *shm, struct spot spot)
{
	return block_at(shm, spot.block - 1)->bytes + spot.offset;
}

uint32_t
outbox_blocks(uint32_t length)
{
	return (outbox_padded(length) + OUTBOX_HEADER + OUTBOX_DATA - 1) / OUTBOX_DATA + 1;
}

/* --- writing --- */

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
		memcpy(bytes_at(shm, spot), bytes, part);
		bytes += part;
		length -= part;
		spot.offset += part;
	}
	return spot;
}

static bool
corrupt(uint32_t slot, uint64_t number, const char *what)
{
	log_error(LOG_SHM, "an outbox breaks its own rules", "slot=%u entry=%llu wrong=%s", slot,
	    (unsigned long long)number, what);
	return false;
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
		return corrupt(index, next + 1, "tail");
	if (spot.offset + OUTBOX_HEADER > OUTBOX_DATA)
		spot = next_block(shm, index, spot);
	if (empty)	/* nobody looks at the head before out_next tells of the entry */
		atomic_store(&slot->head[acked & 1], place_of(spot));
	memcpy(bytes_at(shm, spot), &entry, OUTBOX_HEADER);
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

/* --- reading --- */

/* The spot of a header: where there is no room for one, in the next block. */
static bool
settle_spot(struct shm *shm, struct spot *spot)
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
			memcpy(out, bytes_at(shm, *spot), part);
			out += part;
		}
		spot->offset += part;
		length -= part;
	}
	return true;
}

static bool
read_header(struct shm *shm, uint32_t index, struct outbox_cursor *cursor,
    struct entry *entry, struct spot *spot)
{
	*spot = spot_of(cursor->place);
	if (!settle_spot(shm, spot))
		return corrupt(index, cursor->number, "place");
	memcpy(entry, bytes_at(shm, *spot), OUTBOX_HEADER);
	if (entry->number != cursor->number)
		return corrupt(index, cursor->number, "number");
	if (entry->length > EFFECT_STAGING_MAX || cursor->offset > entry->length)
		return corrupt(index, cursor->number, "length");
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

		if (!read_header(shm, ref.slot, cursor, &entry, &spot))
			break;
		cursor->place = place_of(spot);
		if (entry.flags & ENTRY_PASSED_OVER)
			cursor->offset = entry.length;
		left = entry.length - cursor->offset;
		part = left < size - done ? left : (uint32_t)(size - done);
		spot.offset += OUTBOX_HEADER;
		if (!pass(shm, &spot, NULL, cursor->offset) ||
		    !pass(shm, &spot, out == NULL ? NULL : out + done, part)) {
			corrupt(ref.slot, cursor->number, "chain");
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
	    read_header(shm, ref.slot, cursor, entry, &spot);
}

bool
outbox_step(struct shm *shm, struct slot_ref ref, struct outbox_cursor *cursor)
{
	struct entry entry;
	struct spot spot;

	cursor->offset = 0;
	if (!is_there(&shm->slots[ref.slot], cursor) ||
	    !read_header(shm, ref.slot, cursor, &entry, &spot))
		return false;
	spot.offset += OUTBOX_HEADER;
	if (!pass(shm, &spot, NULL, entry.length))
		return corrupt(ref.slot, cursor->number, "chain");
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
	    !read_header(shm, ref.slot, cursor, &entry, &spot) ||
	    (entry.flags & ENTRY_PASSED_OVER))
		return;
	atomic_fetch_add(&shm->slots[ref.slot].passes, 1);
	entry.flags |= ENTRY_PASSED_OVER;
	memcpy(bytes_at(shm, spot) + offsetof(struct entry, flags), &entry.flags,
	    sizeof(entry.flags));
}

void
outbox_skip(struct shm *shm, struct slot_ref ref, struct outbox_cursor *cursor, size_t bytes)
{
	size_t passed = outbox_read(shm, ref, cursor, NULL, bytes, 0);

	ensure(passed == bytes);
}

/* --- giving back --- */

struct chain {
	uint32_t first;		/* block + 1 of those to be given back */
	uint32_t last;		/* the first that stays, or 0 */
};

/*
 * Blocks from `first` up to, not including, `last`; with last 0 up to the end of the chain. Only what is the slot's own
 * is given, so that a scribbled chain ends there.
 */
static void
give_blocks(struct shm *shm, uint32_t slot, struct chain chain, uint32_t final)
{
	uint32_t at = chain.first;

	while (at != chain.last && block_is_of(shm, at, slot)) {
		uint32_t next = atomic_load(&block_at(shm, at - 1)->next);
		bool was_final = at == final;

		block_give(shm, at - 1);
		SHM_STEP("give: block given");
		if (was_final)
			break;
		at = next;
	}
}

/* What a walk over entries adds up. */
struct tally {
	uint64_t octets;
	uint64_t passed;	/* entries passed over */
};

/* Walks from the cursor past entry `number`; its end is where the next one begins, if there is one. */
static bool
find_end(struct shm *shm, uint32_t index, struct outbox_cursor *cursor, uint64_t number,
    struct tally *tally)
{
	*tally = (struct tally){ 0 };
	while (cursor->number <= number) {
		struct entry entry;
		struct spot spot;

		if (!read_header(shm, index, cursor, &entry, &spot))
			return false;
		spot.offset += OUTBOX_HEADER;
		if (!pass(shm, &spot, NULL, entry.length))
			return corrupt(index, cursor->number, "chain");
		tally->octets += entry.length;
		tally->passed += (entry.flags & ENTRY_PASSED_OVER) != 0;
		step_over(cursor, &entry, spot);
	}
	return true;
}

/* The place of the first entry that stays. */
static bool
find_new_head(struct shm *shm, uint32_t index, struct outbox_cursor *cursor, uint64_t number,
    struct tally *tally)
{
	struct spot spot;

	if (!find_end(shm, index, cursor, number, tally))
		return false;
	spot = spot_of(cursor->place);
	if (!settle_spot(shm, &spot))
		return corrupt(index, cursor->number, "head");
	cursor->place = place_of(spot);
	return true;
}

static struct outbox_cursor
head_of(const struct slot *slot)
{
	uint64_t acked = atomic_load(&slot->out_acked);

	return (struct outbox_cursor){ (acked >> 1) + 1, atomic_load(&slot->head[acked & 1]), 0 };
}

static uint64_t
passed_given(const struct slot *slot)
{
	return atomic_load(&slot->passed[atomic_load(&slot->out_acked) & 1]);
}

/* Of the entries that stand, up to number. Nearly always there are none, and then nobody walks. */
static uint64_t
passed_standing(struct shm *shm, uint32_t index, uint64_t number)
{
	struct slot *slot = &shm->slots[index];
	struct outbox_cursor cursor = head_of(slot);
	struct tally tally = { 0 };

	if (atomic_load(&slot->passes) != passed_given(slot))
		(void)find_end(shm, index, &cursor, number, &tally);
	return tally.passed;
}

/* The new head is where somebody has come already: it is looked at, and nothing before it. */
static bool
has_new_head(struct shm *shm, uint32_t index, struct outbox_cursor *cursor,
    const struct outbox_cursor *known)
{
	struct entry entry;
	struct spot spot;

	*cursor = *known;
	if (!read_header(shm, index, cursor, &entry, &spot))
		return false;
	cursor->place = place_of(spot);
	return true;
}

static void
give_all(struct shm *shm, uint32_t index, uint64_t next, uint64_t acked)
{
	struct slot *slot = &shm->slots[index];
	uint64_t passed = passed_given(slot) + passed_standing(shm, index, next);
	struct chain chain = { (uint32_t)(atomic_load(&slot->head[acked & 1]) >> 32), 0 };
	uint32_t final = (uint32_t)(atomic_load(&slot->tail[next & 1]) >> 32);
	uint64_t parity = (acked & 1) ^ 1;

	atomic_store(&slot->head[parity], 0);
	atomic_store(&slot->passed[parity], passed);
	SHM_STEP("give: ready");
	atomic_store_explicit(&slot->out_acked, next << 1 | parity, memory_order_release);
	SHM_STEP("give: published");
	atomic_store(&slot->bytes_acked, atomic_load(&slot->bytes_in));
	give_blocks(shm, index, chain, final);
}

/* What is to be given: entries up to number. */
struct gift {
	uint64_t number;
	const struct outbox_cursor *behind;	/* NULL, or who has come there */
	uint64_t octets;			/* of all, where somebody has */
};

static int
give_some(struct shm *shm, uint32_t index, const struct gift *gift, uint64_t acked)
{
	struct slot *slot = &shm->slots[index];
	struct outbox_cursor cursor = head_of(slot);
	struct chain chain = { .first = (uint32_t)(cursor.place >> 32) };
	struct tally tally = { .octets = gift->octets };
	uint64_t number = gift->number;
	uint64_t parity = (acked & 1) ^ 1;
	bool is_known = gift->behind != NULL &&
	    atomic_load(&slot->passes) == passed_given(slot);

	if (!(is_known ? has_new_head(shm, index, &cursor, gift->behind)
		       : find_new_head(shm, index, &cursor, number, &tally)))
		return RESULT_CORRUPT;
	chain.last = (uint32_t)(cursor.place >> 32);
	atomic_store(&slot->head[parity], cursor.place);
	atomic_store(&slot->passed[parity], passed_given(slot) + tally.passed);
	SHM_STEP("give: ready");
	atomic_store_explicit(&slot->out_acked, number << 1 | parity, memory_order_release);
	SHM_STEP("give: published");
	atomic_fetch_add(&slot->bytes_acked, tally.octets);
	give_blocks(shm, index, chain, 0);
	return RESULT_OK;
}

static int
give(struct shm *shm, struct slot_ref ref, const struct gift *gift)
{
	struct slot *slot = &shm->slots[ref.slot];
	struct process_page *page = shm_page(shm, shm->me);
	uint64_t next;
	uint64_t acked;
	int result = RESULT_OK;

	slot_lock(shm, ref.slot);
	next = atomic_load(&slot->out_next);
	acked = atomic_load(&slot->out_acked);
	if (gift->number > next)
		result = RESULT_INVALID;
	else if (gift->number > acked >> 1) {
		atomic_store(&page->freeing, ref.slot + 1);
		SHM_STEP("give: begun");
		if (gift->number == next)
			give_all(shm, ref.slot, next, acked);
		else
			result = give_some(shm, ref.slot, gift, acked);
		atomic_store(&page->freeing, 0);
	}
	slot_unlock(shm, ref.slot);
	return result;
}

int
outbox_give(struct shm *shm, struct slot_ref ref, uint64_t number)
{
	const struct gift gift = { .number = number };

	return give(shm, ref, &gift);
}

int
outbox_give_before(struct shm *shm, struct slot_ref ref, const struct outbox_cursor *cursor,
    uint64_t octets)
{
	const struct gift gift = { cursor->number - 1, cursor, octets };

	return give(shm, ref, &gift);
}

/* --- counting --- */

uint64_t
outbox_passed(struct shm *shm, struct slot_ref ref, uint64_t number)
{
	const struct slot *slot = &shm->slots[ref.slot];
	uint64_t given = atomic_load(&slot->out_acked) >> 1;

	return passed_given(slot) +
	    (number > given ? passed_standing(shm, ref.slot, number) : 0);
}

bool
outbox_count(struct shm *shm, struct slot_ref ref, uint64_t after, uint64_t count, uint64_t last,
    uint64_t *number)
{
	struct slot *slot = &shm->slots[ref.slot];
	struct outbox_cursor cursor = head_of(slot);
	struct entry entry;

	*number = after + count;
	if (count == 0 || atomic_load(&slot->passes) == passed_given(slot))
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
	struct outbox_cursor cursor = head_of(&shm->slots[ref.slot]);
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
	struct outbox_cursor cursor = head_of(slot);
	struct tally tally = { 0 };

	if (next > acked >> 1)
		(void)find_end(shm, index, &cursor, next, &tally);
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
