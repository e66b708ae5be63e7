/* store_accounts.c -- accounts in core: by name, by host, counted by host, made and deleted. */
#include <endian.h>
#include <string.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "shm/store_record.h"

struct host_key {
	uint64_t word[2];	/* hash of the host, account id: big endian */
};

struct slice
store_host_of(struct slice jid)
{
	size_t at = slice_find(jid, '@');

	return at == jid.length ? jid : slice_after(jid, at + 1);
}

static struct slice
key_slice(const struct named_key *key)
{
	return slice_of(key->bytes, sizeof(key->bytes));
}

static void
read_account(const struct named_record *found, struct account *account)
{
	struct account_record record;

	memcpy(&record, found->fixed, sizeof(record));
	*account = (struct account){
		.id = record.id,
		.version = record.version,
		.jid = slice_of(found->fixed + sizeof(record), record.jid_length),
		.record = found->rest,
		.hashes = record.hashes,
	};
}

static bool
find_account(struct store *store, struct txn *txn, struct slice jid, struct named_record *found,
    struct account *account)
{
	if (!store_named(store, txn, TABLE_ACCOUNT, sizeof(struct account_record), jid, found) ||
	    !found->is_found)
		return false;
	read_account(found, account);
	return true;
}

bool
store_account(struct store *store, struct txn *txn, struct slice jid, struct account *account)
{
	struct named_record found;

	return find_account(store, txn, jid, &found, account);
}

uint64_t
store_account_id(struct store *store, struct txn *txn, struct slice jid)
{
	struct account account;

	return store_account(store, txn, jid, &account) ? account.id : 0;
}

/* --- what deleted ones have left --- */

static bool
on_deleted(void *owner, struct slice key, struct slice value)
{
	struct store_deleted *found = owner;
	struct deleted_record record;
	uint64_t word;

	if (key.length != sizeof(word) || value.length <= sizeof(record))
		return true;
	memcpy(&word, key.data, sizeof(word));
	memcpy(&record, value.data, sizeof(record));
	*found = (struct store_deleted){ be64toh(word), record.when_us,
		slice_after(value, sizeof(record)) };
	return false;
}

bool
store_deleted(struct store *store, struct txn *txn, uint64_t from, struct store_deleted *found)
{
	uint64_t word = htobe64(from);

	found->id = 0;
	txn_each(txn, STORE_DELETED, SLICE_EMPTY, slice_of(&word, sizeof(word)), on_deleted,
	    found);
	return found->id != 0;
}

static void
write_deleted(struct store_apply *apply, const struct account *account)
{
	struct deleted_record record = { ++apply->version, clock_wall_us() };
	uint64_t word = htobe64(account->id);
	char bytes[sizeof(record) + STORE_NAME_MAX];

	memcpy(bytes, &record, sizeof(record));
	memcpy(bytes + sizeof(record), account->jid.data, account->jid.length);
	txn_put(apply->txn, STORE_DELETED, slice_of(&word, sizeof(word)),
	    slice_of(bytes, sizeof(record) + account->jid.length));
}

/* --- hosts --- */

static struct host_key
host_key(struct store *store, struct slice host, uint64_t id)
{
	struct hash128 hash = store->hash(store, host);

	return (struct host_key){ { htobe64(hash.h[0]), htobe64(id) } };
}

struct host_listing {
	struct store *store;
	struct txn   *txn;
	struct slice  host;
	bool (*each)(void *owner, const struct account *account);
	void *owner;
};

static bool
on_host_entry(void *owner, struct slice key, struct slice value)
{
	struct host_listing *listing = owner;
	struct named_record found;
	struct account_record record;
	struct account account;
	struct slice stored;

	if (!txn_get(listing->txn, TABLE_ACCOUNT, value, &stored) ||
	    stored.length < sizeof(record))
		return true;
	memcpy(&record, stored.data, sizeof(record));
	if (stored.length - sizeof(record) < record.jid_length)
		return true;
	found.fixed = stored.data;
	found.rest = slice_after(stored, sizeof(record) + record.jid_length);
	read_account(&found, &account);
	if (!slice_equal(store_host_of(account.jid), listing->host))
		return true;
	return listing->each(listing->owner, &account);
}

void
store_accounts(struct store *store, struct txn *txn, struct slice host,
    bool (*each)(void *owner, const struct account *account), void *owner)
{
	struct host_listing listing = { store, txn, host, each, owner };
	struct host_key key = host_key(store, host, 0);

	txn_each(txn, TABLE_ACCOUNT_HOST, slice_of(&key.word[0], sizeof(key.word[0])),
	    SLICE_EMPTY, on_host_entry, &listing);
}

static bool
find_host(struct store *store, struct txn *txn, struct slice host, struct named_record *found,
    struct host_record *record)
{
	if (!store_named(store, txn, TABLE_HOST, sizeof(*record), host, found) ||
	    !found->is_found)
		return false;
	memcpy(record, found->fixed, sizeof(*record));
	return true;
}

uint32_t
store_host_hashes(struct store *store, struct txn *txn, struct slice host, uint64_t *accounts)
{
	struct named_record found;
	struct host_record record;
	uint32_t hashes = 0;

	*accounts = 0;
	if (!find_host(store, txn, host, &found, &record) || record.accounts == 0)
		return UINT32_MAX;
	*accounts = record.accounts;
	for (uint32_t i = 0; i < STORE_HASHES; i++)
		if (record.with_hash[i] == record.accounts)
			hashes |= 1u << i;
	return hashes;
}

/* One account more (+1) or less (-1) with these hashes. */
static void
count_host(struct store_apply *apply, struct slice host, uint32_t hashes, int by)
{
	struct named_record found;
	struct host_record record = { .host_length = (uint32_t)host.length };
	char bytes[sizeof(record) + STORE_NAME_MAX];

	find_host(apply->store, apply->txn, host, &found, &record);
	record.accounts += (uint64_t)by;
	for (uint32_t i = 0; i < STORE_HASHES; i++)
		if ((hashes & 1u << i) != 0)
			record.with_hash[i] += (uint64_t)by;
	if (record.accounts == 0) {
		txn_delete(apply->txn, TABLE_HOST, key_slice(&found.key));
		return;
	}
	memcpy(bytes, &record, sizeof(record));
	memcpy(bytes + sizeof(record), host.data, host.length);
	txn_put(apply->txn, TABLE_HOST, key_slice(&found.key),
	    slice_of(bytes, sizeof(record) + host.length));
}

/* --- changes --- */

/* Conditions of a change, which is not made yet. */
int
store_account_check(struct store_apply *apply, const struct store_change *change)
{
	struct named_record found;
	struct host_record host;
	struct account account;
	size_t at = slice_find(change->key, '@');

	if (change->key.length > STORE_NAME_MAX || at == 0 || at + 1 >= change->key.length)
		return RESULT_INVALID;
	if (!find_account(apply->store, apply->txn, change->key, &found, &account)) {
		if (change->verb == STORE_ACCOUNT_DELETE)
			return RESULT_NOT_FOUND;
		if (change->version != 0 && change->version != STORE_ANY_VERSION)
			return RESULT_CONFLICT;
		if (found.key.bytes[16] == UINT8_MAX)
			return RESULT_FULL;
		find_host(apply->store, apply->txn, store_host_of(change->key), &found, &host);
		return found.key.bytes[16] == UINT8_MAX ? RESULT_FULL : RESULT_OK;
	}
	if (change->version == STORE_ANY_VERSION || change->version == account.version)
		return RESULT_OK;
	if (change->version != 0)
		return RESULT_CONFLICT;
	return change->verb == STORE_ACCOUNT_DELETE ? RESULT_OK : RESULT_EXISTS;
}

static void
write_account(struct store_apply *apply, const struct named_key *key,
    const struct store_change *change, uint64_t id)
{
	struct account_record record = {
		.jid_length = (uint32_t)change->key.length,
		.hashes = change->hashes,
		.id = id,
		.version = ++apply->version,
	};
	size_t length = sizeof(record) + change->key.length + change->value.length;
	char *bytes = memory_new(length);

	memcpy(bytes, &record, sizeof(record));
	memcpy(bytes + sizeof(record), change->key.data, change->key.length);
	if (change->value.length > 0)
		memcpy(bytes + sizeof(record) + change->key.length, change->value.data,
		    change->value.length);
	txn_put(apply->txn, TABLE_ACCOUNT, key_slice(key), slice_of(bytes, length));
	memory_wipe(bytes, length);
	memory_free(bytes);
}

void
store_account_put(struct store_apply *apply, const struct store_change *change,
    uint64_t *id)
{
	struct slice host = store_host_of(change->key);
	struct named_record found;
	struct host_key index;
	struct account account;

	if (find_account(apply->store, apply->txn, change->key, &found, &account)) {
		*id = account.id;
		count_host(apply, host, account.hashes, -1);
	} else {
		*id = apply->next_account++;
		index = host_key(apply->store, host, *id);
		txn_put(apply->txn, TABLE_ACCOUNT_HOST, slice_of(&index, sizeof(index)),
		    key_slice(&found.key));
	}
	count_host(apply, host, change->hashes, 1);
	write_account(apply, &found.key, change, *id);
}

void
store_account_delete(struct store_apply *apply, const struct store_change *change, uint64_t *id)
{
	struct slice host = store_host_of(change->key);
	struct named_record found;
	struct host_key index;
	struct account account;

	if (!find_account(apply->store, apply->txn, change->key, &found, &account))
		return;
	*id = account.id;
	write_deleted(apply, &account);
	index = host_key(apply->store, host, account.id);
	txn_delete(apply->txn, TABLE_ACCOUNT, key_slice(&found.key));
	txn_delete(apply->txn, TABLE_ACCOUNT_HOST, slice_of(&index, sizeof(index)));
	count_host(apply, host, account.hashes, -1);
}
