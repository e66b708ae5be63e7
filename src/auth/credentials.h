/* credentials.h -- what is stored of a password: SCRAM keys (RFC 5802 3), never the password. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum scram_hash { SCRAM_SHA_1, SCRAM_SHA_256, SCRAM_SHA_512, SCRAM_HASH_COUNT };

#define SCRAM_SALT_SIZE		16	/* of salts drawn here */
#define SCRAM_SALT_MAX		64	/* of salts brought from elsewhere: some are texts of 36 */
#define SCRAM_KEY_MAX		64
#define SCRAM_ITERATIONS	10000	/* default */
#define SCRAM_ITERATIONS_LEAST	4096	/* RFC 5802 5.1 */
#define SCRAM_ITERATIONS_MOST	10000000 /* a login must stay a matter of seconds */

struct scram_keys {
	uint32_t iterations;		/* 0: this hash is absent */
	uint8_t	 salt_length;
	uint8_t	 salt[SCRAM_SALT_MAX];
	uint8_t	 stored_key[SCRAM_KEY_MAX];
	uint8_t	 server_key[SCRAM_KEY_MAX];
};

enum { CREDENTIALS_DISABLED = 1 };

struct credentials {
	uint64_t	  account_id;	/* never used again for another account */
	uint64_t	  version;	/* for the store's compare-and-set */
	uint32_t	  flags;
	struct scram_keys scram[SCRAM_HASH_COUNT];
};

/* "SCRAM-SHA-256" and key sizes. */
const char *scram_hash_name(enum scram_hash hash);
size_t	    scram_hash_size(enum scram_hash hash);

/*
 * Fills the keys for the hashes in the mask (1 << SCRAM_SHA_1 ...) from a password that is prepared
 * here (OpaqueString). Fresh salts. False: the password is empty or forbidden, and nothing was
 * changed. Slow: 2 to 4 ms a hash at 10,000 iterations. Any thread may call it.
 */
bool	credentials_derive(struct credentials *credentials, unsigned hashes, struct slice password,
	    uint32_t iterations);

/* Constant-time proof of a password against the strongest of the hashes that are there. Slow. */
bool	credentials_prove(const struct credentials *credentials, struct slice password);

/*
 * Bytes on disk: little-endian and versioned. Refused with RESULT_LAYOUT when their version is not
 * ours, with RESULT_CORRUPT when they break their rules; *credentials is then all zero.
 */
#define CREDENTIALS_RECORD_MAX 640
size_t	credentials_pack(const struct credentials *credentials, uint8_t out[CREDENTIALS_RECORD_MAX]);
int	credentials_unpack(struct slice record, struct credentials *credentials);
