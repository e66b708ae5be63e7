/* limits.c -- how much an address, an account or everybody together has had, counted for all workers in one table. */
#include "shm/limits.h"

#include "base/clock.h"
#include "base/hash.h"
#include "shm/limits_table.h"

static_assert(LIMIT_COUNT <= LIMITS_MAX, "limits");

#define LEAST_KEY 256	/* those below say who is at work */

static const char *const names[] = {
#define LIMIT(symbol, option) #option,
#include "shm/limits.def"
#undef LIMIT
};

const char *
limit_name(enum limit limit)
{
	return names[limit];
}

void
limit_bite(const struct shm *shm, enum limit limit)
{
	atomic_fetch_add_explicit(&shm->limits->bites[limit], 1, memory_order_relaxed);
}

uint64_t
limit_bites(const struct shm *shm, enum limit limit)
{
	return atomic_load_explicit(&shm->limits->bites[limit], memory_order_relaxed);
}

void
limit_reached(const struct shm *shm, enum limit limit, uint64_t value)
{
	_Atomic uint64_t *peak = &shm->limits->peak[limit];
	uint64_t known = atomic_load_explicit(peak, memory_order_relaxed);

	while (known < value && !atomic_compare_exchange_weak(peak, &known, value))
		;
}

uint64_t
limit_peak(const struct shm *shm, enum limit limit)
{
	return atomic_load_explicit(&shm->limits->peak[limit], memory_order_relaxed);
}

/* --- rates --- */

struct limit_rate
limit_rate(int64_t count, uint64_t period_ms, int64_t burst)
{
	if (count <= 0 || burst <= 0)
		return (struct limit_rate){ 1, 0, 0 };
	return (struct limit_rate){ (uint64_t)count, period_ms * 1000, (uint64_t)burst };
}

/* Microseconds until so many have leaked away, rounded up, so that nothing is for nothing. */
static uint64_t
cost(struct limit_rate rate, uint64_t count)
{
	return (count * rate.period_us + rate.count - 1) / rate.count;
}

static uint64_t
room(struct limit_rate rate)
{
	return cost(rate, rate.burst);
}

/* What stands between now and the moment the bucket is empty; a moment that no rate could have made is another boot's. */
static uint64_t
debt(uint64_t empty_at, uint64_t now)
{
	return empty_at > now && empty_at - now < UINT64_C(1) << 46 ? empty_at - now : 0;
}

static uint64_t
wait_for(uint64_t owed, struct limit_rate rate)
{
	return owed <= room(rate) ? 0 : (owed - room(rate) + 999) / 1000;
}

uint64_t
limit_take(limit_bucket *bucket, struct limit_rate rate, uint64_t count, uint64_t now_ms)
{
	uint64_t now = now_ms * 1000, known = atomic_load_explicit(bucket, memory_order_relaxed);
	uint64_t owed;

	if (rate.burst == 0)
		return 0;
	do {
		owed = debt(known, now) + cost(rate, count);
		if (owed > room(rate))
			return wait_for(owed, rate);
	} while (!atomic_compare_exchange_weak(bucket, &known, now + owed));
	return 0;
}

uint64_t
limit_charge(limit_bucket *bucket, struct limit_rate rate, uint64_t count, uint64_t now_ms)
{
	uint64_t now = now_ms * 1000, known = atomic_load_explicit(bucket, memory_order_relaxed);
	uint64_t owed;

	if (rate.burst == 0)
		return 0;
	do
		owed = debt(known, now) + cost(rate, count);
	while (!atomic_compare_exchange_weak(bucket, &known, now + owed));
	return wait_for(owed, rate);
}

uint64_t
limit_wait(const limit_bucket *bucket, struct limit_rate rate, uint64_t count, uint64_t now_ms)
{
	uint64_t owed = debt(atomic_load_explicit(bucket, memory_order_relaxed), now_ms * 1000) +
	    cost(rate, count);

	return rate.burst == 0 ? 0 : wait_for(owed, rate);
}

uint64_t
limit_used(const limit_bucket *bucket, struct limit_rate rate, uint64_t now_ms)
{
	uint64_t owed = debt(atomic_load_explicit(bucket, memory_order_relaxed), now_ms * 1000);

	if (rate.burst == 0)
		return 0;
	return (uint64_t)(((unsigned __int128)owed * rate.count + rate.period_us - 1) / rate.period_us);
}

/* --- places --- */

uint64_t
limits_key(const struct shm *shm, enum limits_kind kind, struct slice who)
{
	struct hash_key key = { { shm->instance->hash_key[0] ^ (uint64_t)kind,
	    shm->instance->hash_key[1] } };
	uint64_t hash = (hash64(&key, who) & ~UINT64_C(1)) | (kind == LIMITS_CONNECTED);

	return hash < LEAST_KEY ? hash + LEAST_KEY : hash;
}

static _Atomic uint16_t *
counts_of(const struct shm *shm, uint32_t place)
{
	return shm->limits_counts + (size_t)place * shm->workers;
}

static uint64_t
count_at(const struct shm *shm, uint32_t place)
{
	const _Atomic uint16_t *counts = counts_of(shm, place);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < shm->workers; i++)
		sum += atomic_load(&counts[i]);
	return sum;
}

/* How long until the last of its buckets is empty. */
static uint64_t
debt_at(const struct limits_place *place, uint64_t now)
{
	uint64_t most = 0;

	for (int i = 0; i < LIMITS_BUCKETS; i++) {
		uint64_t owed = debt(atomic_load_explicit(&place->bucket[i], memory_order_relaxed), now);

		most = owed > most ? owed : most;
	}
	return most;
}

static uint32_t
first_of(const struct shm *shm, uint64_t key)
{
	return (uint32_t)(key >> 32) & (shm->limits_size - 1) & ~(uint32_t)(LIMITS_SET - 1);
}

/*
 * Who counts somebody raises the count and then looks at the key again; who gives the place away takes the key and then
 * looks at the counts. One of the two sees the other.
 */
static bool
give_to(struct shm *shm, uint32_t index, uint64_t old, uint64_t key)
{
	struct limits_place *place = &shm->limits_places[index];

	if (!atomic_compare_exchange_strong(&place->key, &old, shm->me + 1))
		return false;
	SHM_STEP("limits: place taken");
	if (count_at(shm, index) != 0) {
		atomic_store(&place->key, old);
		return false;
	}
	for (int i = 0; i < LIMITS_BUCKETS; i++)
		atomic_store_explicit(&place->bucket[i], 0, memory_order_relaxed);
	atomic_store(&place->key, key);
	return true;
}

/* The one nobody would miss most: free, or with the least to wait for. NONE: all count somebody. */
static uint32_t
choose(const struct shm *shm, uint32_t first, uint64_t now, uint64_t *key)
{
	uint32_t found = LIMITS_NONE;
	uint64_t least = UINT64_MAX;

	for (uint32_t i = first; i < first + LIMITS_SET; i++) {
		uint64_t known = atomic_load(&shm->limits_places[i].key);
		uint64_t owed = known == 0 ? 0 : debt_at(&shm->limits_places[i], now);

		if (owed >= least || (known != 0 && known < LEAST_KEY) || count_at(shm, i) != 0)
			continue;
		least = owed;
		found = i;
		*key = known;
		if (known == 0)
			break;
	}
	return found;
}

static uint32_t
find(const struct shm *shm, uint64_t key)
{
	uint32_t first = first_of(shm, key);

	for (uint32_t i = first; i < first + LIMITS_SET; i++)
		if (atomic_load(&shm->limits_places[i].key) == key)
			return i;
	return LIMITS_NONE;
}

static uint32_t
find_or_make(struct shm *shm, uint64_t key)
{
	uint32_t index = find(shm, key), first = first_of(shm, key);
	uint64_t old = 0;

	for (int tries = 0; tries < LIMITS_SET && index == LIMITS_NONE; tries++) {
		uint32_t chosen = choose(shm, first, clock_ms() * 1000, &old);

		if (chosen == LIMITS_NONE)
			return LIMITS_NONE;
		/* Two may have made it at once: both find the first of the two. */
		give_to(shm, chosen, old, key);
		index = find(shm, key);
	}
	return index;
}

limit_bucket *
limits_bucket(struct shm *shm, uint64_t key, enum limits_bucket which)
{
	uint32_t index = find_or_make(shm, key);

	return index == LIMITS_NONE ? NULL : &shm->limits_places[index].bucket[which];
}

/* --- counts: each word has one writer, the worker it belongs to --- */

bool
limits_enter(struct shm *shm, uint64_t key, uint64_t most, struct limits_seat *seat)
{
	uint32_t index = find_or_make(shm, key);
	_Atomic uint16_t *mine;
	uint64_t count;

	seat->place = 0;
	if (index == LIMITS_NONE)
		return true;
	mine = &counts_of(shm, index)[shm->me];
	if (atomic_load(mine) == UINT16_MAX)
		return false;
	atomic_fetch_add(mine, 1);
	SHM_STEP("limits: counted");
	count = count_at(shm, index);
	if (count > most) {
		atomic_fetch_sub(mine, 1);
		return false;
	}
	if (atomic_load(&shm->limits_places[index].key) != key) {
		atomic_fetch_sub(mine, 1);
		return true;
	}
	seat->place = index + 1;
	return true;
}

void
limits_leave(struct shm *shm, struct limits_seat *seat)
{
	if (seat->place != 0)
		atomic_fetch_sub(&counts_of(shm, seat->place - 1)[shm->me], 1);
	seat->place = 0;
}

uint64_t
limits_count(const struct shm *shm, uint64_t key)
{
	uint32_t index = find(shm, key);

	return index == LIMITS_NONE ? 0 : count_at(shm, index);
}

uint64_t
limits_most(const struct shm *shm, enum limits_kind kind)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < shm->limits_size; i++) {
		uint64_t count = count_at(shm, i);

		if ((atomic_load(&shm->limits_places[i].key) & 1) == (kind == LIMITS_CONNECTED))
			most = count > most ? count : most;
	}
	return most;
}

void
limits_recover(struct shm *shm)
{
	for (uint32_t i = 0; i < shm->limits_size; i++) {
		uint64_t mine = shm->me + 1;

		atomic_store(&counts_of(shm, i)[shm->me], 0);
		atomic_compare_exchange_strong(&shm->limits_places[i].key, &mine, 0);
	}
	for (int i = 0; i < LIMITS_ALL_MAX; i++)
		atomic_store(&shm->limits->all[i][shm->me], 0);
}

bool
limits_all_enter(struct shm *shm, enum limits_all which, uint64_t most)
{
	atomic_fetch_add(&shm->limits->all[which][shm->me], 1);
	if (limits_all_count(shm, which) <= most)
		return true;
	limits_all_leave(shm, which);
	return false;
}

void
limits_all_leave(struct shm *shm, enum limits_all which)
{
	atomic_fetch_sub(&shm->limits->all[which][shm->me], 1);
}

uint64_t
limits_all_count(const struct shm *shm, enum limits_all which)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < shm->workers; i++)
		sum += atomic_load(&shm->limits->all[which][i]);
	return sum;
}

limit_bucket *
limits_logins(struct shm *shm)
{
	return &shm->limits->logins;
}

/* --- the segment --- */

/* Two addresses or accounts for each session that there can be, and some that only try. */
static uint32_t
places_for(uint32_t max_sessions)
{
	uint32_t places = LIMITS_PLACES_LEAST;

	while (places < max_sessions * 2)
		places *= 2;
	return places;
}

uint64_t
limits_size(uint32_t max_sessions, uint32_t workers)
{
	uint64_t places = places_for(max_sessions);
	uint64_t size = sizeof(struct limits_header) + places * sizeof(struct limits_place) +
	    places * workers * sizeof(uint16_t);

	return (size + 4095) / 4096 * 4096;
}

void
limits_view(struct shm *shm, void *memory)
{
	char *bytes = memory;

	shm->limits_size = places_for(shm->max_sessions);
	shm->limits = memory;
	shm->limits_places = (struct limits_place *)(void *)(bytes + sizeof(struct limits_header));
	shm->limits_counts = (_Atomic uint16_t *)(void *)(shm->limits_places + shm->limits_size);
}
