/* roster_record.c -- how a roster stands in the store: its keys. */
#include "features/roster_record.h"

#include <endian.h>
#include <string.h>

#include "base/hash.h"

struct slice
roster_key(char out[ROSTER_KEY_MAX], uint64_t account, enum roster_kind kind, struct slice name)
{
	uint64_t word = htobe64(account);

	memcpy(out, &word, sizeof(word));
	out[sizeof(word)] = (char)kind;
	memcpy(out + ROSTER_KEY_HEAD, name.data, name.length);
	return slice_of(out, ROSTER_KEY_HEAD + name.length);
}

/* The hash's key lasts as long as the data directory, and is not the one its secret is used with elsewhere. */
struct slice
roster_item_key(char out[ROSTER_KEY_MAX], const uint8_t secret[32], uint64_t account,
    struct slice jid)
{
	struct hash_key key;
	struct hash128 hash;

	memcpy(&key, secret, sizeof(key));
	hash = hash128(&key, SLICE("roster"));
	memcpy(&key, &hash, sizeof(key));
	hash = hash128(&key, jid);
	return roster_key(out, account, ROSTER_ITEM, slice_of(&hash, sizeof(hash)));
}

bool
roster_key_read(struct slice key, uint64_t *account, enum roster_kind *kind)
{
	size_t name = key.length - ROSTER_KEY_HEAD;
	uint64_t word;

	if (key.length < ROSTER_KEY_HEAD)
		return false;
	memcpy(&word, key.data, sizeof(word));
	*account = be64toh(word);
	*kind = (enum roster_kind)key.data[sizeof(word)];
	switch (*kind) {
	case ROSTER_META:
		return name == 0;
	case ROSTER_ITEM:
		return name == sizeof(struct hash128);
	case ROSTER_CHANGE:
		return name == sizeof(word);
	}
	return false;
}
