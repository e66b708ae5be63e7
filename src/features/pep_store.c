/* pep_store.c -- personal nodes in the durable store. */
#include "features/pep_store.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "features/turn.h"
#include "stream/server.h"

/* Keys are an account, a kind, and hashes: none, the node's, or the node's and the item's. */
enum { KIND_OF_ACCOUNT = 'a', KIND_OF_NODE = 'n', KIND_OF_ITEM = 'i' };

#define KEY_HEAD (sizeof(uint64_t) + 1)
#define KEY_SIZE (KEY_HEAD + 2 * sizeof(struct hash128))

struct account_record {
	uint64_t bytes;
	uint32_t nodes;
	uint32_t reserved;
};

/* Then id and payload. */
struct item_record {
	uint64_t serial;
	uint64_t time_us;
	uint32_t id_length;
	uint32_t reserved;
};

static struct slice
make_key(struct pep *pep, char kind, const struct hash128 *node, const struct hash128 *item)
{
	uint64_t word = htobe64(pep->account);
	char *key = arena_alloc(pep->arena, KEY_SIZE);
	size_t length = KEY_HEAD;

	memcpy(key, &word, sizeof(word));
	key[sizeof(word)] = kind;
	if (node != NULL) {
		memcpy(key + length, node, sizeof(*node));
		length += sizeof(*node);
	}
	if (item != NULL) {
		memcpy(key + length, item, sizeof(*item));
		length += sizeof(*item);
	}
	return slice_of(key, length);
}

/* The hash's key lasts as long as the data directory, and is not the one its secret is used with elsewhere. */
static struct hash128
hash_of(struct pep *pep, struct slice name)
{
	struct hash_key key;
	struct hash128 hash;

	memcpy(&key, pep->server->secret, sizeof(key));
	hash = hash128(&key, SLICE("pep"));
	memcpy(&key, &hash, sizeof(key));
	return hash128(&key, name);
}

static struct slice
item_key(struct pep *pep, const struct pep_node *node, struct slice id)
{
	struct hash128 hash = hash_of(pep, id);

	return make_key(pep, KIND_OF_ITEM, &node->hash, &hash);
}

/* --- reading --- */

static bool
get(struct pep *pep, struct slice key, struct slice *value, uint64_t *version)
{
	return store_get(pep->server->core, pep->txn, STORE_PEP, key, value, version);
}

/* What cannot be read is told where it is met, and nothing is written over it. */
static void
mark_corrupt(struct pep *pep, const char *what)
{
	log_error(LOG_FEATURE, "corrupt personal node", "account=%llu record=%s",
	    (unsigned long long)pep->account, what);
	pep->is_corrupt = true;
}

void
pep_read(struct pep *pep, struct server *server, struct arena *arena, struct txn *txn,
    uint64_t account)
{
	struct account_record record;
	struct slice value;

	*pep = (struct pep){ .server = server, .arena = arena, .txn = txn, .account = account };
	if (!get(pep, make_key(pep, KIND_OF_ACCOUNT, NULL, NULL), &value, &pep->read_version)) {
		pep->read_version = 0;
		return;
	}
	if (value.length != sizeof(record)) {
		mark_corrupt(pep, "account");
		return;
	}
	memcpy(&record, value.data, sizeof(record));
	pep->bytes = record.bytes;
	pep->nodes = record.nodes;
}

bool
pep_find_node(struct pep *pep, struct slice name, struct pep_node *node)
{
	struct hash128 hash = hash_of(pep, name);
	struct slice value;
	uint64_t version;

	*node = (struct pep_node){ .name = name,
		.hash = hash,
		.affiliations = SLICE_EMPTY,
		.subscriptions = SLICE_EMPTY };
	pep_config_default(name, &node->config);
	if (!get(pep, make_key(pep, KIND_OF_NODE, &hash, NULL), &value, &version))
		return false;
	if (!pep_node_unpack(value, node) || !slice_equal(node->name, name)) {
		mark_corrupt(pep, "node");
		node->exists = false;
	}
	node->name = name;
	return node->exists;
}

static bool
unpack_item(struct slice value, struct pep_item *item)
{
	struct item_record record;

	if (value.length < sizeof(record))
		return false;
	memcpy(&record, value.data, sizeof(record));
	value = slice_after(value, sizeof(record));
	if (record.id_length > value.length)
		return false;
	item->serial = record.serial;
	item->time_us = record.time_us;
	item->id = slice_of(value.data, record.id_length);
	item->payload = slice_after(value, record.id_length);
	return true;
}

bool
pep_find_item(struct pep *pep, const struct pep_node *node, struct slice id,
    struct pep_item *item)
{
	struct slice value;
	uint64_t version;

	if (!get(pep, item_key(pep, node, id), &value, &version))
		return false;
	if (unpack_item(value, item) && slice_equal(item->id, id))
		return true;
	mark_corrupt(pep, "item");
	return false;
}

/* What store_each() finds, in an array that grows. */
struct found {
	struct pep *pep;
	char	   *all;
	size_t	    size;		/* of one */
	int	    count, room;
	bool	  (*unpack)(struct slice value, void *one);
};

static bool
on_record(void *owner, struct slice key, struct slice value, uint64_t version)
{
	struct found *found = owner;
	size_t used = (size_t)found->count * found->size;

	if (found->count == found->room) {
		found->room = found->room == 0 ? 16 : 2 * found->room;
		found->all = arena_grow(found->pep->arena, found->all, used,
		    (size_t)found->room * found->size);
	}
	if (found->unpack(value, found->all + used))
		found->count++;
	else
		mark_corrupt(found->pep, "record");
	return true;
}

static bool
unpack_any_item(struct slice value, void *item)
{
	return unpack_item(value, item);
}

static bool
unpack_any_node(struct slice value, void *node)
{
	return pep_node_unpack(value, node);
}

static int
by_serial(const void *a, const void *b)
{
	const struct pep_item *one = a, *other = b;

	return (one->serial > other->serial) - (one->serial < other->serial);
}

int
pep_items(struct pep *pep, const struct pep_node *node, struct pep_item **items)
{
	struct found found = { .pep = pep, .size = sizeof(**items), .unpack = unpack_any_item };

	store_each(pep->server->core, pep->txn, STORE_PEP,
	    make_key(pep, KIND_OF_ITEM, &node->hash, NULL), on_record, &found);
	*items = (struct pep_item *)(void *)found.all;
	if (found.count > 0)
		qsort(found.all, (size_t)found.count, sizeof(**items), by_serial);
	return found.count;
}

int
pep_nodes(struct pep *pep, struct pep_node **nodes)
{
	struct found found = { .pep = pep, .size = sizeof(**nodes), .unpack = unpack_any_node };

	store_each(pep->server->core, pep->txn, STORE_PEP,
	    make_key(pep, KIND_OF_NODE, NULL, NULL), on_record, &found);
	*nodes = (struct pep_node *)(void *)found.all;
	for (int i = 0; i < found.count; i++)
		(*nodes)[i].hash = hash_of(pep, (*nodes)[i].name);
	return found.count;
}

/* --- changing --- */

static void
add(struct turn_request *request, struct slice key, uint64_t version, struct slice value)
{
	request->change[request->count++] = (struct store_change){ .verb = STORE_SET,
		.table = STORE_PEP,
		.version = version,
		.key = key,
		.value = value };
}

/* Places stay for nodes and the account, and for what is kept elsewhere. */
bool
pep_has_room(const struct turn_request *request)
{
	return request->count < request->most - 8;
}

static uint64_t
size_of(const struct pep_item *item)
{
	return item == NULL ? 0 : sizeof(struct item_record) + item->id.length + item->payload.length;
}

void
pep_put_item(struct pep *pep, struct pep_node *node, const struct pep_item *item,
    const struct pep_item *old, struct turn_request *request)
{
	struct item_record record = { .serial = item->serial,
		.time_us = item->time_us,
		.id_length = (uint32_t)item->id.length };
	char *value = arena_alloc(pep->arena, size_of(item));

	memcpy(value, &record, sizeof(record));
	memcpy(value + sizeof(record), item->id.data, item->id.length);
	memcpy(value + sizeof(record) + item->id.length, item->payload.data,
	    item->payload.length);
	add(request, item_key(pep, node, item->id), STORE_ANY_VERSION,
	    slice_of(value, size_of(item)));
	pep->bytes += size_of(item) - size_of(old);
	node->items += old == NULL;
}

void
pep_drop_item(struct pep *pep, struct pep_node *node, const struct pep_item *item,
    struct turn_request *request)
{
	add(request, item_key(pep, node, item->id), STORE_ANY_VERSION, SLICE_EMPTY);
	pep->bytes -= size_of(item);
	node->items--;
}

struct slice
pep_put_node(struct pep *pep, const struct pep_node *node, bool existed,
    struct turn_request *request)
{
	struct slice bytes = pep_node_pack(pep->arena, node);

	pep->nodes += node->exists;
	pep->nodes -= existed;
	add(request, make_key(pep, KIND_OF_NODE, &node->hash, NULL), STORE_ANY_VERSION,
	    node->exists ? bytes : SLICE_EMPTY);
	return bytes;
}

void
pep_put_account(struct pep *pep, struct turn_request *request)
{
	struct account_record record = { .bytes = pep->bytes, .nodes = pep->nodes };

	add(request, make_key(pep, KIND_OF_ACCOUNT, NULL, NULL), pep->read_version,
	    arena_copy(pep->arena, slice_of(&record, sizeof(record))));
}
