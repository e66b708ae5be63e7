/* fsck_processes.c -- checks what processes say of themselves, what they are doing, and whom they are to wake for. */
#include <stdio.h>

#include "shm/effect_private.h"
#include "shm/fsck_private.h"

#define NOBODY UINT32_MAX	/* origin of what no stanza has caused */

static void
check_page(struct fsck *fsck, const struct shm *shm, uint32_t number)
{
	const struct process_page *page = shm_page(shm, number);
	uint32_t kind = atomic_load(&page->kind);
	uint32_t freeing = atomic_load(&page->freeing);
	char where[48];

	snprintf(where, sizeof(where), "process %u", number);
	if (kind > PROCESS_RESOLVER || (kind == PROCESS_WORKER && number >= shm->workers))
		fsck_find(fsck, FSCK_PROCESS_PAGE, where, "it is of kind %u", kind);
	if (freeing > shm->max_sessions)
		fsck_find(fsck, FSCK_PROCESS_PAGE, where, "it gives back blocks of slot %u of %u",
		    freeing - 1, shm->max_sessions);
	if (atomic_load(&page->sleeping) > 1)
		fsck_find(fsck, FSCK_PROCESS_PAGE, where, "its word for sleeping is %u",
		    atomic_load(&page->sleeping));
}

/* --- effects --- */

static void
check_steps(struct fsck *fsck, const struct shm *shm, uint32_t worker, uint64_t serial,
    uint32_t count)
{
	char where[48];

	for (uint32_t i = 0; i < count; i++) {
		const char *wrong = effect_wrong_step(shm, worker, i, serial);

		if (wrong == NULL)
			continue;
		snprintf(where, sizeof(where), "effect.%u step %u", worker, i);
		fsck_find(fsck, FSCK_EFFECT_STEP, where, "wrong: %s, in effect %llu", wrong,
		    (unsigned long long)serial);
	}
}

static void
check_effect(struct fsck *fsck, const struct shm *shm, uint32_t worker)
{
	const struct effect_header *effect = shm->worker[worker].effect;
	uint64_t state = atomic_load(&effect->state);
	uint32_t count = atomic_load(&effect->steps);
	uint32_t origin = effect->origin_slot;
	unsigned long long serial = state >> 1;
	char where[32];

	if ((state & 1) == 0)	/* it is being drafted, or done: its words mean nothing */
		return;
	snprintf(where, sizeof(where), "effect.%u", worker);
	if (!effect_has_steps(shm, worker))
		fsck_find(fsck, FSCK_EFFECT_STATE, where, "effect %llu has %u steps of %u", serial,
		    count, atomic_load(&effect->steps_committed));
	else if (origin != NOBODY && origin >= atomic_load(shm->slots_committed))
		fsck_find(fsck, FSCK_EFFECT_STATE, where, "effect %llu comes from slot %u", serial,
		    origin);
	else
		check_steps(fsck, shm, worker, serial, count);
}

/* --- dirty bits --- */

static void
check_dirty(struct fsck *fsck, const struct shm *shm, uint32_t worker)
{
	uint32_t words = (shm->max_sessions + 63) / 64;
	const _Atomic uint64_t *summary = shm->worker[worker].dirty;
	const _Atomic uint64_t *bits = summary + (words + 63) / 64;
	char where[32];

	snprintf(where, sizeof(where), "dirty.%u", worker);
	for (uint32_t i = 0; i < words; i++) {
		uint64_t word = atomic_load(&bits[i]);
		uint32_t room = shm->max_sessions - i * 64;

		if (room < 64 && word >> room != 0)
			fsck_find(fsck, FSCK_DIRTY_BITS, where, "word %u has bits beyond slot %u", i,
			    shm->max_sessions - 1);
		/* Who dies between the two has a replacement that marks all. */
		if (word != 0 && (atomic_load(&summary[i / 64]) & 1ull << (i & 63)) == 0 &&
		    atomic_load(&bits[i]) == word && fsck_is_in_use(fsck))
			fsck_find(fsck, FSCK_DIRTY_BITS, where,
			    "word %u has bits, and none in the summary", i);
	}
}

void
fsck_processes(struct fsck *fsck, const struct shm *shm)
{
	for (uint32_t i = 0; i < PROCESSES_MAX; i++)
		check_page(fsck, shm, i);
	for (uint32_t i = 0; i < shm->workers; i++) {
		check_effect(fsck, shm, i);
		check_dirty(fsck, shm, i);
	}
}
