/* store_apply.c -- a request's changes: all conditions first, then all of it, in one transaction. */
#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "base/result.h"
#include "shm/store_record.h"

void
store_apply_open(struct store_apply *apply, struct store *store)
{
	*apply = (struct store_apply){ .store = store, .txn = txn_write(store->env) };
	store_meta_u64(apply->txn, "version", &apply->version);
	store_meta_u64(apply->txn, "next_account", &apply->next_account);
}

void
store_apply_begin(struct store_apply *apply, struct store *store)
{
	store_journal_settle(store);
	store_apply_open(apply, store);
	store_journal_begin(apply);
}

int
store_apply_commit(struct store_apply *apply)
{
	int result;

	if (apply->is_changed) {
		store_journal_end(apply);
		store_meta_set_u64(apply->txn, "version", apply->version);
		store_meta_set_u64(apply->txn, "next_account", apply->next_account);
	}
	result = txn_commit(&apply->txn);
	if (result != RESULT_OK)
		store_journal_give_up(apply);
	return result;
}

void
store_apply_give_up(struct store_apply *apply)
{
	txn_end(&apply->txn);
	store_journal_give_up(apply);
}

static bool
is_place(const struct store *store, int table)
{
	if (store->kind == STORE_MSG)
		return table >= STORE_STANZA && table <= STORE_PREFERENCES;
	return table >= STORE_ROSTER && table <= STORE_DELETED;
}

static int
check_set(struct store_apply *apply, const struct store_change *change)
{
	uint64_t version = 0;
	struct slice value;

	if (!is_place(apply->store, change->table) || change->key.length == 0 ||
	    change->key.length > STORE_KEY_MAX ||
	    (change->table == STORE_DELETED && change->value.length > 0))
		return RESULT_INVALID;
	if (change->version == STORE_ANY_VERSION)
		return RESULT_OK;
	store_get(apply->store, apply->txn, (enum store_place)change->table, change->key, &value,
	    &version);
	return version == change->version ? RESULT_OK : RESULT_CONFLICT;
}

/* The log grows at its end: pages filled to the brim, and no search. */
static bool
is_greatest(struct store_apply *apply, const struct store_change *change)
{
	struct slice key, value;

	if (apply->store->kind != STORE_MSG || change->table != STORE_STANZA ||
	    change->key.length != sizeof(apply->last_stanza))
		return false;
	if (!apply->is_last_known && txn_last(apply->txn, STORE_STANZA, &key, &value) &&
	    key.length == sizeof(apply->last_stanza))
		memcpy(apply->last_stanza, key.data, key.length);
	apply->is_last_known = true;
	if (memcmp(change->key.data, apply->last_stanza, sizeof(apply->last_stanza)) <= 0)
		return false;
	memcpy(apply->last_stanza, change->key.data, sizeof(apply->last_stanza));
	return true;
}

static void
put_value(struct store_apply *apply, const struct store_change *change, struct slice value)
{
	if (is_greatest(apply, change))
		txn_append(apply->txn, change->table, change->key, value);
	else
		txn_put(apply->txn, change->table, change->key, value);
}

void
store_put_versioned(struct store_apply *apply, const struct store_change *change)
{
	uint64_t version = ++apply->version;
	size_t length = sizeof(version) + change->value.length;
	char *bytes = memory_new(length);

	memcpy(bytes, &version, sizeof(version));
	memcpy(bytes + sizeof(version), change->value.data, change->value.length);
	put_value(apply, change, slice_of(bytes, length));
	memory_free(bytes);
}

static void
set(struct store_apply *apply, const struct store_change *change)
{
	store_journal_yield(apply, change);
	if (change->value.length == 0)
		txn_delete(apply->txn, change->table, change->key);
	else
		store_put_versioned(apply, change);
}

static int
check(struct store_apply *apply, const struct store_change *change)
{
	switch (change->verb) {
	case STORE_ACCOUNT_PUT:
	case STORE_ACCOUNT_DELETE:
		return apply->store->kind == STORE_CORE ? store_account_check(apply, change)
							: RESULT_INVALID;
	case STORE_SET:
		return check_set(apply, change);
	case STORE_QUEUE_ADD:
	case STORE_QUEUE_DROP:
		return is_place(apply->store, change->table) ? store_queue_check(apply, change)
							     : RESULT_INVALID;
	case STORE_ENTER:
		return is_place(apply->store, change->table) ? store_entry_check(apply, change)
							     : RESULT_INVALID;
	}
	return RESULT_INVALID;
}

static void
make(struct store_apply *apply, const struct store_change *change, uint64_t *account,
    int *result)
{
	switch (change->verb) {
	case STORE_ACCOUNT_PUT:
		store_account_put(apply, change, account);
		break;
	case STORE_ACCOUNT_DELETE:
		store_account_delete(apply, change, account);
		break;
	case STORE_SET:
		set(apply, change);
		break;
	case STORE_QUEUE_ADD:
		store_queue_add(apply, change);
		break;
	case STORE_QUEUE_DROP:
		store_queue_drop(apply, change);
		break;
	case STORE_ENTER:
		store_entry_put(apply, change, result);
		break;
	}
}

static int
table_of(const struct store_change *change)
{
	return change->verb >= STORE_SET ? change->table : TABLE_ACCOUNT;
}

static bool
same_record(const struct store_change *a, const struct store_change *b)
{
	return table_of(a) == table_of(b) && slice_equal(a->key, b->key);
}

/* Conditions are those before the request, so no change may meet another of the same request. */
static bool
are_apart(const struct store_change *changes, int count)
{
	for (int i = 1; i < count; i++)
		for (int j = 0; j < i; j++)
			if (same_record(&changes[i], &changes[j]))
				return false;
	return true;
}

/* What only takes away is done on a full disk too: or how should there ever be room again? */
static bool
makes_room(const struct store_change *changes, int count)
{
	for (int i = 0; i < count; i++)
		if (changes[i].verb != STORE_QUEUE_DROP &&
		    changes[i].verb != STORE_ACCOUNT_DELETE &&
		    (changes[i].verb != STORE_SET || changes[i].value.length > 0))
			return false;
	return true;
}

int
store_apply_request(struct store_apply *apply, const struct store_change *changes, int count,
    uint64_t *account)
{
	int result = RESULT_OK;

	*account = 0;
	if (count < 1 || count > STORE_CHANGES_MAX || !are_apart(changes, count))
		return RESULT_INVALID;
	for (int i = 0; i < count; i++) {
		result = check(apply, &changes[i]);
		if (txn_error(apply->txn) != RESULT_OK)
			return txn_error(apply->txn);
		if (result != RESULT_OK)
			return result;
	}
	if (txn_is_tight(apply->txn) && !makes_room(changes, count))
		return RESULT_FULL;
	for (int i = 0; i < count; i++) {
		make(apply, &changes[i], account, &result);
		apply->touched |= 1u << table_of(&changes[i]);
	}
	apply->is_changed = true;
	return txn_error(apply->txn) == RESULT_OK ? result : txn_error(apply->txn);
}

int
store_apply(struct store *store, const struct store_change *changes, int count,
    uint64_t *account)
{
	struct store_apply apply;
	uint64_t id;
	int result, committed;

	ensure(store->lock_fd >= 0);
	store_apply_begin(&apply, store);
	result = store_apply_request(&apply, changes, count, account != NULL ? account : &id);
	if (result < RESULT_OK) {
		store_apply_give_up(&apply);
		return result;
	}
	committed = store_apply_commit(&apply);
	return committed == RESULT_OK ? result : committed;
}
