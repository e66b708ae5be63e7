/* fsck_stores.c -- checks the durable stores: accounts against their hosts, versions, and whose each record is. */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/result.h"
#include "shm/fsck_private.h"
#include "shm/store_record.h"

struct id {
	uint64_t	 id;
	struct named_key key;
};

/* What the accounts say of a host, against what its own record does. */
struct host {
	char		   name[256];
	struct host_record counted;
};

struct checker {
	struct fsck  *fsck;
	struct store *store;
	struct txn   *txn;
	uint64_t      version;		/* the last one given out */
	uint64_t      next_account;
	struct id    *ids;		/* of all accounts, sorted when all are there */
	size_t	      id_count;
	size_t	      id_room;
	struct host  *hosts;
	size_t	      host_count;
};

static struct slice
key_slice(const struct named_key *key)
{
	return slice_of(key->bytes, sizeof(key->bytes));
}

static void
name_jid(struct slice jid, char *out, size_t size)
{
	snprintf(out, size, SLICE_FMT, SLICE_ARG(jid));
}

/* --- the store's own records --- */

static bool
has_size(struct checker *checker, const char *name, size_t size)
{
	struct slice value;

	return txn_get(checker->txn, TABLE_META, slice_from_text(name), &value) &&
	    value.length == size;
}

static void
check_meta(struct checker *checker, enum store_kind kind)
{
	const struct {
		const char *name;
		size_t	    size;
	} records[] = { { "secret", STORE_SECRET_MAX }, { "hash_key", sizeof(struct hash_key) },
		{ "next_account", sizeof(uint64_t) }, { "version", sizeof(uint64_t) } };
	char where[32];

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		snprintf(where, sizeof(where), "%s: %s", kind == STORE_CORE ? "core" : "msg",
		    records[i].name);
		if (!has_size(checker, records[i].name, records[i].size))
			fsck_find(checker->fsck, FSCK_STORE_META, where,
			    "it is not there with %zu bytes", records[i].size);
	}
	checker->version = 0;
	store_meta_u64(checker->txn, "version", &checker->version);
	if (kind == STORE_CORE)
		store_meta_u64(checker->txn, "next_account", &checker->next_account);
}

/* --- accounts --- */

static void
remember_id(struct checker *checker, uint64_t id, struct slice key)
{
	if (checker->id_count == checker->id_room) {
		checker->id_room = checker->id_room == 0 ? 256 : checker->id_room * 2;
		checker->ids =
		    memory_resize(checker->ids, checker->id_room * sizeof(checker->ids[0]));
	}
	checker->ids[checker->id_count].id = id;
	memcpy(checker->ids[checker->id_count++].key.bytes, key.data,
	    sizeof(struct named_key));
}

static struct host *
get_host(struct checker *checker, struct slice name)
{
	struct host *host;

	for (size_t i = 0; i < checker->host_count; i++)
		if (slice_is(name, checker->hosts[i].name))
			return &checker->hosts[i];
	checker->hosts = memory_resize(checker->hosts,
	    (checker->host_count + 1) * sizeof(checker->hosts[0]));
	host = &checker->hosts[checker->host_count++];
	*host = (struct host){ 0 };
	name_jid(name, host->name, sizeof(host->name));
	return host;
}

static void
count_account(struct checker *checker, const struct account_record *record, struct slice jid)
{
	struct host *host = get_host(checker, store_host_of(jid));

	host->counted.accounts++;
	for (uint32_t i = 0; i < STORE_HASHES; i++)
		if ((record->hashes & 1u << i) != 0)
			host->counted.with_hash[i]++;
}

/* Where the list of its host has it. */
static void
host_entry_key(const struct store *store, struct slice jid, uint64_t id, uint64_t words[2])
{
	struct hash128 hash = store->hash(store, store_host_of(jid));

	words[0] = htobe64(hash.h[0]);
	words[1] = htobe64(id);
}

static void
check_account(struct checker *checker, struct slice key, const struct account_record *record,
    struct slice jid)
{
	struct hash128 hash = checker->store->hash(checker->store, jid);
	uint64_t words[2];
	struct slice entry;
	char where[112];

	name_jid(jid, where, sizeof(where));
	if (memcmp(key.data, &hash, sizeof(hash)) != 0)
		fsck_find(checker->fsck, FSCK_ACCOUNT_KEY, where,
		    "its key is not the hash of its name");
	if (record->id == 0 || record->id >= checker->next_account)
		fsck_find(checker->fsck, FSCK_ACCOUNT_ID, where, "its id is %llu, the next one %llu",
		    (unsigned long long)record->id, (unsigned long long)checker->next_account);
	if (record->version > checker->version)
		fsck_find(checker->fsck, FSCK_STORE_VERSION, where, "version %llu of %llu",
		    (unsigned long long)record->version, (unsigned long long)checker->version);
	host_entry_key(checker->store, jid, record->id, words);
	if (!txn_get(checker->txn, TABLE_ACCOUNT_HOST, slice_of(words, sizeof(words)), &entry) ||
	    !slice_equal(entry, key))
		fsck_find(checker->fsck, FSCK_ACCOUNT_HOST, where,
		    "the list of its host does not have it");
}

static bool
on_account(void *owner, struct slice key, struct slice value)
{
	struct checker *checker = owner;
	struct account_record record;
	struct slice jid;

	fsck_count(checker->fsck)->accounts++;
	if (key.length != sizeof(struct named_key) || value.length < sizeof(record))
		goto broken;
	memcpy(&record, value.data, sizeof(record));
	if (record.jid_length == 0 || record.jid_length > value.length - sizeof(record))
		goto broken;
	jid = slice_of(value.data + sizeof(record), record.jid_length);
	if (slice_find(jid, '@') == jid.length)
		goto broken;
	check_account(checker, key, &record, jid);
	count_account(checker, &record, jid);
	remember_id(checker, record.id, key);
	return true;
broken:
	fsck_find(checker->fsck, FSCK_ACCOUNT_RECORD, "an account", "it has %zu and %zu bytes",
	    key.length, value.length);
	return true;
}

static int
compare_ids(const void *left, const void *right)
{
	const struct id *a = left, *b = right;

	return a->id < b->id ? -1 : a->id > b->id;
}

static void
check_ids(struct checker *checker)
{
	char where[48];

	if (checker->id_count > 0)
		qsort(checker->ids, checker->id_count, sizeof(checker->ids[0]), compare_ids);
	for (size_t i = 1; i < checker->id_count; i++) {
		if (checker->ids[i].id != checker->ids[i - 1].id)
			continue;
		snprintf(where, sizeof(where), "account %llu",
		    (unsigned long long)checker->ids[i].id);
		fsck_find(checker->fsck, FSCK_ACCOUNT_ID, where, "two accounts have this id");
	}
}

static const struct id *
find_id(const struct checker *checker, uint64_t id)
{
	struct id wanted = { .id = id };

	return checker->id_count == 0
	    ? NULL
	    : bsearch(&wanted, checker->ids, checker->id_count, sizeof(wanted), compare_ids);
}

/* --- hosts --- */

static bool
on_host_entry(void *owner, struct slice key, struct slice value)
{
	struct checker *checker = owner;
	const struct id *found;
	uint64_t words[2];
	char where[48];

	if (key.length != sizeof(words)) {
		fsck_find(checker->fsck, FSCK_ACCOUNT_HOST, "an entry", "its key has %zu bytes",
		    key.length);
		return true;
	}
	memcpy(words, key.data, sizeof(words));
	snprintf(where, sizeof(where), "account %llu", (unsigned long long)be64toh(words[1]));
	found = find_id(checker, be64toh(words[1]));
	if (found == NULL)
		fsck_find(checker->fsck, FSCK_ACCOUNT_HOST, where,
		    "a host lists it, and there is no such account");
	else if (!slice_equal(value, key_slice(&found->key)))
		fsck_find(checker->fsck, FSCK_ACCOUNT_HOST, where, "a host lists it as another one");
	return true;
}

static bool
on_host(void *owner, struct slice key, struct slice value)
{
	struct checker *checker = owner;
	struct host_record record;
	struct host *host;
	struct slice name;
	char where[112];

	(void)key;
	if (value.length < sizeof(record)) {
		fsck_find(checker->fsck, FSCK_HOST_COUNTS, "a host", "it has %zu bytes",
		    value.length);
		return true;
	}
	memcpy(&record, value.data, sizeof(record));
	name = slice_after(value, sizeof(record));
	name_jid(name, where, sizeof(where));
	host = get_host(checker, name);
	if (record.accounts != host->counted.accounts)
		fsck_find(checker->fsck, FSCK_HOST_COUNTS, where,
		    "it counts %llu accounts, there are %llu", (unsigned long long)record.accounts,
		    (unsigned long long)host->counted.accounts);
	for (uint32_t i = 0; i < STORE_HASHES; i++)
		if (record.with_hash[i] != host->counted.with_hash[i])
			fsck_find(checker->fsck, FSCK_HOST_COUNTS, where,
			    "it counts %llu accounts with keys of hash %u, there are %llu",
			    (unsigned long long)record.with_hash[i], i,
			    (unsigned long long)host->counted.with_hash[i]);
	host->counted.host_length = 1;	/* its record is there */
	return true;
}

static void
check_missing_hosts(struct checker *checker)
{
	for (size_t i = 0; i < checker->host_count; i++)
		if (checker->hosts[i].counted.host_length == 0)
			fsck_find(checker->fsck, FSCK_HOST_COUNTS, checker->hosts[i].name,
			    "it has accounts and no record");
}

/* --- what features keep --- */

static const struct place {
	enum store_kind kind;
	int		table;
	const char     *name;
	bool		is_of_accounts;	/* keys begin with an account's id; 0 is the server's */
} places[] = {
	{ STORE_CORE, STORE_ROSTER, "roster", true },
	{ STORE_CORE, STORE_BLOCKLIST, "blocklist", true },
	{ STORE_CORE, STORE_PEP, "pep", true },
	{ STORE_CORE, STORE_ROOM, "room", false },
	{ STORE_CORE, STORE_PUSH, "push", true },
	{ STORE_CORE, STORE_DATA, "data", true },
	{ STORE_CORE, STORE_DELETED, "deleted", false },
	{ STORE_MSG, STORE_STANZA, "stanza", false },
	{ STORE_MSG, STORE_ARCHIVE, "archive", true },
	{ STORE_MSG, STORE_OFFLINE, "offline", true },
	{ STORE_MSG, STORE_PREFERENCES, "preferences", true },
};

struct placing {
	struct checker	   *checker;
	struct txn	   *core;
	const struct place *place;
	uint64_t	    last;	/* account looked up last: keys come in order */
	bool		    is_known;
};

/* What a deleted account has left is seen to by and by; until then it is remembered. */
static bool
exists(struct placing *placing, uint64_t account)
{
	uint64_t word = htobe64(account);
	struct slice value;

	if (account == placing->last)
		return placing->is_known;
	placing->last = account;
	placing->is_known = find_id(placing->checker, account) != NULL ||
	    txn_get(placing->core, STORE_DELETED, slice_of(&word, sizeof(word)), &value);
	return placing->is_known;
}

static bool
on_record(void *owner, struct slice key, struct slice value)
{
	struct placing *placing = owner;
	struct checker *checker = placing->checker;
	uint64_t word = 0;
	char where[64];

	fsck_count(checker->fsck)->records++;
	if (value.length >= sizeof(word))
		memcpy(&word, value.data, sizeof(word));
	if (value.length < sizeof(word) || word > checker->version) {
		snprintf(where, sizeof(where), "%s: a record", placing->place->name);
		fsck_find(checker->fsck, FSCK_STORE_VERSION, where, "version %llu of %llu",
		    (unsigned long long)word, (unsigned long long)checker->version);
	}
	if (!placing->place->is_of_accounts)
		return true;
	word = 0;
	if (key.length >= sizeof(word))
		memcpy(&word, key.data, sizeof(word));
	word = be64toh(word);
	if (exists(placing, word))
		return true;
	snprintf(where, sizeof(where), "%s: account %llu", placing->place->name,
	    (unsigned long long)word);
	fsck_find(checker->fsck, FSCK_DATA_OWNER, where, "there is no such account");
	return true;
}

static void
check_places(struct checker *checker, enum store_kind kind, struct txn *core)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct placing placing = { checker, core, &places[i], 0, true };

		if (places[i].kind == kind)
			txn_each(checker->txn, places[i].table, SLICE_EMPTY, SLICE_EMPTY,
			    on_record, &placing);
	}
}

/* --- both --- */

static void
check_error(struct fsck *fsck, struct txn *txn, const char *name)
{
	if (txn_error(txn) != RESULT_OK)
		fsck_find(fsck, FSCK_STORE_BROKEN, name, "%s", result_text(txn_error(txn)));
}

static void
check_core(struct checker *checker)
{
	check_meta(checker, STORE_CORE);
	txn_each(checker->txn, TABLE_ACCOUNT, SLICE_EMPTY, SLICE_EMPTY, on_account, checker);
	check_ids(checker);
	txn_each(checker->txn, TABLE_ACCOUNT_HOST, SLICE_EMPTY, SLICE_EMPTY, on_host_entry,
	    checker);
	txn_each(checker->txn, TABLE_HOST, SLICE_EMPTY, SLICE_EMPTY, on_host, checker);
	check_missing_hosts(checker);
	check_places(checker, STORE_CORE, checker->txn);
}

/* msg is read as it was before core: what it has for an account is there when the account is. */
void
fsck_stores(struct fsck *fsck, struct store *core, struct store *msg)
{
	struct txn *msg_txn = msg == NULL ? NULL : store_read(msg);
	struct txn *core_txn = store_read(core);
	struct checker checker = { .fsck = fsck, .store = core, .txn = core_txn };

	check_core(&checker);
	check_error(fsck, core_txn, "core");
	if (msg_txn != NULL) {
		checker.txn = msg_txn;
		check_meta(&checker, STORE_MSG);
		check_places(&checker, STORE_MSG, core_txn);
		check_error(fsck, msg_txn, "msg");
		txn_end(&msg_txn);
	}
	txn_end(&core_txn);
	memory_free(checker.ids);
	memory_free(checker.hosts);
}
