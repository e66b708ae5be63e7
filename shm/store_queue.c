/* store_queue.c -- queues in the store: values under a name in the order of their coming, within limits. */
#include "shm/store_record.h"

#include <endian.h>
#include <string.h>

#include "base/memory.h"
#include "base/result.h"

#define NUMBER ((uint32_t)sizeof(uint64_t))
#define ENTRY_KEY_MAX (STORE_QUEUE_NAME_MAX + NUMBER)

/* Stands under the queue's name, so it comes before all entries; `last` only grows, also when nothing is left. */
struct tally {
	uint64_t entries;
	uint64_t octets;
	uint64_t last;		/* number of the newest entry ever */
};

static struct tally
read_tally(struct store *store, struct txn *txn, int table, struct slice name)
{
	struct tally tally = { 0 };
	struct slice value;
	uint64_t version;

	if (store_get(store, txn, (enum store_place)table, name, &value, &version) &&
	    value.length == sizeof(tally))
		memcpy(&tally, value.data, sizeof(tally));
	return tally;
}

static void
put(struct store_apply *apply, int table, struct slice key, struct slice value)
{
	store_put_versioned(apply, &(struct store_change){ .table = table, .key = key,
				       .value = value });
}

static struct slice
entry_key(char memory[ENTRY_KEY_MAX], struct slice name, uint64_t number)
{
	uint64_t ordered = htobe64(number);

	memcpy(memory, name.data, name.length);
	memcpy(memory + name.length, &ordered, NUMBER);
	return slice_of(memory, name.length + NUMBER);
}

uint64_t
store_queue_number(struct slice key)
{
	uint64_t ordered;

	memcpy(&ordered, key.data + key.length - NUMBER, NUMBER);
	return be64toh(ordered);
}

void
store_queue(struct store *store, struct txn *txn, enum store_place place, struct slice name,
    struct store_queue *queue)
{
	struct tally tally = read_tally(store, txn, (int)place, name);

	*queue = (struct store_queue){ tally.entries, tally.octets };
}

/* --- adding --- */

int
store_queue_check(struct store_apply *apply, const struct store_change *change)
{
	struct tally tally;

	if (change->verb == STORE_QUEUE_DROP)
		return change->key.length > NUMBER && change->key.length <= ENTRY_KEY_MAX
		    ? RESULT_OK
		    : RESULT_INVALID;
	if (change->key.length == 0 || change->key.length > STORE_QUEUE_NAME_MAX ||
	    change->value.length == 0)
		return RESULT_INVALID;
	tally = read_tally(apply->store, apply->txn, change->table, change->key);
	return tally.entries >= change->hashes || tally.octets > change->version ||
		change->value.length > change->version - tally.octets
	    ? RESULT_FULL
	    : RESULT_OK;
}

void
store_queue_add(struct store_apply *apply, const struct store_change *change)
{
	struct tally tally = read_tally(apply->store, apply->txn, change->table, change->key);
	char memory[ENTRY_KEY_MAX];

	tally.entries++;
	tally.octets += change->value.length;
	tally.last++;
	put(apply, change->table, entry_key(memory, change->key, tally.last), change->value);
	put(apply, change->table, change->key, slice_of(&tally, sizeof(tally)));
}

/* --- dropping --- */

struct dropping {
	size_t	  name;		/* bytes of it */
	uint64_t  up_to;
	uint64_t *numbers;
	size_t	  count;
	size_t	  room;
	uint64_t  octets;
};

static bool
gather(void *owner, struct slice key, struct slice stored)
{
	struct dropping *dropping = owner;

	if (key.length != dropping->name + NUMBER)
		return true;
	if (store_queue_number(key) > dropping->up_to)
		return false;
	if (dropping->count == dropping->room) {
		dropping->room = dropping->room == 0 ? 64 : dropping->room * 2;
		dropping->numbers = memory_resize(dropping->numbers,
		    dropping->room * sizeof(uint64_t));
	}
	dropping->numbers[dropping->count++] = store_queue_number(key);
	dropping->octets += stored.length - sizeof(uint64_t);
	return true;
}

void
store_queue_drop(struct store_apply *apply, const struct store_change *change)
{
	struct slice name = slice_of(change->key.data, change->key.length - NUMBER);
	struct dropping dropping = { .name = name.length,
		.up_to = store_queue_number(change->key) };
	struct tally tally = read_tally(apply->store, apply->txn, change->table, name);
	char memory[ENTRY_KEY_MAX];

	txn_each(apply->txn, change->table, name, SLICE_EMPTY, gather, &dropping);
	for (size_t i = 0; i < dropping.count; i++)
		txn_delete(apply->txn, change->table,
		    entry_key(memory, name, dropping.numbers[i]));
	if (dropping.count > 0) {
		tally.entries -= dropping.count;
		tally.octets -= dropping.octets;
		put(apply, change->table, name, slice_of(&tally, sizeof(tally)));
	}
	memory_free(dropping.numbers);
}
