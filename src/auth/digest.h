/* digest.h -- hashes, HMAC and PBKDF2 for SCRAM: the one door to OpenSSL here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/credentials.h"
#include "base/slice.h"

#define DIGEST_MAX 64

/* Each writes scram_hash_size(hash) bytes. Any thread may call any of these. */
void	digest_hash(enum scram_hash hash, struct slice data, uint8_t out[DIGEST_MAX]);
void	digest_hmac(enum scram_hash hash, struct slice key, struct slice data,
	    uint8_t out[DIGEST_MAX]);

/* Hi() of RFC 5802 2.2. Slow: that is its purpose. */
void	digest_stretch(enum scram_hash hash, struct slice password, struct slice salt,
	    uint32_t iterations, uint8_t out[DIGEST_MAX]);

/* Takes the same time wherever a and b differ. */
bool	digest_equal(const void *a, const void *b, size_t size);
