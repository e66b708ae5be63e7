/* registry_sweep.c -- all records of the registry: those that outlived their sessions are removed, and damage is found. */
#include <string.h>

#include "base/result.h"
#include "shm/registry_record.h"
#include "shm/slots.h"

#define SWEEP_BATCH 64

struct sweep {
	const struct registry *registry;
	struct session_key     key[SWEEP_BATCH];
	int		       count;
};

/* The session has ended, or its slot belongs to a worker number that this server does not have. */
static bool
is_over(const struct registry *registry, struct slot_ref ref)
{
	struct slot *slot = slot_find(registry->shm, ref);
	uint32_t owner;

	if (slot == NULL)
		return true;
	owner = atomic_load(&slot->owner);
	return owner == 0 || owner > registry->shm->workers;
}

static bool
on_sweep(void *owner, struct slice key, struct slice value)
{
	struct sweep *sweep = owner;
	struct registry_session session;

	if (session_record_read(key, value, &session) &&
	    is_over(sweep->registry, session.session))
		memcpy(sweep->key[sweep->count++].bytes, key.data, sizeof(sweep->key[0].bytes));
	return sweep->count < SWEEP_BATCH;
}

/* Looked at again under the write lock: the resource may have been bound anew. */
static int
remove_batch(struct registry *registry, const struct sweep *sweep)
{
	struct txn *txn = txn_write(registry->env);
	struct registry_session session;
	struct slot_ref gone[SWEEP_BATCH];
	struct slice value;
	int removed = 0;
	int result;

	for (int i = 0; i < sweep->count; i++) {
		const struct session_key *key = &sweep->key[i];

		if (!txn_get(txn, REGISTRY_SESSION, session_key_slice(key), &value) ||
		    !session_record_read(session_key_slice(key), value, &session) ||
		    !is_over(registry, session.session))
			continue;
		registry_remove(txn, key, session.session);
		gone[removed++] = session.session;
	}
	result = txn_commit(&txn);
	for (int i = 0; i < removed && result == RESULT_OK; i++)
		result = registry_undirect_all(registry, gone[i]);
	return result == RESULT_OK ? removed : result;
}

/* --- of those that have left --- */

static bool
on_left(void *owner, struct slice key, struct slice value)
{
	struct registry *registry = owner;
	struct slot_ref session;
	uint64_t account;

	if (leaving_record_read(key, value, &account, &session) && is_over(registry, session))
		registry_left(registry, account, session);
	return registry->left_count < LEFT_MAX;
}

/* Nobody believes them: they only take room. */
static int
sweep_left(struct registry *registry)
{
	int result = RESULT_OK;
	bool is_more = true;

	while (is_more && result == RESULT_OK) {
		struct txn *txn = registry_read(registry);

		txn_each(txn, REGISTRY_LEAVING, SLICE_EMPTY, SLICE_EMPTY, on_left, registry);
		txn_end(&txn);
		is_more = registry->left_count == LEFT_MAX;
		result = registry_forget_all_left(registry);
	}
	return result;
}

/* --- of those that are bound --- */

int
registry_sweep(struct registry *registry)
{
	struct sweep sweep = { .registry = registry };
	int total = 0;
	int result = sweep_left(registry);

	if (result != RESULT_OK)
		return result;

	do {
		struct txn *txn = registry_read(registry);
		int removed;

		sweep.count = 0;
		txn_each(txn, REGISTRY_SESSION, SLICE_EMPTY, SLICE_EMPTY, on_sweep, &sweep);
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

struct check {
	int  table;
	bool is_whole;
};

static bool
on_check(void *owner, struct slice key, struct slice value)
{
	struct check *check = owner;
	struct registry_session session;

	if (check->table == REGISTRY_SESSION)
		check->is_whole = session_record_read(key, value, &session);
	return check->is_whole;
}

int
registry_check(struct registry *registry)
{
	struct txn *txn = registry_read(registry);
	struct check check = { .is_whole = true };
	int result;

	for (; check.table < REGISTRY_TABLES && check.is_whole; check.table++)
		txn_each(txn, check.table, SLICE_EMPTY, SLICE_EMPTY, on_check, &check);
	result = txn_error(txn);
	txn_end(&txn);
	return check.is_whole ? result : RESULT_CORRUPT;
}
