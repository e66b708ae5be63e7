/* registry_resume.c -- resume ids (XEP-0198): which session one names, and how far an ended one had come. */
#include "shm/registry_resume.h"

#include <endian.h>
#include <string.h>

#include "base/result.h"
#include "shm/registry_record.h"
#include "shm/slots.h"

/* Account first: what one account has is one range, and nobody finds the id of another. */
struct resume_key {
	uint64_t account;	/* big endian */
	char	 id[RESUME_ID_SIZE];
};
static_assert(sizeof(struct resume_key) == 32, "resume key");

struct resume_record {
	uint32_t slot;
	uint32_t epoch;
	uint64_t ended_us;	/* 0: it has not ended */
	uint32_t h;
	uint32_t reserved;
};
static_assert(sizeof(struct resume_record) == RESUME_RECORD_SIZE, "resume record");

static bool
make_key(uint64_t account, struct slice id, struct resume_key *key)
{
	if (id.length != RESUME_ID_SIZE)
		return false;
	key->account = htobe64(account);
	memcpy(key->id, id.data, RESUME_ID_SIZE);
	return true;
}

static struct slice
key_slice(const struct resume_key *key)
{
	return slice_of(key, sizeof(*key));
}

static bool
read_record(struct slice value, struct resume_record *record)
{
	if (value.length != sizeof(*record))
		return false;
	memcpy(record, value.data, sizeof(*record));
	return true;
}

static bool
is_live(const struct registry *registry, const struct resume_record *record)
{
	return registry_is_live(registry, (struct slot_ref){ record->slot, record->epoch });
}

bool
registry_resumable(struct registry *registry, struct txn *txn, uint64_t account, struct slice id,
    struct resumable *found)
{
	struct resume_record record;
	struct resume_key key;
	struct slice value;

	if (!make_key(account, id, &key) ||
	    !txn_get(txn, REGISTRY_SMID, key_slice(&key), &value) ||
	    !read_record(value, &record) ||
	    (record.ended_us == 0 && !is_live(registry, &record)))
		return false;
	*found = (struct resumable){ .session = { record.slot, record.epoch },
		.is_over = record.ended_us != 0,
		.h = record.h,
		.ended_us = record.ended_us };
	return true;
}

int
registry_resume_keep(struct registry *registry, uint64_t account, struct slice id,
    struct slot_ref session)
{
	struct resume_record record = { .slot = session.slot, .epoch = session.epoch };
	struct resume_key key;
	struct txn *txn;

	if (!make_key(account, id, &key))
		return RESULT_INVALID;
	txn = txn_write(registry->env);
	txn_put(txn, REGISTRY_SMID, key_slice(&key), slice_of(&record, sizeof(record)));
	return txn_commit(&txn);
}

/* --- those that have ended --- */

struct ended {
	int		  count;
	uint64_t	  oldest_us;
	struct resume_key oldest;
};

static bool
on_ended(void *owner, struct slice key, struct slice value)
{
	struct ended *ended = owner;
	struct resume_record record;

	if (!read_record(value, &record) || record.ended_us == 0 ||
	    key.length != sizeof(ended->oldest))
		return true;
	if (ended->count++ == 0 || record.ended_us < ended->oldest_us) {
		ended->oldest_us = record.ended_us;
		memcpy(&ended->oldest, key.data, sizeof(ended->oldest));
	}
	return true;
}

int
registry_resume_end(struct registry *registry, uint64_t account, struct slice id, uint32_t h,
    uint64_t now_us)
{
	struct resume_record record = { .ended_us = now_us, .h = h };
	struct ended ended = { 0 };
	struct resume_key key;
	struct txn *txn;

	if (!make_key(account, id, &key))
		return RESULT_INVALID;
	txn = txn_write(registry->env);
	txn_each(txn, REGISTRY_SMID, slice_of(&key.account, sizeof(key.account)), SLICE_EMPTY,
	    on_ended, &ended);
	if (ended.count >= RESUME_ENDED_MAX)
		txn_delete(txn, REGISTRY_SMID, key_slice(&ended.oldest));
	if (txn_entries(txn, REGISTRY_SMID) > UINT64_C(4) * registry->shm->max_sessions)
		txn_delete(txn, REGISTRY_SMID, key_slice(&key));
	else
		txn_put(txn, REGISTRY_SMID, key_slice(&key), slice_of(&record, sizeof(record)));
	return txn_commit(&txn);
}

/* --- sweeping --- */

#define SWEEP_BATCH 64

struct sweep {
	const struct registry *registry;
	uint64_t	       before_us;
	struct resume_key      key[SWEEP_BATCH];
	int		       count;
};

static bool
is_over(const struct sweep *sweep, struct slice value)
{
	struct resume_record record;

	if (!read_record(value, &record))
		return true;
	return record.ended_us == 0 ? !is_live(sweep->registry, &record)
				    : record.ended_us < sweep->before_us;
}

static bool
on_sweep(void *owner, struct slice key, struct slice value)
{
	struct sweep *sweep = owner;

	if (key.length == sizeof(struct resume_key) && is_over(sweep, value))
		memcpy(&sweep->key[sweep->count++], key.data, sizeof(struct resume_key));
	return sweep->count < SWEEP_BATCH;
}

/* Looked at again under the write lock: an id that was just made may name a session again. */
static int
remove_batch(struct registry *registry, const struct sweep *sweep)
{
	struct txn *txn = txn_write(registry->env);
	struct slice value;
	int removed = 0;
	int result;

	for (int i = 0; i < sweep->count; i++) {
		if (!txn_get(txn, REGISTRY_SMID, key_slice(&sweep->key[i]), &value) ||
		    !is_over(sweep, value))
			continue;
		txn_delete(txn, REGISTRY_SMID, key_slice(&sweep->key[i]));
		removed++;
	}
	result = txn_commit(&txn);
	return result == RESULT_OK ? removed : result;
}

int
registry_resume_sweep(struct registry *registry, uint64_t before_us)
{
	struct sweep sweep = { .registry = registry, .before_us = before_us };
	int total = 0;

	do {
		struct txn *txn = registry_read(registry);
		int removed;

		sweep.count = 0;
		txn_each(txn, REGISTRY_SMID, SLICE_EMPTY, SLICE_EMPTY, on_sweep, &sweep);
		txn_end(&txn);
		if (sweep.count == 0)
			break;
		removed = remove_batch(registry, &sweep);
		if (removed < 0)
			return removed;
		total += removed;
	} while (sweep.count == SWEEP_BATCH);
	return total;
}
