/* auth_support.c -- for tests of src/auth: a SCRAM client, and a store of accounts. */
#include "tests/unit/auth_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

static const uint8_t store_secret[32] = "a secret of thirty-two bytes...";

static size_t
hmac_text(const char *digest, const void *key, size_t key_length, const char *text,
	  unsigned char *out)
{
	unsigned length = 0;

	assert_non_null(HMAC(EVP_get_digestbyname(digest), key, (int)key_length,
			     (const unsigned char *)text, strlen(text), out, &length));
	return length;
}

static void
encode(const void *bytes, size_t length, char *out)
{
	EVP_EncodeBlock((unsigned char *)out, bytes, (int)length);
}

static size_t
decode(const char *text, unsigned char *out)
{
	size_t length = strlen(text);
	int decoded = EVP_DecodeBlock(out, (const unsigned char *)text, (int)length);

	assert_true(decoded > 0);
	while (length > 0 && text[length - 1] == '=') {
		length--;
		decoded--;
	}
	return (size_t)decoded;
}

/* Copies the value of one attribute; false if it is not there. */
static bool
find_attribute(const char *message, char letter, char *out, size_t size)
{
	const char *at = message;

	while (at != NULL && *at != letter) {
		at = strchr(at, ',');
		if (at != NULL)
			at++;
	}
	if (at == NULL || at[1] != '=')
		return false;
	snprintf(out, size, "%.*s", (int)strcspn(at + 2, ","), at + 2);
	return true;
}

void
client_hash_text(const char *digest, const char *text, size_t length, char *out)
{
	unsigned char sum[64];
	unsigned size = 0;

	assert_int_equal(
	    EVP_Digest(text, length, sum, &size, EVP_get_digestbyname(digest), NULL), 1);
	encode(sum, size, out);
}

void
client_first(struct client *client)
{
	snprintf(client->first, sizeof(client->first), "%sn=%s,r=%s%s", client->gs2,
		 client->name, client->nonce,
		 client->first_extra == NULL ? "" : client->first_extra);
}

void
client_final(struct client *client, struct slice server_first)
{
	char challenge[512], nonce[256], count[32], without_proof[1024], transcript[2048];
	char bound[256], bound_text[512], proof_text[128];
	unsigned char salt[96], salted[64], client_key[64], stored_key[64],
	    server_key[64];
	unsigned char signature[64];
	size_t gs2_length = strlen(client->gs2), size, salt_length;
	unsigned ignored;

	snprintf(challenge, sizeof(challenge), SLICE_FMT, SLICE_ARG(server_first));
	assert_true(find_attribute(challenge, 'r', nonce, sizeof(nonce)));
	assert_true(find_attribute(challenge, 's', client->salt, sizeof(client->salt)));
	assert_true(find_attribute(challenge, 'i', count, sizeof(count)));
	if (!find_attribute(challenge, 'h', client->offer_hash,
			    sizeof(client->offer_hash)))
		client->offer_hash[0] = '\0';
	assert_memory_equal(nonce, client->nonce, strlen(client->nonce));
	client->iterations = (unsigned)atoi(count);
	if (client->final_nonce != NULL)
		snprintf(nonce, sizeof(nonce), "%s", client->final_nonce);

	memcpy(bound, client->gs2, gs2_length);
	memcpy(bound + gs2_length, client->binding.data, client->binding.length);
	encode(bound, gs2_length + client->binding.length, bound_text);
	snprintf(without_proof, sizeof(without_proof), "c=%s,r=%s%s", bound_text, nonce,
		 client->final_extra == NULL ? "" : client->final_extra);
	snprintf(transcript, sizeof(transcript), "%s,%s,%s", client->first + gs2_length,
		 challenge, without_proof);

	salt_length = decode(client->salt, salt);
	size = (size_t)EVP_MD_get_size(EVP_get_digestbyname(client->digest));
	assert_int_equal(
	    PKCS5_PBKDF2_HMAC(client->password, (int)strlen(client->password), salt,
			      (int)salt_length, (int)client->iterations,
			      EVP_get_digestbyname(client->digest), (int)size, salted),
	    1);
	hmac_text(client->digest, salted, size, "Client Key", client_key);
	hmac_text(client->digest, salted, size, "Server Key", server_key);
	EVP_Digest(client_key, size, stored_key, &ignored,
		   EVP_get_digestbyname(client->digest), NULL);
	hmac_text(client->digest, stored_key, size, transcript, signature);
	for (size_t i = 0; i < size; i++)
		client_key[i] ^= signature[i];
	encode(client_key, size, proof_text);
	hmac_text(client->digest, server_key, size, transcript, signature);
	encode(signature, size, client->server_signature);
	snprintf(client->final, sizeof(client->final), "%s,p=%s", without_proof,
		 proof_text);
}

bool
client_trusts(const struct client *client, struct slice server_final)
{
	char expected[160];

	snprintf(expected, sizeof(expected), "v=%s", client->server_signature);
	return slice_is(server_final, expected);
}

static bool
store_find(void *owner, struct slice username, struct slice host,
	   struct credentials *found)
{
	struct store *store = owner;

	store->finds++;
	snprintf(store->asked, sizeof(store->asked), SLICE_FMT, SLICE_ARG(username));
	if (!slice_is(host, "capulet.example") || !slice_is(username, "juliet"))
		return false;
	*found = store->account;
	return true;
}

static void
store_take_work(void *owner, void (*run)(void *job), void (*done)(void *job), void *job)
{
	struct store *store = owner;

	if (store->is_async) {
		assert_null(store->job);
		store->run = run;
		store->done = done;
		store->job = job;
		return;
	}
	run(job);
	done(job);
}

const struct sasl_accounts store_accounts = {
	.find = store_find,
	.work = store_take_work,
	.secret = store_secret,
};

void
store_init(struct store *store, unsigned hashes)
{
	memset(store, 0, sizeof(*store));
	store->account.account_id = 77;
	store->account.version = 5;
	assert_true(credentials_derive(&store->account, hashes, SLICE("r0m30myr0m30"),
				       SCRAM_ITERATIONS_LEAST));
}

void
store_work(struct store *store)
{
	void *job = store->job;

	assert_non_null(job);
	store->job = NULL;
	store->run(job);
	store->done(job);
}

void
store_on_later(void *owner, enum sasl_step step)
{
	struct store *store = owner;

	store->laters++;
	store->later = step;
}

struct sasl_situation
store_situation(void)
{
	struct sasl_situation situation = {
		.host = SLICE("capulet.example"),
		.offered = ALL_OFFERED,
		.secure = true,
		.exporter_length = 32,
		.end_point_length = 48,
	};

	memset(situation.exporter, 0xe0, sizeof(situation.exporter));
	memset(situation.end_point, 0x0d, sizeof(situation.end_point));
	return situation;
}

struct sasl *
store_exchange(struct store *store, enum sasl_mechanism mechanism, unsigned offered)
{
	struct sasl_situation situation = store_situation();

	situation.offered = offered;
	return sasl_new(mechanism, &situation, &store_accounts, store, store_on_later);
}

enum sasl_step
step_text(struct sasl *sasl, const char *text)
{
	return sasl_step(sasl, true, slice_from_text(text));
}
