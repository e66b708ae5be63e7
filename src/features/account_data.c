/* account_data.c -- small things kept for an account: key account, space and a name's hash. */
#include "features/account_data.h"

#include <endian.h>

#include "base/hash.h"
#include "base/log.h"
#include "stream/server.h"
#include "xml/fragment.h"
#include "xml/writer.h"

#define HEAD_SIZE (sizeof(uint64_t) + sizeof(uint16_t))

/* The hash's key lasts as long as the data directory, and is not the one its secret is used with elsewhere. */
static struct hash128
hash_name(const struct server *server, struct slice name)
{
	struct hash_key key;
	struct hash128 hash;

	memcpy(&key, server->secret, sizeof(key));
	hash = hash128(&key, SLICE("account data"));
	memcpy(&key, &hash, sizeof(key));
	return hash128(&key, name);
}

struct slice
account_data_key(struct arena *arena, const struct server *server, uint64_t account,
    enum data_space space, struct slice name)
{
	uint64_t ordered_account = htobe64(account);
	uint16_t ordered_space = htobe16((uint16_t)space);
	struct hash128 hash;
	char *key = arena_alloc(arena, HEAD_SIZE + sizeof(hash));

	memcpy(key, &ordered_account, sizeof(ordered_account));
	memcpy(key + sizeof(ordered_account), &ordered_space, sizeof(ordered_space));
	if (name.length == 0)
		return slice_of(key, HEAD_SIZE);
	hash = hash_name(server, name);
	memcpy(key + HEAD_SIZE, &hash, sizeof(hash));
	return slice_of(key, HEAD_SIZE + sizeof(hash));
}

bool
account_data_get(const struct server *server, struct txn *txn, struct slice key,
    struct slice *value, uint64_t *version)
{
	if (store_get(server->core, txn, STORE_DATA, key, value, version))
		return true;
	*value = SLICE_EMPTY;
	*version = 0;
	return false;
}

struct store_change
account_data_change(struct slice key, uint64_t version, struct slice value)
{
	return (struct store_change){ .verb = STORE_SET,
		.table = STORE_DATA,
		.version = version,
		.key = key,
		.value = value };
}

struct element *
account_data_element(struct arena *arena, const struct server *server, struct slice key)
{
	struct txn *txn = store_read(server->core);
	struct slice value;
	struct element *element = NULL;
	uint64_t version;
	bool is_there = account_data_get(server, txn, key, &value, &version);

	if (is_there)
		element = fragment_read(arena, value);
	txn_end(&txn);
	if (is_there && element == NULL)
		log_error(LOG_FEATURE, "corrupt element", "version=%llu",
		    (unsigned long long)version);
	return element;
}

struct slice
account_data_bytes(struct arena *arena, const struct element *element, size_t most)
{
	size_t size = writer_write(element, NS_CLIENT, NULL, 0);
	char *bytes;

	if (size > most)
		return SLICE_EMPTY;
	bytes = arena_alloc(arena, size);
	writer_write(element, NS_CLIENT, bytes, size);
	return slice_of(bytes, size);
}

bool
account_data_is_blank(const struct element *element)
{
	return element->attributes == NULL && element->first == NULL;
}
