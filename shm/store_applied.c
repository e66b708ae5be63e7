/* store_applied.c -- what became of requests, committed with them: so a replacement does none of them twice. */
#include "shm/store_server_private.h"

#include <endian.h>
#include <string.h>

#include "base/memory.h"
#include "base/result.h"

static struct applied_key
applied_key(const struct store_server *server, const struct channel *channel)
{
	return (struct applied_key){
		.instance = htobe64(server->shm->instance->header.instance),
		.ring = htobe32(channel->number),
	};
}

void
store_applied_read(struct store_server *server, struct channel *channel, struct txn *txn)
{
	struct applied_key key = applied_key(server, channel);
	struct applied_record record;
	struct slice value;

	if (!txn_get(txn, TABLE_APPLIED, slice_of(&key, sizeof(key)), &value) ||
	    value.length < sizeof(record))
		return;
	memcpy(&record, value.data, sizeof(record));
	value = slice_after(value, sizeof(record));
	channel->applied = record.last;
	for (uint32_t i = 0; i < channel->taken; i++) {
		uint64_t place = channel->first + i - record.first;

		if (channel->first + i >= record.first && channel->first + i <= record.last &&
		    place < value.length / sizeof(struct outcome))
			memcpy(&channel->outcomes[i],
			    value.data + place * sizeof(struct outcome), sizeof(struct outcome));
	}
}

void
store_applied_write(struct store_server *server, struct channel *channel, struct txn *txn)
{
	struct applied_key key = applied_key(server, channel);
	struct applied_record record = {
		.first = channel->first,
		.last = channel->first + channel->taken - 1,
	};
	size_t length = sizeof(record) + channel->taken * sizeof(struct outcome);
	char *bytes = memory_new(length);

	memcpy(bytes, &record, sizeof(record));
	memcpy(bytes + sizeof(record), channel->outcomes,
	    channel->taken * sizeof(struct outcome));
	txn_put(txn, TABLE_APPLIED, slice_of(&key, sizeof(key)), slice_of(bytes, length));
	memory_free(bytes);
}

struct forgetting {
	uint64_t	   instance;
	struct applied_key keys[64];
	int		   count;
};

static bool
on_applied(void *owner, struct slice key, struct slice value)
{
	struct forgetting *old = owner;
	struct applied_key found;

	if (key.length != sizeof(found))
		return true;
	memcpy(&found, key.data, sizeof(found));
	if (found.instance != old->instance)
		old->keys[old->count++] = found;
	return old->count < 64;
}

int
store_applied_forget_others(struct store_server *server)
{
	struct forgetting old = { .instance = htobe64(server->shm->instance->header.instance) };
	int result = RESULT_OK;

	do {
		struct txn *txn = store_read(server->store);

		old.count = 0;
		txn_each(txn, TABLE_APPLIED, SLICE_EMPTY, SLICE_EMPTY, on_applied, &old);
		txn_end(&txn);
		if (old.count == 0)
			break;
		txn = txn_write(store_env(server->store));
		for (int i = 0; i < old.count; i++)
			txn_delete(txn, TABLE_APPLIED, slice_of(&old.keys[i], sizeof(old.keys[i])));
		result = txn_commit(&txn);
	} while (result == RESULT_OK);
	return result;
}
