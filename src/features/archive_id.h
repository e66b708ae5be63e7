/* archive_id.h -- the ids of archived messages: in memory they are in order, outside they tell nothing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/slice.h"

/*
 * Inside, an id is the microsecond at which the message came, or the next free one: so the log is in the order of time, and a span
 * of time is a span of ids. Outside (XEP-0359 9) it is a permutation of it, different for each account: whoever sees ids
 * learns neither order nor number, and the id of another's archive names nothing.
 */
struct archive_keys {
	struct hash_key id;
	struct hash_key peer;
};

#define ARCHIVE_ID_SIZE 17	/* 16 hexadecimal digits and a NUL */

/* From the secret made with the data directory: ids stay the same for ever. */
void	archive_keys_init(struct archive_keys *keys, const uint8_t secret[32]);

void	archive_id_write(const struct archive_keys *keys, uint64_t account, uint64_t id,
	    char out[ARCHIVE_ID_SIZE]);

/* False for what was never an id; else some id, of which the archive knows whether it has it. */
bool	archive_id_read(const struct archive_keys *keys, uint64_t account, struct slice text,
	    uint64_t *id);

/* What stands for the other's bare JID in an index; never 0. */
uint64_t archive_peer(const struct archive_keys *keys, struct slice bare);
