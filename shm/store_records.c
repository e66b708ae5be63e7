/* store_records.c -- the durable data is read: a record by its name, and what features keep. */
#include "shm/store_record.h"

#include <string.h>

#include "base/log.h"
#include "shm/shm.h"

/* --- records found by name --- */

struct name_search {
	struct slice	     name;
	size_t		     fixed_size;
	uint8_t		     next;	/* the lowest number nobody has */
	bool		     is_next_known;
	struct named_record *found;
};

static bool
read_named(struct name_search *search, struct slice value)
{
	uint32_t length;

	if (value.length < search->fixed_size)
		return false;
	memcpy(&length, value.data, sizeof(length));
	if (value.length - search->fixed_size < length)
		return false;
	search->found->fixed = value.data;
	search->found->rest = slice_after(value, search->fixed_size + length);
	return slice_equal(slice_of(value.data + search->fixed_size, length), search->name);
}

static bool
on_named(void *owner, struct slice key, struct slice value)
{
	struct name_search *search = owner;
	uint8_t number = (uint8_t)key.data[key.length - 1];

	if (key.length != sizeof(struct named_key))
		return true;
	if (number == search->next && number != UINT8_MAX)
		search->next++;
	if (!read_named(search, value))
		return true;
	memcpy(search->found->key.bytes, key.data, key.length);
	search->found->is_found = true;
	return false;
}

bool
store_named(struct store *store, struct txn *txn, int table, size_t fixed_size,
    struct slice name, struct named_record *found)
{
	struct hash128 hash = store->hash(store, name);
	struct name_search search = { .name = name, .fixed_size = fixed_size, .found = found };

	found->is_found = false;
	txn_each(txn, table, slice_of(&hash, sizeof(hash)), SLICE_EMPTY, on_named, &search);
	if (found->is_found)
		return true;
	memcpy(found->key.bytes, &hash, sizeof(hash));
	found->key.bytes[sizeof(hash)] = search.next;
	if (search.next == UINT8_MAX)
		log_error(LOG_STORE, "no key left for a name", "table=%d", table);
	return search.next != UINT8_MAX;
}

/* --- places of features --- */

uint64_t
store_changes(const struct shm *shm, enum store_kind kind, int place)
{
	return atomic_load(&shm->instance->store_changes[kind][place]);
}

static bool
read_versioned(struct slice stored, struct slice *value, uint64_t *version)
{
	if (stored.length < sizeof(*version))
		return false;
	memcpy(version, stored.data, sizeof(*version));
	*value = slice_after(stored, sizeof(*version));
	return true;
}

bool
store_get(struct store *store, struct txn *txn, enum store_place place, struct slice key,
    struct slice *value, uint64_t *version)
{
	struct slice stored;

	return txn_get(txn, (int)place, key, &stored) && read_versioned(stored, value, version);
}

struct each_versioned {
	bool (*each)(void *owner, struct slice key, struct slice value, uint64_t version);
	void *owner;
};

static bool
on_versioned(void *owner, struct slice key, struct slice stored)
{
	struct each_versioned *all = owner;
	struct slice value;
	uint64_t version;

	return !read_versioned(stored, &value, &version) ||
	    all->each(all->owner, key, value, version);
}

void
store_each(struct store *store, struct txn *txn, enum store_place place, struct slice prefix,
    bool (*each)(void *owner, struct slice key, struct slice value, uint64_t version),
    void *owner)
{
	struct each_versioned all = { each, owner };

	txn_each(txn, (int)place, prefix, SLICE_EMPTY, on_versioned, &all);
}

void
store_each_from(struct store *store, struct txn *txn, enum store_place place,
    struct slice prefix, struct slice from, bool downwards,
    bool (*each)(void *owner, struct slice key, struct slice value, uint64_t version),
    void *owner)
{
	struct each_versioned all = { each, owner };

	if (downwards)
		txn_each_back(txn, (int)place, prefix, from, on_versioned, &all);
	else
		txn_each(txn, (int)place, prefix, from, on_versioned, &all);
}
