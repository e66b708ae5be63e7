/* fence.c -- stanzas that killed a worker: who sends one again is refused, and the next worker lives. */
#include "shm/fence.h"

void
fence_enter(struct shm *shm, uint64_t stanza)
{
	atomic_store_explicit(&shm_page(shm, shm->me)->handling, stanza, memory_order_relaxed);
}

void
fence_leave(struct shm *shm)
{
	atomic_store_explicit(&shm_page(shm, shm->me)->handling, 0, memory_order_relaxed);
}

bool
fence_is_closed(const struct shm *shm, uint64_t stanza)
{
	const struct instance *instance = shm->instance;

	if (atomic_load_explicit(&instance->fenced_count, memory_order_relaxed) == 0)
		return false;
	for (int i = 0; i < FENCED_MAX; i++)
		if (atomic_load_explicit(&instance->fenced[i], memory_order_relaxed) == stanza)
			return true;
	return false;
}

uint64_t
fence_close(struct shm *shm, uint32_t process)
{
	uint64_t stanza = atomic_exchange(&shm_page(shm, process)->handling, 0);
	uint64_t count;

	if (stanza == 0 || fence_is_closed(shm, stanza))
		return stanza;
	count = atomic_load(&shm->instance->fenced_count);
	atomic_store(&shm->instance->fenced[count % FENCED_MAX], stanza);
	atomic_store(&shm->instance->fenced_count, count + 1);
	return stanza;
}
