/* limits.h -- how much an address, an account or everybody together has had, counted for all workers in one table. */
#pragma once

#include "base/slice.h"
#include "shm/shm.h"

enum limit {
#define LIMIT(symbol, option) symbol,
#include "shm/limits.def"
#undef LIMIT
	LIMIT_COUNT
};

/* The option behind a limit. */
const char *limit_name(enum limit limit);

/* Somebody met it: counted over all workers, and never back. */
void	limit_bite(const struct shm *shm, enum limit limit);
uint64_t limit_bites(const struct shm *shm, enum limit limit);

/* The same at the end of a condition, which it leaves as it is. */
static inline bool
limit_met(const struct shm *shm, enum limit limit)
{
	limit_bite(shm, limit);
	return true;
}

/* The most that was seen. */
void	limit_reached(const struct shm *shm, enum limit limit, uint64_t value);
uint64_t limit_peak(const struct shm *shm, enum limit limit);

/* --- rates: a bucket that leaks --- */

/*
 * `burst` at once, then `count` more in each period. burst 0: no limit. It is kept as the moment when all that
 * was had will have leaked away: one word, one compare-and-swap, nothing that a killed worker could leave half done.
 */
struct limit_rate {
	uint64_t count;		/* in each period */
	uint64_t period_us;
	uint64_t burst;
};

/* count in so many milliseconds; count 0: no limit. */
struct limit_rate limit_rate(int64_t count, uint64_t period_ms, int64_t burst);

/* now_ms below is clock_ms(), or a little before: who has asked already need not ask again. */

/* A bucket: in a table of many, or a word of one's own. Zero is empty. */
typedef _Atomic uint64_t limit_bucket;

/* 0: there was room, and it is taken. Else how many milliseconds until there is; nothing is taken. */
uint64_t limit_take(limit_bucket *bucket, struct limit_rate rate, uint64_t count,
	    uint64_t now_ms);

/* Takes it in any case. How many milliseconds to wait before anything more. */
uint64_t limit_charge(limit_bucket *bucket, struct limit_rate rate, uint64_t count,
	    uint64_t now_ms);

/* As limit_take(), taking nothing. */
uint64_t limit_wait(const limit_bucket *bucket, struct limit_rate rate, uint64_t count,
	    uint64_t now_ms);

/* How many of the burst are in use. */
uint64_t limit_used(const limit_bucket *bucket, struct limit_rate rate, uint64_t now_ms);

/* --- who --- */

/* LIMITS_CONNECTED is an address again: what it has there besides those that are counted as LIMITS_ADDRESS. */
enum limits_kind { LIMITS_ADDRESS = 1, LIMITS_NETWORK, LIMITS_NAME, LIMITS_ACCOUNT, LIMITS_CONNECTED };

/* Buckets of one; which is for what its kind decides. */
enum limits_bucket {
	BUCKET_CONNECTIONS = 0, BUCKET_FAILURES = 1,	/* of addresses, networks, names */
	BUCKET_BINDS = 0, BUCKET_BYTES = 1, BUCKET_STANZAS = 2,	/* of accounts */
};

/*
 * A keyed hash: nothing in the table tells who it was, and nobody can choose who shares a place. Its last bit tells the
 * connected from the others.
 */
uint64_t limits_key(const struct shm *shm, enum limits_kind kind, struct slice who);

/*
 * The bucket, for use at once: the place may be another's later, when all in it is empty. NULL where the table is full
 * of others that count connections: then there is no limit. Of others the one that has to wait least is forgotten.
 */
limit_bucket *limits_bucket(struct shm *shm, uint64_t key, enum limits_bucket which);

/* --- how many at once --- */

/* Where one is counted; zeroed: nowhere. */
struct limits_seat {
	uint32_t place;	/* + 1 */
};

/*
 * Counts one more unless there are `most` already, over all workers: false. A worker's own part is forgotten when its
 * replacement comes (limits_recover()), since its connections are gone.
 */
bool	limits_enter(struct shm *shm, uint64_t key, uint64_t most, struct limits_seat *seat);
void	limits_leave(struct shm *shm, struct limits_seat *seat);
uint64_t limits_count(const struct shm *shm, uint64_t key);
void	limits_recover(struct shm *shm);

/* The most that any of them has now, of LIMITS_ADDRESS or LIMITS_CONNECTED: for rookeryctl. */
uint64_t limits_most(const struct shm *shm, enum limits_kind kind);

/* What everybody shares. */
enum limits_all { ALL_UNAUTHENTICATED };
bool	limits_all_enter(struct shm *shm, enum limits_all which, uint64_t most);
void	limits_all_leave(struct shm *shm, enum limits_all which);
uint64_t limits_all_count(const struct shm *shm, enum limits_all which);
limit_bucket *limits_logins(struct shm *shm);
