/* archive_record.c -- what stands in the store for an archived message: in the log once, in an index of each end. */
#include "features/archive_record.h"

#include <endian.h>
#include <string.h>

/* The fixed part of a message in the log; from, to and the stanza follow. In the machine's order. */
struct head {
	struct archive_end end[ARCHIVE_ENDS];
	uint32_t	   from_length;
	uint32_t	   to_length;
};

/* --- keys --- */

void
archive_key(uint64_t account, uint64_t peer, uint64_t id, char out[ARCHIVE_KEY_SIZE])
{
	uint64_t words[3] = { htobe64(account), htobe64(peer), htobe64(id) };

	memcpy(out, words, sizeof(words));
}

uint64_t
archive_key_id(struct slice key)
{
	uint64_t id = 0;

	if (key.length >= sizeof(id))
		memcpy(&id, key.data + key.length - sizeof(id), sizeof(id));
	return be64toh(id);
}

void
archive_log_key(uint64_t id, char out[8])
{
	uint64_t word = htobe64(id);

	memcpy(out, &word, sizeof(word));
}

/* --- messages --- */

struct slice
archive_pack(struct arena *arena, const struct archive_record *record)
{
	struct head head = { .from_length = (uint32_t)record->from.length,
		.to_length = (uint32_t)record->to.length };
	size_t length = sizeof(head) + record->from.length + record->to.length +
	    record->stanza.length;
	char *bytes = arena_alloc(arena, length), *at = bytes;

	memcpy(head.end, record->end, sizeof(head.end));
	memcpy(at, &head, sizeof(head));
	at += sizeof(head);
	slice_copy(slice_copy(slice_copy(at, record->from), record->to), record->stanza);
	return slice_of(bytes, length);
}

static bool
take(struct slice *value, size_t length, struct slice *out)
{
	if (length > value->length)
		return false;
	*out = slice_of(value->data, length);
	*value = slice_after(*value, length);
	return true;
}

bool
archive_unpack(struct slice value, struct archive_record *record)
{
	struct head head;
	struct slice bytes;

	if (!take(&value, sizeof(head), &bytes))
		return false;
	memcpy(&head, bytes.data, sizeof(head));
	memcpy(record->end, head.end, sizeof(head.end));
	if (!take(&value, head.from_length, &record->from) ||
	    !take(&value, head.to_length, &record->to))
		return false;
	record->stanza = value;
	return true;
}

bool
archive_read(struct store *store, struct txn *txn, uint64_t id, struct archive_record *record)
{
	char key[8];
	struct slice value;
	uint64_t version;

	archive_log_key(id, key);
	return store_get(store, txn, STORE_STANZA, slice_of(key, sizeof(key)), &value,
		   &version) &&
	    archive_unpack(value, record);
}

/* --- lists --- */

struct walk {
	bool (*each)(void *owner, const struct archive_item *item);
	void *owner;
};

static bool
on_entry(void *owner, uint64_t id, const struct store_entry *entry)
{
	struct walk *walk = owner;
	struct archive_item item = { id, *entry };

	return walk->each(walk->owner, &item);
}

void
archive_each(struct store *store, struct txn *txn, struct archive_end list, uint64_t from,
    uint64_t to, bool downwards, bool (*each)(void *owner, const struct archive_item *item),
    void *owner)
{
	struct walk walk = { each, owner };
	char key[ARCHIVE_KEY_SIZE];

	archive_key(list.account, list.peer, 0, key);
	store_each_entry(store, txn, STORE_ARCHIVE, slice_of(key, ARCHIVE_LIST_SIZE), from, to,
	    downwards, on_entry, &walk);
}

struct edge {
	struct archive_item *item;
	bool		     is_there;
};

static bool
on_edge(void *owner, const struct archive_item *item)
{
	struct edge *edge = owner;

	*edge->item = *item;
	edge->is_there = true;
	return false;
}

bool
archive_edge(struct store *store, struct txn *txn, struct archive_end list, uint64_t from,
    uint64_t to, bool last, struct archive_item *item)
{
	struct edge edge = { item, false };

	archive_each(store, txn, list, from, to, last, on_edge, &edge);
	return edge.is_there;
}

bool
archive_has(struct store *store, struct txn *txn, uint64_t account, uint64_t id,
    struct archive_item *item)
{
	struct archive_end list = { account, 0 };

	return archive_edge(store, txn, list, id, id, false, item);
}

/* --- changes --- */

static struct slice
key_in(struct arena *arena, uint64_t account, uint64_t peer, uint64_t id)
{
	char *key = arena_alloc(arena, ARCHIVE_KEY_SIZE);

	archive_key(account, peer, id, key);
	return slice_of(key, ARCHIVE_KEY_SIZE);
}

static struct slice
log_key_in(struct arena *arena, uint64_t id)
{
	char *key = arena_alloc(arena, 8);

	archive_log_key(id, key);
	return slice_of(key, 8);
}

static void
add(struct archive_changes *changes, enum store_verb verb, int table, struct slice key)
{
	changes->change[changes->count++] = (struct store_change){ .verb = verb,
		.table = table,
		.version = verb == STORE_SET ? STORE_ANY_VERSION : 0,
		.key = key };
}

void
archive_put(struct archive_changes *changes, uint64_t id, const struct archive_record *record,
    uint64_t step)
{
	struct slice value = archive_pack(changes->arena, record);

	add(changes, STORE_SET, STORE_STANZA, log_key_in(changes->arena, id));
	changes->change[changes->count - 1].value = value;
	for (int i = 0; i < ARCHIVE_ENDS; i++) {
		const struct archive_end *end = &record->end[i];

		if (end->account == 0)
			continue;
		add(changes, STORE_ENTER, STORE_ARCHIVE,
		    key_in(changes->arena, end->account, 0, id));
		changes->change[changes->count - 1].hashes = (uint32_t)value.length;
		changes->change[changes->count - 1].version = step;
		add(changes, STORE_ENTER, STORE_ARCHIVE,
		    key_in(changes->arena, end->account, end->peer, id));
	}
}

void
archive_remove_end(struct archive_changes *changes, uint64_t id,
    const struct archive_end *end)
{
	if (end->account == 0)
		return;
	add(changes, STORE_SET, STORE_ARCHIVE, key_in(changes->arena, end->account, 0, id));
	if (end->peer != 0)
		add(changes, STORE_SET, STORE_ARCHIVE,
		    key_in(changes->arena, end->account, end->peer, id));
}

void
archive_remove_stanza(struct archive_changes *changes, uint64_t id)
{
	add(changes, STORE_SET, STORE_STANZA, log_key_in(changes->arena, id));
}
