/* leftovers.c -- counts what stands in the durable store under an account's id, place by place, for deletion_test.py. */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/result.h"
#include "shm/store.h"

static const struct {
	enum store_kind	 store;
	enum store_place place;
	const char	*name;
} places[] = {
	{ STORE_CORE, STORE_ROSTER, "roster" },
	{ STORE_CORE, STORE_BLOCKLIST, "blocklist" },
	{ STORE_CORE, STORE_PEP, "pep" },
	{ STORE_CORE, STORE_ROOM, "room" },
	{ STORE_CORE, STORE_PUSH, "push" },
	{ STORE_CORE, STORE_DATA, "data" },
	{ STORE_CORE, STORE_DELETED, "deleted" },
	{ STORE_MSG, STORE_ARCHIVE, "archive" },
	{ STORE_MSG, STORE_OFFLINE, "offline" },
	{ STORE_MSG, STORE_PREFERENCES, "preferences" },
};

static bool
count(void *owner, struct slice key, struct slice value, uint64_t version)
{
	++*(unsigned *)owner;
	return true;
}

static unsigned
records(struct store *store, enum store_place place, struct slice prefix)
{
	struct txn *txn = store_read(store);
	unsigned found = 0;

	store_each(store, txn, place, prefix, count, &found);
	txn_end(&txn);
	return found;
}

static bool
count_entry(void *owner, uint64_t place, const struct store_entry *entry)
{
	++*(unsigned *)owner;
	return true;
}

/* Archived messages may stand in the journal still. */
static unsigned
entries(struct store *msg, uint64_t id)
{
	uint64_t list[2] = { id, 0 };
	struct txn *txn = store_read(msg);
	unsigned found = 0;

	store_each_entry(msg, txn, STORE_ARCHIVE, slice_of(list, sizeof(list)), 0, UINT64_MAX,
	    false, count_entry, &found);
	txn_end(&txn);
	return found;
}

static void
print_id(struct store *core, const char *jid)
{
	struct txn *txn = store_read(core);

	printf("id %llu\n",
	    (unsigned long long)store_account_id(core, txn, slice_from_text(jid)));
	txn_end(&txn);
}

static void
print_places(struct store **stores, uint64_t account)
{
	uint64_t id = htobe64(account);

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		unsigned found = records(stores[places[i].store], places[i].place,
		    slice_of(&id, sizeof(id)));

		if (found > 0)
			printf("%s %u\n", places[i].name, found);
	}
	if (entries(stores[STORE_MSG], id) > 0)
		printf("archived %u\n", entries(stores[STORE_MSG], id));
}

/* Of a JID its id; of an id what stands under it; of neither how many messages are in the log. */
int
main(int argc, char **argv)
{
	struct store *stores[STORE_COUNT];

	if (argc < 2 || argc > 3)
		return 2;
	for (int i = 0; i < STORE_COUNT; i++)
		if (store_open(argv[1], (enum store_kind)i, false, &stores[i]) != RESULT_OK)
			return 1;
	if (argc == 2)
		printf("stanza %u\n", records(stores[STORE_MSG], STORE_STANZA, SLICE_EMPTY));
	else if (strchr(argv[2], '@') != NULL)
		print_id(stores[STORE_CORE], argv[2]);
	else
		print_places(stores, strtoull(argv[2], NULL, 10));
	for (int i = 0; i < STORE_COUNT; i++)
		store_close(&stores[i]);
	return 0;
}
