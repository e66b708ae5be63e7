/* outbox_give.c -- what a session's client has got is given back, with the blocks it stood in. */
#include "shm/outbox_private.h"

#include "base/result.h"
#include "shm/slots.h"

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

/* The place of the first entry that stays. */
static bool
find_new_head(struct shm *shm, uint32_t index, struct outbox_cursor *cursor, uint64_t number,
    struct outbox_tally *tally)
{
	struct spot spot;

	if (!outbox_walk(shm, index, cursor, number, tally))
		return false;
	spot = spot_of(cursor->place);
	if (!outbox_settle(shm, &spot))
		return outbox_corrupt(index, cursor->number, "head");
	cursor->place = place_of(spot);
	return true;
}

/* The new head is where somebody has come already: it is looked at, and nothing before it. */
static bool
has_new_head(struct shm *shm, uint32_t index, struct outbox_cursor *cursor,
    const struct outbox_cursor *known)
{
	struct entry entry;
	struct spot spot;

	*cursor = *known;
	if (!outbox_read_header(shm, index, cursor, &entry, &spot))
		return false;
	cursor->place = place_of(spot);
	return true;
}

static void
give_all(struct shm *shm, uint32_t index, uint64_t next, uint64_t acked)
{
	struct slot *slot = &shm->slots[index];
	uint64_t passed = outbox_passed_given(slot) + outbox_passed_standing(shm, index, next);
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
	struct outbox_cursor cursor = outbox_head(slot);
	struct chain chain = { .first = (uint32_t)(cursor.place >> 32) };
	struct outbox_tally tally = { .octets = gift->octets };
	uint64_t number = gift->number;
	uint64_t parity = (acked & 1) ^ 1;
	bool is_known = gift->behind != NULL &&
	    atomic_load(&slot->passes) == outbox_passed_given(slot);

	if (!(is_known ? has_new_head(shm, index, &cursor, gift->behind)
		       : find_new_head(shm, index, &cursor, number, &tally)))
		return RESULT_CORRUPT;
	chain.last = (uint32_t)(cursor.place >> 32);
	atomic_store(&slot->head[parity], cursor.place);
	atomic_store(&slot->passed[parity], outbox_passed_given(slot) + tally.passed);
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
