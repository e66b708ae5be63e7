/* fsck_slots.c -- checks slots, their outboxes, and that each block is in the chain it belongs to. */
#include <stddef.h>
#include <stdio.h>

#include "shm/effect.h"
#include "shm/fsck_outbox.h"
#include "shm/slots.h"

static void	find_in_slot(struct fsck *fsck, enum fsck_rule rule, uint32_t index,
		    const char *what, ...) __attribute__((format(printf, 4, 5)));

static void
find_in_slot(struct fsck *fsck, enum fsck_rule rule, uint32_t index, const char *what, ...)
{
	char where[32];
	char text[160];
	va_list arguments;

	va_start(arguments, what);
	vsnprintf(text, sizeof(text), what, arguments);
	va_end(arguments);
	snprintf(where, sizeof(where), "slot %u", index);
	fsck_find(fsck, rule, where, "%s", text);
}

/* --- one slot --- */

static bool
has_wrong_type(const struct slot_view *view)
{
	if (view->type > SLOT_COMPONENT)
		return true;
	if (view->owner == 0)
		return view->type != SLOT_FREE;
	return (view->epoch & 1) != 0 && view->type == SLOT_FREE;
}

static void
check_state(struct fsck *fsck, const struct shm *shm, const struct slot_view *view)
{
	uint32_t holder = view->lock & 0xff;

	if (view->owner > shm->workers)
		find_in_slot(fsck, FSCK_SLOT_OWNER, view->index, "its owner is worker %u of %u",
		    view->owner - 1, shm->workers);
	else if (view->owner == 0 && (view->epoch & 1) != 0)
		find_in_slot(fsck, FSCK_SLOT_EPOCH, view->index, "nobody owns it in epoch %u",
		    view->epoch);
	else if (view->owner != 0 && (view->epoch & 1) == 0 && fsck_is_in_use(fsck) &&
	    !fsck_is_recovering(shm, view->owner - 1))
		find_in_slot(fsck, FSCK_SLOT_HALFWAY, view->index,
		    "worker %u has it in epoch %u", view->owner - 1, view->epoch);
	if (view->lock != 0 && (holder == 0 || holder > shm->workers))
		find_in_slot(fsck, FSCK_SLOT_LOCK, view->index, "its lock is %x", view->lock);
	if (has_wrong_type(view))
		find_in_slot(fsck, FSCK_SLOT_TYPE, view->index, "it is %s and of type %u",
		    view->owner == 0 ? "free" : "in use", view->type);
}

/* Pairs of words of which the first can never be more than the second. */
static const struct {
	size_t	    less;
	size_t	    more;
	const char *what;
	const char *of;
} limits[] = {
	{ offsetof(struct slot, h_safe), offsetof(struct slot, h_in),
	    "stanzas safe", "handled" },
	{ offsetof(struct slot, sm_in), offsetof(struct slot, h_in),
	    "stanzas before stream management", "handled" },
	{ offsetof(struct slot, sm_out), offsetof(struct slot, out_next),
	    "entries before stream management", "appended" },
	{ offsetof(struct slot, bytes_acked), offsetof(struct slot, bytes_in),
	    "bytes given back", "appended" },
};

static uint64_t
word_at(const struct slot *slot, size_t offset)
{
	return atomic_load((const _Atomic uint64_t *)(const void *)((const char *)slot + offset));
}

/* The greater one is read last: it may grow in between. */
static void
check_counts(struct fsck *fsck, const struct shm *shm, const struct slot_view *view)
{
	const struct slot *slot = &shm->slots[view->index];

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		uint64_t less = word_at(slot, limits[i].less);
		uint64_t more = word_at(slot, limits[i].more);

		if (less > more)
			find_in_slot(fsck, FSCK_SLOT_COUNTS, view->index, "%llu %s, %llu %s",
			    (unsigned long long)less, limits[i].what, (unsigned long long)more,
			    limits[i].of);
	}
}

/* What whoever died with the lock has left is settled and counted by the next who takes it. */
static void
check_outbox(struct fsck *fsck, const struct walker *walker, const struct slot_view *view)
{
	char where[32];

	fsck_count(fsck)->entries += walker->entries;
	if (walker->is_broken) {
		snprintf(where, sizeof(where), "slot %u", view->index);
		fsck_find(fsck, walker->broken.rule, where, "%s", walker->broken.what);
	}
	if (walker->is_broken || view->lock != 0)
		return;
	if (walker->octets != view->bytes)
		find_in_slot(fsck, FSCK_OUTBOX_BYTES, view->index,
		    "its entries have %llu bytes, it counts %llu",
		    (unsigned long long)walker->octets, (unsigned long long)view->bytes);
	if (walker->entries > 0 && walker->origin != view->last)
		find_in_slot(fsck, FSCK_OUTBOX_LAST, view->index,
		    "step %llx appended last, it names %llx", (unsigned long long)walker->origin,
		    (unsigned long long)view->last);
}

/* --- blocks --- */

/* Looked at again at the slot: the walk may have been before the block was taken. */
static bool
is_leaked(struct walker *walker, uint32_t arena, uint32_t index, uint32_t owner)
{
	const struct shm *shm = walker->shm;
	struct slot_view view;

	if (fsck_is_recovering(shm, arena) || fsck_is_freeing(shm, owner - 1) ||
	    !walker_walk(walker, owner - 1, &view) || view.lock != 0 || walker->is_broken)
		return false;
	return !walker_has(walker, arena << 24 | index, false) &&
	    atomic_load(&shm->worker[arena].block_owner[index]) == owner;
}

static void
check_arena(struct walker *walker, uint32_t arena)
{
	const struct shm *shm = walker->shm;
	uint32_t committed = atomic_load(&shm->worker[arena].arena->committed);
	uint32_t slots = atomic_load(shm->slots_committed);
	char where[48];

	for (uint32_t i = 0; i < committed; i++) {
		uint32_t owner = atomic_load(&shm->worker[arena].block_owner[i]);

		if (owner == 0)
			continue;
		fsck_count(walker->fsck)->blocks++;
		if (owner <= slots && walker_has(walker, arena << 24 | i, true))
			continue;
		snprintf(where, sizeof(where), "arena.%u block %u", arena, i);
		if (owner > slots)
			fsck_find(walker->fsck, FSCK_BLOCK_OWNER, where, "it belongs to slot %u of %u",
			    owner - 1, slots);
		else if (is_leaked(walker, arena, i, owner))
			fsck_find(walker->fsck, FSCK_BLOCK_LEAKED, where,
			    "slot %u does not have it in its chain", owner - 1);
	}
}

void
fsck_slots(struct fsck *fsck, const struct shm *shm)
{
	uint32_t committed = atomic_load(shm->slots_committed);
	struct walker walker;

	walker_init(&walker, fsck, shm);
	for (uint32_t i = 0; i < committed; i++) {
		struct slot_view view;

		fsck_count(fsck)->slots++;
		if (!walker_walk(&walker, i, &view))
			continue;
		check_state(fsck, shm, &view);
		check_counts(fsck, shm, &view);
		check_outbox(fsck, &walker, &view);
	}
	for (uint32_t i = 0; i < shm->workers; i++)
		check_arena(&walker, i);
	walker_clear(&walker);
}
