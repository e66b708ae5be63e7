/* registry_directed.c -- directed presence: whom a session must tell that it goes, though they do not see its presence. */
#include <endian.h>
#include <string.h>

#include "base/hash.h"
#include "base/result.h"
#include "shm/registry_record.h"

/* Session first: what one has directed is one range. */
struct directed_key {
	uint32_t slot;
	uint32_t epoch;
	uint64_t hash;		/* of the bare JID, under the instance's key */
};
static_assert(sizeof(struct directed_key) == 16, "directed key");

/* Then the address as it was used last, of which the first bare_length bytes are the bare JID. */
struct directed_record {
	uint16_t bare_length;
	uint16_t length;
};

static struct directed_key
directed_key(const struct registry *registry, struct slot_ref session, struct slice bare)
{
	return (struct directed_key){ htobe32(session.slot), htobe32(session.epoch),
		htobe64(registry->hash(registry->shm, bare)) };
}

static bool
read_record(struct slice value, struct slice *bare, struct slice *address)
{
	struct directed_record record;

	if (value.length < sizeof(record))
		return false;
	memcpy(&record, value.data, sizeof(record));
	value = slice_after(value, sizeof(record));
	if (value.length != record.length || record.bare_length > record.length)
		return false;
	*bare = slice_of(value.data, record.bare_length);
	*address = value;
	return true;
}

/* --- reading --- */

struct each_directed {
	bool (*each)(void *owner, struct slice bare, struct slice address);
	void *owner;
};

static bool
on_directed(void *owner, struct slice key, struct slice value)
{
	struct each_directed *all = owner;
	struct slice bare, address;

	(void)key;
	return !read_record(value, &bare, &address) || all->each(all->owner, bare, address);
}

void
registry_directed(struct registry *registry, struct txn *txn, struct slot_ref session,
    bool (*each)(void *owner, struct slice bare, struct slice address), void *owner)
{
	struct directed_key key = directed_key(registry, session, SLICE_EMPTY);
	struct each_directed all = { each, owner };

	txn_each(txn, REGISTRY_DPRES, slice_of(&key, 8), SLICE_EMPTY, on_directed, &all);
}

/* --- changing --- */

static bool
on_count(void *owner, struct slice bare, struct slice address)
{
	(void)bare;
	(void)address;
	(*(uint32_t *)owner)++;
	return true;
}

static uint32_t
count(struct registry *registry, struct txn *txn, struct slot_ref session)
{
	uint32_t number = 0;

	registry_directed(registry, txn, session, on_count, &number);
	return number;
}

static void
write(struct txn *txn, const struct directed_key *key, struct slice bare, struct slice address)
{
	struct directed_record record = { (uint16_t)bare.length, (uint16_t)address.length };
	char bytes[sizeof(record) + REGISTRY_JID_MAX + 1 + REGISTRY_RESOURCE_MAX];

	memcpy(bytes, &record, sizeof(record));
	memcpy(bytes + sizeof(record), address.data, address.length);
	txn_put(txn, REGISTRY_DPRES, slice_of(key, sizeof(*key)),
	    slice_of(bytes, sizeof(record) + address.length));
}

int
registry_direct(struct registry *registry, struct slot_ref session, struct slice bare,
    struct slice address, uint32_t max)
{
	struct directed_key key = directed_key(registry, session, bare);
	struct slice value, old_bare, old_address;
	struct txn *txn;
	bool is_there, fits;

	if (address.length > REGISTRY_JID_MAX + 1 + REGISTRY_RESOURCE_MAX ||
	    !slice_starts_with(address, bare))
		return RESULT_INVALID;
	txn = txn_write(registry->env);
	is_there = txn_get(txn, REGISTRY_DPRES, slice_of(&key, sizeof(key)), &value) &&
	    read_record(value, &old_bare, &old_address);
	/* Another address of that hash keeps its place: nobody meets two of them but by an attack on the hash. */
	fits = is_there ? slice_equal(old_bare, bare) : count(registry, txn, session) < max;
	if (!fits) {
		txn_end(&txn);
		return RESULT_FULL;
	}
	write(txn, &key, bare, address);
	return txn_commit(&txn);
}

int
registry_undirect(struct registry *registry, struct slot_ref session, struct slice bare)
{
	struct directed_key key = directed_key(registry, session, bare);
	struct txn *txn = registry_read(registry);
	struct slice value;
	bool is_there = txn_get(txn, REGISTRY_DPRES, slice_of(&key, sizeof(key)), &value);

	txn_end(&txn);
	if (!is_there)
		return RESULT_NOT_FOUND;
	txn = txn_write(registry->env);
	txn_delete(txn, REGISTRY_DPRES, slice_of(&key, sizeof(key)));
	return txn_commit(&txn);
}

#define BATCH 64

struct batch {
	struct directed_key key[BATCH];
	int		    count;
};

static bool
on_batch(void *owner, struct slice key, struct slice value)
{
	struct batch *batch = owner;

	(void)value;
	if (key.length == sizeof(batch->key[0]))
		memcpy(&batch->key[batch->count++], key.data, key.length);
	return batch->count < BATCH;
}

/* Most sessions have directed nothing, and cost one read. */
int
registry_undirect_all(struct registry *registry, struct slot_ref session)
{
	struct directed_key prefix = directed_key(registry, session, SLICE_EMPTY);
	struct batch batch;
	int result = RESULT_OK;

	do {
		struct txn *txn = registry_read(registry);

		batch.count = 0;
		txn_each(txn, REGISTRY_DPRES, slice_of(&prefix, 8), SLICE_EMPTY, on_batch, &batch);
		txn_end(&txn);
		if (batch.count == 0)
			break;
		txn = txn_write(registry->env);
		for (int i = 0; i < batch.count; i++)
			txn_delete(txn, REGISTRY_DPRES,
			    slice_of(&batch.key[i], sizeof(batch.key[i])));
		result = txn_commit(&txn);
	} while (result == RESULT_OK && batch.count == BATCH);
	return result;
}
