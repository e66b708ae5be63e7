/* store_entry.c -- records of lists, numbered and summed by the store: how many there are without counting. */
#include <string.h>

#include "base/result.h"
#include "shm/store_record.h"

#define ENTRY_PLACE 8	/* the last bytes of a list's key */

/* A record of a list, as stored. */
struct entry_record {
	uint64_t	   version;
	struct store_entry entry;
};

static bool
on_predecessor(void *owner, struct slice key, struct slice value)
{
	if (value.length == sizeof(struct entry_record))
		memcpy(owner, value.data, value.length);
	return false;
}

int
store_entry_check(const struct store_change *change)
{
	return change->key.length > ENTRY_PLACE && change->key.length <= STORE_KEY_MAX &&
		change->value.length == 0
	    ? RESULT_OK
	    : RESULT_INVALID;
}

/* Records come in the order of their keys but for rare ones of two workers: then numbers are off by one or two. */
void
store_entry_put(struct store_apply *apply, const struct store_change *change, int *result)
{
	struct entry_record record = { 0 };
	struct slice list = slice_of(change->key.data, change->key.length - ENTRY_PLACE);
	uint64_t before;

	txn_each_back(apply->txn, change->table, list, change->key, on_predecessor, &record);
	before = record.entry.total;
	record.version = ++apply->version;
	record.entry.number++;
	record.entry.total += change->hashes;
	if (change->version != 0 &&
	    before / change->version != record.entry.total / change->version)
		*result = 1;
	txn_put(apply->txn, change->table, change->key, slice_of(&record, sizeof(record)));
}
