/* fsck_journal.c -- checks the journal, in which entries of lists stand first, and walks it for who knows the lists. */
#include <stdio.h>

#include "shm/fsck.h"
#include "shm/store_record.h"

struct walk {
	struct fsck *fsck;
	bool (*each)(void *owner, int table, struct slice key, const struct store_entry *entry);
	void *owner;
};

static bool
on_record(void *owner, struct slice key, struct slice value)
{
	const struct walk *walk = owner;
	struct slice rest = value;

	while (rest.length > 0) {
		struct journal_item item;
		struct slice entry_key;

		if (key.length != sizeof(uint64_t) ||
		    !store_journal_take(&rest, &item, &entry_key)) {
			fsck_find(walk->fsck, FSCK_JOURNAL_RECORD, "journal",
			    "a record of %zu bytes cannot be read", value.length);
			return true;
		}
		if (!walk->each(walk->owner, (int)item.table, entry_key, &item.entry))
			return false;
	}
	return true;
}

void
fsck_journal(struct fsck *fsck, struct txn *msg,
    bool (*each)(void *owner, int table, struct slice key, const struct store_entry *entry),
    void *owner)
{
	struct walk walk = { fsck, each, owner };

	txn_each(msg, TABLE_JOURNAL, SLICE_EMPTY, SLICE_EMPTY, on_record, &walk);
}
