/* archive_id.c -- the ids of archived messages: in memory they are in order, outside they tell nothing. */
#include "features/archive_id.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS 6

void
archive_keys_init(struct archive_keys *keys, const uint8_t secret[32])
{
	struct hash_key root;
	struct hash128 made;

	memcpy(&root, secret, sizeof(root));
	made = hash128(&root, SLICE("archive ids"));
	memcpy(&keys->id, &made, sizeof(keys->id));
	made = hash128(&root, SLICE("archive peers"));
	memcpy(&keys->peer, &made, sizeof(keys->peer));
}

static uint32_t
mix(const struct archive_keys *keys, uint64_t account, uint32_t half, uint32_t round)
{
	struct {
		uint64_t account;
		uint32_t half, round;
	} input = { account, half, round };

	return (uint32_t)hash64(&keys->id, slice_of(&input, sizeof(input)));
}

/* A Feistel network: what a keyed hash mixes into one half is undone by the same hash. */
static uint64_t
hide(const struct archive_keys *keys, uint64_t account, uint64_t id)
{
	uint32_t left = (uint32_t)(id >> 32), right = (uint32_t)id;

	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t next = left ^ mix(keys, account, right, round);

		left = right;
		right = next;
	}
	return (uint64_t)left << 32 | right;
}

static uint64_t
show(const struct archive_keys *keys, uint64_t account, uint64_t hidden)
{
	uint32_t left = (uint32_t)(hidden >> 32), right = (uint32_t)hidden;

	for (uint32_t round = ROUNDS; round-- > 0;) {
		uint32_t before = right ^ mix(keys, account, left, round);

		right = left;
		left = before;
	}
	return (uint64_t)left << 32 | right;
}

void
archive_id_write(const struct archive_keys *keys, uint64_t account, uint64_t id,
    char out[ARCHIVE_ID_SIZE])
{
	snprintf(out, ARCHIVE_ID_SIZE, "%016llx",
	    (unsigned long long)hide(keys, account, id));
}

bool
archive_id_read(const struct archive_keys *keys, uint64_t account, struct slice text,
    uint64_t *id)
{
	uint64_t hidden = 0;

	if (text.length != ARCHIVE_ID_SIZE - 1)
		return false;
	for (size_t i = 0; i < text.length; i++) {
		char c = text.data[i];

		if (c >= '0' && c <= '9')
			hidden = hidden << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			hidden = hidden << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*id = show(keys, account, hidden);
	return true;
}

uint64_t
archive_peer(const struct archive_keys *keys, struct slice bare)
{
	return hash64(&keys->peer, bare) | 1;
}
