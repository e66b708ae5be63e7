/* shm_recover.c -- a process takes its number in the memory, and finishes what the one before it had begun. */
#include "shm/shm.h"

#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "shm/blocks.h"
#include "shm/effect.h"
#include "shm/fence.h"
#include "shm/limits.h"
#include "shm/slots.h"
#include "shm/wake.h"

void
shm_join(struct shm *shm, uint32_t number)
{
	uint32_t generation;

	ensure(number < shm->workers);
	generation = atomic_load(&shm_page(shm, number)->generation);
	shm->me = number;
	shm->word = (number + 1) | (generation & 0xffffff) << 8;
	shm->slot_hint = (uint32_t)((uint64_t)number * shm->max_sessions / shm->workers);
	fence_leave(shm);
}

/* Bits the predecessor had taken and not acted on or passed on are not known: every session is looked at once. */
static void
mark_all(struct shm *shm)
{
	uint32_t committed = atomic_load(shm->slots_committed);

	for (uint32_t i = 0; i < committed; i++)
		wake_mark(shm, i);
}

int
shm_recover(struct shm *shm)
{
	struct process_page *page = shm_page(shm, shm->me);
	uint32_t freeing = atomic_load(&page->freeing);
	int steps;

	blocks_sweep(shm, shm->me, UINT32_MAX);
	if (freeing != 0 && freeing <= atomic_load(shm->slots_committed)) {
		slot_lock(shm, freeing - 1);	/* taken over, if nobody has done that yet */
		slot_unlock(shm, freeing - 1);
		for (uint32_t arena = 0; arena < shm->workers; arena++)
			blocks_sweep(shm, arena, freeing - 1);
	}
	atomic_store(&page->freeing, 0);
	limits_recover(shm);
	SHM_STEP("recover: swept");
	slots_recover(shm);
	steps = effect_finish(shm);
	SHM_STEP("recover: finished");
	mark_all(shm);
	wake_all(shm);
	return steps;
}

int
shm_recover_for(struct shm *shm, uint32_t number)
{
	struct shm other = *shm;
	int steps;

	ensure(number != shm->me);
	other.free_list = NULL;
	other.waking = 0;
	shm_join(&other, number);
	steps = shm_recover(&other);
	memory_free(other.free_list);
	return steps;
}

void
shm_reaped(struct shm *shm, uint32_t process)
{
	struct process_page *page = shm_page(shm, process);

	atomic_store(&page->pid, 0);
	atomic_store(&page->ready, 0);
	atomic_fetch_add(&page->generation, 1);
}

/* Nobody who wrote in it lives, so that whoever holds a lock is dead, and who is traced has gone. */
void
shm_take_over(struct shm *shm)
{
	for (uint32_t i = 0; i < PROCESSES_MAX; i++)
		shm_reaped(shm, i);
	memset(shm->instance->trace, 0, sizeof(shm->instance->trace));
	atomic_store(&shm->instance->sessions_about, slot_count(shm));
}
