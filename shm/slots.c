/* slots.c -- one 512-byte record a connection, from accept on: taken, locked, told what to do, given back. */
#include "shm/slots.h"

#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/result.h"
#include "shm/blocks.h"
#include "shm/effect.h"
#include "shm/outbox.h"
#include "shm/wake.h"

#define SLOT_EXTENT 128		/* slots that get memory at once: 64 KiB */
#define SPINS	    100
#define NAP_NS	    50000

static bool
is_dead(const struct shm *shm, uint32_t word)
{
	uint32_t worker = (word & 0xff) - 1;

	return worker >= shm->workers ||
	    (atomic_load(&shm_page(shm, worker)->generation) & 0xffffff) != word >> 8;
}

/* True when the lock was taken over from the dead, and what they left is settled. */
static bool
take_over(struct shm *shm, uint32_t index, uint32_t word)
{
	struct slot *slot = &shm->slots[index];

	if (!is_dead(shm, word) ||
	    !atomic_compare_exchange_strong(&slot->lock, &word, shm->word))
		return false;
	SHM_STEP("lock: taken over");
	effect_settle(shm, index);
	outbox_recount(shm, index);
	return true;
}

void
slot_lock(struct shm *shm, uint32_t index)
{
	struct slot *slot = &shm->slots[index];

	for (unsigned tries = 0;; tries++) {
		uint32_t word = 0;

		if (atomic_compare_exchange_weak_explicit(&slot->lock, &word, shm->word,
			memory_order_acquire, memory_order_relaxed))
			return;
		if (word != 0 && take_over(shm, index, word))
			return;
		if (tries < SPINS)
			sched_yield();
		else
			nanosleep(&(struct timespec){ .tv_nsec = NAP_NS }, NULL);
	}
}

void
slot_unlock(struct shm *shm, uint32_t index)
{
	atomic_store_explicit(&shm->slots[index].lock, 0, memory_order_release);
}

uint64_t
slot_holders(const struct shm *shm)
{
	uint32_t committed = atomic_load_explicit(shm->slots_committed, memory_order_acquire);
	uint64_t holders = 0;

	for (uint32_t i = 0; i < committed; i++) {
		uint32_t word = atomic_load_explicit(&shm->slots[i].lock, memory_order_relaxed);

		if (word != 0 && !is_dead(shm, word))
			holders |= UINT64_C(1) << ((word & 0xff) - 1);
	}
	return holders;
}

/* Memory stands behind slots up to the committed count; more comes while there are less than max_sessions. */
static int
commit_more(struct shm *shm)
{
	uint32_t committed = atomic_load(shm->slots_committed);
	uint32_t wanted = committed + SLOT_EXTENT;
	int result;

	if (committed >= shm->max_sessions)
		return RESULT_FULL;
	if (wanted > shm->max_sessions)
		wanted = shm->max_sessions;
	result = segment_commit(&shm->slots_segment, 4096 + (size_t)committed * sizeof(struct slot),
	    (size_t)(wanted - committed) * sizeof(struct slot));
	if (result == RESULT_OK)
		atomic_compare_exchange_strong(shm->slots_committed, &committed, wanted);
	return result;
}

/* Everything but lock, epoch and owner. The outbox of a slot that was given back is empty. */
static void
clear(struct slot *slot)
{
	memset((char *)slot + offsetof(struct slot, order), 0,
	    sizeof(*slot) - offsetof(struct slot, order));
}

static bool
claim(struct shm *shm, uint32_t index, struct slot_ref *ref)
{
	struct slot *slot = &shm->slots[index];
	uint32_t nobody = 0;

	if (atomic_load_explicit(&slot->owner, memory_order_relaxed) != 0 ||
	    !atomic_compare_exchange_strong(&slot->owner, &nobody, shm->me + 1))
		return false;
	SHM_STEP("slot: owned");
	clear(slot);
	atomic_store(&slot->type, SLOT_C2S_UNAUTHED);
	SHM_STEP("slot: cleared");
	atomic_fetch_add(&slot->epoch, 1);
	SHM_STEP("slot: begun");
	atomic_fetch_add(&shm->instance->sessions_about, 1);
	*ref = (struct slot_ref){ index, atomic_load(&slot->epoch) };
	shm->slot_hint = index + 1;
	return true;
}

int
slot_take(struct shm *shm, struct slot_ref *ref)
{
	for (;;) {
		uint32_t committed = atomic_load(shm->slots_committed);
		uint32_t start = committed == 0 ? 0 : shm->slot_hint % committed;
		int result;

		for (uint32_t i = 0; i < committed; i++)
			if (claim(shm, (start + i) % committed, ref))
				return RESULT_OK;
		result = commit_more(shm);
		if (result != RESULT_OK)
			return result;
	}
}

/* Of a slot of mine whose epoch is even: nothing is appended any more. */
static void
empty(struct shm *shm, uint32_t index)
{
	struct slot *slot = &shm->slots[index];

	outbox_give(shm, (struct slot_ref){ index, 0 }, atomic_load(&slot->out_next));
	atomic_store(&slot->type, SLOT_FREE);
	SHM_STEP("slot: emptied");
	atomic_store(&slot->owner, 0);
}

/*
 * The epoch turns even under the lock, so that no append comes after the outbox was emptied. A process that dies in
 * between leaves an owned slot with an even epoch: slots_recover() goes on.
 */
static bool
end(struct shm *shm, struct slot_ref ref)
{
	struct slot *slot = &shm->slots[ref.slot];

	if ((ref.epoch & 1) == 0 || atomic_load(&slot->epoch) != ref.epoch)
		return false;
	atomic_store(&slot->type, SLOT_C2S_DESTROYED);
	atomic_store(&slot->epoch, ref.epoch + 1);
	SHM_STEP("slot: turned");
	atomic_fetch_sub(&shm->instance->sessions_about, 1);
	return true;
}

bool
slot_give_behind(struct shm *shm, struct slot_ref ref, uint64_t last)
{
	bool has_ended = false, has_more;

	slot_lock(shm, ref.slot);
	has_more = atomic_load(&shm->slots[ref.slot].out_next) > last;
	if (!has_more)
		has_ended = end(shm, ref);
	slot_unlock(shm, ref.slot);
	SHM_STEP("slot: ended");
	if (has_ended)
		empty(shm, ref.slot);
	return !has_more;
}

void
slot_give(struct shm *shm, struct slot_ref ref)
{
	slot_give_behind(shm, ref, UINT64_MAX);
}

/* One that was being taken may be half cleared, so that its outbox must not be looked at: it is empty anyway. */
void
slots_recover(struct shm *shm)
{
	uint32_t committed = atomic_load(shm->slots_committed);

	for (uint32_t i = 0; i < committed; i++) {
		struct slot *slot = &shm->slots[i];

		if (atomic_load(&slot->owner) != shm->me + 1 ||
		    (atomic_load(&slot->epoch) & 1) != 0)
			continue;
		if (atomic_load(&slot->type) == SLOT_C2S_DESTROYED)
			empty(shm, i);
		else {
			atomic_store(&slot->type, SLOT_FREE);
			atomic_store(&slot->owner, 0);
		}
	}
}

int
slot_move(struct shm *shm, struct slot_ref ref, uint32_t worker)
{
	struct slot *slot = &shm->slots[ref.slot];
	int result = RESULT_NOT_FOUND;

	slot_lock(shm, ref.slot);
	if ((ref.epoch & 1) != 0 && atomic_load(&slot->epoch) == ref.epoch) {
		atomic_store(&slot->owner, worker + 1);
		result = RESULT_OK;
	}
	slot_unlock(shm, ref.slot);
	SHM_STEP("slot: moved");
	wake_mark(shm, ref.slot);
	return result;
}

struct slot *
slot_find(const struct shm *shm, struct slot_ref ref)
{
	struct slot *slot;

	if (ref.slot >= atomic_load_explicit(shm->slots_committed, memory_order_acquire))
		return NULL;
	slot = &shm->slots[ref.slot];
	if ((ref.epoch & 1) == 0 ||
	    atomic_load_explicit(&slot->epoch, memory_order_acquire) != ref.epoch)
		return NULL;
	return slot;
}

int
slot_ask(struct shm *shm, struct slot_ref ref, enum slot_order order)
{
	struct slot *slot = slot_find(shm, ref);
	uint32_t waiting;

	if (slot == NULL)
		return RESULT_NOT_FOUND;
	waiting = atomic_load(&slot->order);
	while (waiting < (uint32_t)order &&
	    !atomic_compare_exchange_weak(&slot->order, &waiting, (uint32_t)order))
		;
	wake_mark(shm, ref.slot);
	return RESULT_OK;
}

enum slot_order
slot_take_order(struct slot *slot)
{
	if (atomic_load_explicit(&slot->order, memory_order_relaxed) == ORDER_NONE)
		return ORDER_NONE;
	return (enum slot_order)atomic_exchange(&slot->order, ORDER_NONE);
}

void
slot_handled(struct slot *slot, uint64_t number)
{
	if (atomic_load_explicit(&slot->h_in, memory_order_relaxed) < number)
		atomic_store_explicit(&slot->h_in, number, memory_order_release);
}

uint32_t
slot_count(const struct shm *shm)
{
	uint32_t committed = atomic_load_explicit(shm->slots_committed, memory_order_acquire);
	uint32_t count = 0;

	for (uint32_t i = 0; i < committed; i++)
		count += atomic_load_explicit(&shm->slots[i].epoch, memory_order_relaxed) & 1;
	return count;
}

void
slot_each(const struct shm *shm, uint32_t worker,
    void (*each)(void *owner, struct slot_ref ref, struct slot *slot), void *owner)
{
	uint32_t committed = atomic_load(shm->slots_committed);

	for (uint32_t i = 0; i < committed; i++) {
		struct slot *slot = &shm->slots[i];
		uint32_t held = atomic_load(&slot->owner);
		struct slot_ref ref = { i, atomic_load(&slot->epoch) };

		if (worker == SHM_NOBODY ? held != 0 && (ref.epoch & 1) : held == worker + 1)
			each(owner, ref, slot);
	}
}
