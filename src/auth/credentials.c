/* credentials.c -- what is stored of a password: keys that prove it, never itself. */
#include "auth/credentials.h"

#include "auth/digest.h"
#include "auth/sasl_internal.h"
#include "base/arena.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/result.h"
#include "xmpp/jid_prepare.h"

/*
 * A record: its version, flags (4 bytes), account id (8), version of the account (8), a
 * mask of hashes, and for each of these iterations (4), the length of the salt, the salt,
 * the stored key and the server key. Numbers are little-endian, one byte unless said.
 */
#define RECORD_VERSION 1

static const struct {
	const char *name;
	size_t size;
} rows[SCRAM_HASH_COUNT] = {
	[SCRAM_SHA_1] = { "SCRAM-SHA-1", 20 },
	[SCRAM_SHA_256] = { "SCRAM-SHA-256", 32 },
	[SCRAM_SHA_512] = { "SCRAM-SHA-512", 64 },
};

static bool
iterations_are_sane(uint32_t iterations)
{
	return iterations >= SCRAM_ITERATIONS_LEAST &&
	       iterations <= SCRAM_ITERATIONS_MOST;
}

static bool
flags_are_known(uint32_t flags)
{
	return (flags & ~(uint32_t)CREDENTIALS_DISABLED) == 0;
}

/* The prepared password may be a copy in the arena, and arenas do not wipe. */
static void
wipe_prepared(struct slice prepared, struct slice password)
{
	if (prepared.data != password.data)
		memory_wipe((void *)prepared.data, prepared.length);
}

static void
put_number(uint8_t **next, uint64_t value, int size)
{
	for (int i = 0; i < size; i++)
		*(*next)++ = (uint8_t)(value >> 8 * i);
}

static void
put_bytes(uint8_t **next, const void *bytes, size_t size)
{
	memcpy(*next, bytes, size);
	*next += size;
}

/* Reads a record; what is not there reads as zero and leaves is_short. */
struct record_reader {
	struct slice rest;
	bool is_short;
};

static void
get_bytes(struct record_reader *reader, void *out, size_t size)
{
	if (reader->rest.length < size) {
		reader->is_short = true;
		memset(out, 0, size);
		return;
	}
	memcpy(out, reader->rest.data, size);
	reader->rest = slice_after(reader->rest, size);
}

static uint64_t
get_number(struct record_reader *reader, int size)
{
	uint8_t bytes[8];
	uint64_t value = 0;

	get_bytes(reader, bytes, (size_t)size);
	for (int i = 0; i < size; i++)
		value |= (uint64_t)bytes[i] << 8 * i;
	return value;
}

static bool
get_keys(struct record_reader *reader, enum scram_hash hash, struct scram_keys *keys)
{
	keys->iterations = (uint32_t)get_number(reader, 4);
	keys->salt_length = (uint8_t)get_number(reader, 1);
	if (!iterations_are_sane(keys->iterations) || keys->salt_length == 0 ||
	    keys->salt_length > SCRAM_SALT_MAX)
		return false;
	get_bytes(reader, keys->salt, keys->salt_length);
	get_bytes(reader, keys->stored_key, scram_hash_size(hash));
	get_bytes(reader, keys->server_key, scram_hash_size(hash));
	return !reader->is_short;
}

static bool
get_record(struct record_reader *reader, struct credentials *credentials)
{
	unsigned mask;

	credentials->flags = (uint32_t)get_number(reader, 4);
	credentials->account_id = get_number(reader, 8);
	credentials->version = get_number(reader, 8);
	mask = (unsigned)get_number(reader, 1);
	/* A flag we do not know might forbid the login: fail closed. */
	if (reader->is_short || !flags_are_known(credentials->flags) ||
	    mask >> SCRAM_HASH_COUNT != 0)
		return false;
	for (int i = 0; i < SCRAM_HASH_COUNT; i++) {
		if (mask & 1u << i && !get_keys(reader, i, &credentials->scram[i]))
			return false;
	}
	return reader->rest.length == 0;
}

void
credentials_make_keys(struct scram_keys *keys, enum scram_hash hash,
		      struct slice prepared, struct slice salt, uint32_t iterations)
{
	uint8_t salted[DIGEST_MAX];
	uint8_t client_key[DIGEST_MAX];
	struct slice salted_slice = slice_of(salted, scram_hash_size(hash));

	ensure(salt.length > 0 && salt.length <= SCRAM_SALT_MAX);
	*keys = (struct scram_keys){ .iterations = iterations };
	keys->salt_length = (uint8_t)salt.length;
	memcpy(keys->salt, salt.data, salt.length);
	digest_stretch(hash, prepared, salt, iterations, salted);
	digest_hmac(hash, salted_slice, SLICE("Client Key"), client_key);
	digest_hash(hash, slice_of(client_key, scram_hash_size(hash)), keys->stored_key);
	digest_hmac(hash, salted_slice, SLICE("Server Key"), keys->server_key);
	memory_wipe(salted, sizeof(salted));
	memory_wipe(client_key, sizeof(client_key));
}

const char *
scram_hash_name(enum scram_hash hash)
{
	ensure((unsigned)hash < SCRAM_HASH_COUNT);
	return rows[hash].name;
}

size_t
scram_hash_size(enum scram_hash hash)
{
	ensure((unsigned)hash < SCRAM_HASH_COUNT);
	return rows[hash].size;
}

bool
credentials_derive(struct credentials *credentials, unsigned hashes,
		   struct slice password, uint32_t iterations)
{
	struct arena arena;
	struct slice prepared;
	bool is_allowed;

	ensure(iterations_are_sane(iterations));
	ensure(hashes >> SCRAM_HASH_COUNT == 0);
	arena_init(&arena);
	is_allowed =
	    jid_prepare_password(&arena, password, &prepared) && prepared.length > 0;
	if (is_allowed) {
		for (int i = 0; i < SCRAM_HASH_COUNT; i++) {
			uint8_t salt[SCRAM_SALT_SIZE];

			if ((hashes & 1u << i) == 0)
				continue;
			random_bytes(salt, sizeof(salt));
			credentials_make_keys(&credentials->scram[i], i, prepared,
					      slice_of(salt, sizeof(salt)), iterations);
		}
		wipe_prepared(prepared, password);
	}
	arena_clear(&arena);
	return is_allowed;
}

bool
credentials_prove(const struct credentials *credentials, struct slice password)
{
	struct arena arena;
	struct slice prepared;
	bool is_right = false;
	int strongest = SCRAM_HASH_COUNT - 1;

	while (strongest >= 0 && credentials->scram[strongest].iterations == 0)
		strongest--;
	if (strongest < 0)
		return false;
	arena_init(&arena);
	if (jid_prepare_password(&arena, password, &prepared) && prepared.length > 0) {
		const struct scram_keys *stored = &credentials->scram[strongest];
		struct scram_keys made;

		credentials_make_keys(&made, strongest, prepared,
				      slice_of(stored->salt, stored->salt_length),
				      stored->iterations);
		is_right = digest_equal(made.stored_key, stored->stored_key,
					scram_hash_size(strongest));
		memory_wipe(&made, sizeof(made));
		wipe_prepared(prepared, password);
	}
	arena_clear(&arena);
	return is_right;
}

size_t
credentials_pack(const struct credentials *credentials,
		 uint8_t out[CREDENTIALS_RECORD_MAX])
{
	uint8_t *next = out;
	unsigned mask = 0;

	for (int i = 0; i < SCRAM_HASH_COUNT; i++) {
		if (credentials->scram[i].iterations != 0)
			mask |= 1u << i;
	}
	ensure(flags_are_known(credentials->flags));
	put_number(&next, RECORD_VERSION, 1);
	put_number(&next, credentials->flags, 4);
	put_number(&next, credentials->account_id, 8);
	put_number(&next, credentials->version, 8);
	put_number(&next, mask, 1);
	for (int i = 0; i < SCRAM_HASH_COUNT; i++) {
		const struct scram_keys *keys = &credentials->scram[i];

		if (keys->iterations == 0)
			continue;
		ensure(iterations_are_sane(keys->iterations));
		ensure(keys->salt_length > 0 && keys->salt_length <= SCRAM_SALT_MAX);
		put_number(&next, keys->iterations, 4);
		put_number(&next, keys->salt_length, 1);
		put_bytes(&next, keys->salt, keys->salt_length);
		put_bytes(&next, keys->stored_key, scram_hash_size(i));
		put_bytes(&next, keys->server_key, scram_hash_size(i));
	}
	return (size_t)(next - out);
}

int
credentials_unpack(struct slice record, struct credentials *credentials)
{
	struct record_reader reader = { .rest = record };
	uint64_t version = get_number(&reader, 1);

	memset(credentials, 0, sizeof(*credentials));
	if (reader.is_short)
		return RESULT_CORRUPT;
	if (version != RECORD_VERSION)
		return RESULT_LAYOUT;
	if (get_record(&reader, credentials))
		return RESULT_OK;
	memset(credentials, 0, sizeof(*credentials));
	return RESULT_CORRUPT;
}
