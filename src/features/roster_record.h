/* roster_record.h -- how a roster stands in the store: its keys, and the record that counts it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* Keys are an account (big endian), a kind, and what names the record among those of its kind. */
enum roster_kind { ROSTER_META = 'm', ROSTER_ITEM = 'i', ROSTER_CHANGE = 'v' };

#define ROSTER_KEY_HEAD (sizeof(uint64_t) + 1)
#define ROSTER_KEY_MAX	(ROSTER_KEY_HEAD + 16)

struct roster_meta {
	uint64_t version;
	uint64_t bytes;		/* of the items that clients see, on their way */
	uint32_t items;
	uint32_t requests;
};

struct slice roster_key(char out[ROSTER_KEY_MAX], uint64_t account, enum roster_kind kind,
	    struct slice name);

/* secret: the one made with the data directory. */
struct slice roster_item_key(char out[ROSTER_KEY_MAX], const uint8_t secret[32],
	    uint64_t account, struct slice jid);

/* False: it is no roster's. */
bool	roster_key_read(struct slice key, uint64_t *account, enum roster_kind *kind);
