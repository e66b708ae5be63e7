/* slots.h -- one 512-byte record a connection, from accept on: taken, locked, told what to do, given back. */
#pragma once

#include "shm/shm.h"

/* A free slot for this worker: type c2s_unauthed, counters 0. RESULT_FULL at max_sessions. */
int	slot_take(struct shm *shm, struct slot_ref *ref);

/* Gives blocks and slot back; refs to it go stale before it can be taken again. Owner only. */
void	slot_give(struct shm *shm, struct slot_ref ref);
/* The same, unless anything was appended behind entry `last`. False: so it was, and all is as before. */
bool	slot_give_behind(struct shm *shm, struct slot_ref ref, uint64_t last);

/* A replacement's: slots its predecessor had half taken or half given back are free again. */
void	slots_recover(struct shm *shm);

/*
 * The session is worker's from now on: its slot is dirty there, and orders and appends find it. By its owner, between two
 * turns of the loop, or by who adopts what a number that does not return has left. RESULT_NOT_FOUND: has ended.
 */
int	slot_move(struct shm *shm, struct slot_ref ref, uint32_t worker);

/* NULL where the session of that ref has ended. */
struct slot *slot_find(const struct shm *shm, struct slot_ref ref);

/*
 * Asks the owner of a session to do something; the strongest order wins over a weaker one
 * that waits. The owner finds it as a dirty slot. Any process that may write may call it.
 * RESULT_NOT_FOUND: has ended.
 */
int	slot_ask(struct shm *shm, struct slot_ref ref, enum slot_order order);
enum slot_order slot_take_order(struct slot *slot);

/* All stanzas up to number have had all their effects. */
void	slot_handled(struct slot *slot, uint64_t number);

/* How many sessions there are now. All slots are looked at: for who asks, and nothing that happens often. */
uint32_t slot_count(const struct shm *shm);

/* Calls back for each slot owned by worker (after a death, for adoption); all slots in use with SHM_NOBODY. */
void	slot_each(const struct shm *shm, uint32_t worker,
	    void (*each)(void *owner, struct slot_ref ref, struct slot *slot), void *owner);

/*
 * The lock of a slot. Spins shortly; a holder that was reaped has it taken over,
 * and what it left half-done is settled first. Never held over anything but memory writes.
 */
void	slot_lock(struct shm *shm, uint32_t slot);

/* Workers that hold a slot now, a bit a number. All slots are looked at. */
uint64_t slot_holders(const struct shm *shm);
void	slot_unlock(struct shm *shm, uint32_t slot);
