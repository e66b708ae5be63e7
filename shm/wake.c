/* wake.c -- dirty bits and eventfds: how a worker learns that a session of its own has news. */
#include "shm/wake.h"

#include <unistd.h>

static uint32_t
slot_words(const struct shm *shm)
{
	return (shm->max_sessions + 63) / 64;
}

/* The first words are the summary: a bit for each word of slots behind them. */
static uint32_t
summary_words(const struct shm *shm)
{
	return (slot_words(shm) + 63) / 64;
}

static void
mark_for(struct shm *shm, uint32_t worker, uint32_t slot)
{
	_Atomic uint64_t *summary = shm->worker[worker].dirty;
	_Atomic uint64_t *bits = summary + summary_words(shm);
	uint32_t word = slot / 64;

	if ((atomic_fetch_or(&bits[word], 1ull << (slot & 63)) & 1ull << (slot & 63)) == 0 ||
	    (atomic_load(&summary[word / 64]) & 1ull << (word & 63)) == 0) {
		SHM_STEP("wake: bit set");
		atomic_fetch_or(&summary[word / 64], 1ull << (word & 63));
		SHM_STEP("wake: summary set");
	}
	atomic_store(&shm_page(shm, worker)->dirty_any, 1);
	shm->waking |= 1ull << worker;
}

void
wake_mark(struct shm *shm, uint32_t slot)
{
	uint32_t owner = atomic_load(&shm->slots[slot].owner);

	if (owner != 0 && owner <= shm->workers)
		mark_for(shm, owner - 1, slot);
}

static void
write_fd(const struct shm *shm, uint32_t worker)
{
	uint64_t one = 1;
	int fd = shm->worker[worker].wake_fd;

	if (fd >= 0 && write(fd, &one, sizeof(one)) != sizeof(one))
		return;		/* EAGAIN: it is as awake as can be */
}

void
wake_flush(struct shm *shm)
{
	uint64_t waking = shm->waking;

	shm->waking = 0;
	while (waking != 0) {
		uint32_t worker = (uint32_t)__builtin_ctzll(waking);

		waking &= waking - 1;
		if (worker == shm->me ||
		    atomic_exchange(&shm_page(shm, worker)->sleeping, 0) == 0)
			continue;
		SHM_STEP("wake: sleeper found");
		write_fd(shm, worker);
	}
}

bool
wake_sleep(struct shm *shm)
{
	struct process_page *page = shm_page(shm, shm->me);

	atomic_store(&page->sleeping, 1);
	if (atomic_load(&page->dirty_any) == 0)
		return true;
	atomic_store(&page->sleeping, 0);
	return false;
}

void
wake_awake(struct shm *shm)
{
	struct process_page *page = shm_page(shm, shm->me);

	if (atomic_load_explicit(&page->sleeping, memory_order_relaxed) != 0)
		atomic_store(&page->sleeping, 0);
}

void
wake_drain_fd(int fd)
{
	uint64_t count;		/* one read takes all that was written */

	if (read(fd, &count, sizeof(count)) != sizeof(count))
		return;
}

static int
take_word(struct shm *shm, uint32_t word, _Atomic uint64_t *bits,
    void (*each)(void *owner, uint32_t slot), void *owner)
{
	uint64_t dirty = atomic_exchange(bits, 0);
	int count = 0;

	while (dirty != 0) {
		uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(dirty);

		dirty &= dirty - 1;
		if (slot >= atomic_load(shm->slots_committed))	/* scribbled */
			continue;
		if (atomic_load(&shm->slots[slot].owner) == shm->me + 1) {
			each(owner, slot);
			count++;
		} else {
			wake_mark(shm, slot);
		}
	}
	return count;
}

/* A summary bit goes before the word it stands for is taken, so a bit set meanwhile is never passed over. */
int
wake_take(struct shm *shm, void (*each)(void *owner, uint32_t slot), void *owner)
{
	_Atomic uint64_t *summary = shm->worker[shm->me].dirty;
	uint32_t words = summary_words(shm);
	_Atomic uint64_t *bits = summary + words;
	struct process_page *page = shm_page(shm, shm->me);
	int count = 0;

	if (atomic_load(&page->dirty_any) == 0)
		return 0;
	atomic_store(&page->dirty_any, 0);
	for (uint32_t i = 0; i < words; i++) {
		uint64_t marked;

		if (atomic_load(&summary[i]) == 0)	/* never before dirty_any went */
			continue;
		marked = atomic_exchange(&summary[i], 0);
		while (marked != 0) {
			uint32_t word = i * 64 + (uint32_t)__builtin_ctzll(marked);

			marked &= marked - 1;
			if (word < slot_words(shm))
				count += take_word(shm, word, &bits[word], each, owner);
		}
	}
	return count;
}

void
wake_all(struct shm *shm)
{
	for (uint32_t i = 0; i < shm->workers; i++)
		write_fd(shm, i);
}
