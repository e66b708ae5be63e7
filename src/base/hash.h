/* hash.h -- SipHash-2-4: hashes of bytes that peers choose. */
#pragma once

#include <stdint.h>

#include "base/slice.h"

struct hash_key  { uint64_t k[2]; };
struct hash128   { uint64_t h[2]; };

uint64_t	hash64(const struct hash_key *key, struct slice bytes);
struct hash128	hash128(const struct hash_key *key, struct slice bytes);

/*
 * A key drawn once a process, for tables that do not outlive it; a child forked after the
 * first call has the same.
 */
const struct hash_key *hash_process_key(void);
