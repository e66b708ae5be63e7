/* digest.c -- hashes, HMAC and PBKDF2 for SCRAM: the one door to OpenSSL here. */
#include "auth/digest.h"

#include <limits.h>
#include <pthread.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/ensure.h"

/* Finding an algorithm costs OpenSSL 3 more than running it, so each is fetched once. */
struct algorithm {
	EVP_MD *md;
	EVP_MAC_CTX *hmac; /* has its hash but no key; only ever copied */
};

static struct algorithm algorithms[SCRAM_HASH_COUNT];
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

static void
fetch_algorithms(void)
{
	static const char *const names[SCRAM_HASH_COUNT] = { "SHA1", "SHA256", "SHA512" };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);

	ensure(mac != NULL);
	for (int i = 0; i < SCRAM_HASH_COUNT; i++) {
		OSSL_PARAM params[] = {
			OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
							 (char *)names[i], 0),
			OSSL_PARAM_construct_end(),
		};
		struct algorithm *algorithm = &algorithms[i];

		algorithm->md = EVP_MD_fetch(NULL, names[i], NULL);
		algorithm->hmac = EVP_MAC_CTX_new(mac);
		ensure(algorithm->md != NULL && algorithm->hmac != NULL);
		ensure(EVP_MAC_CTX_set_params(algorithm->hmac, params) == 1);
	}
	EVP_MAC_free(mac);
}

static const struct algorithm *
find_algorithm(enum scram_hash hash)
{
	ensure((unsigned)hash < SCRAM_HASH_COUNT);
	ensure(pthread_once(&fetched, fetch_algorithms) == 0);
	return &algorithms[hash];
}

void
digest_hash(enum scram_hash hash, struct slice data, uint8_t out[DIGEST_MAX])
{
	unsigned length = 0;

	ensure(EVP_Digest(data.data, data.length, out, &length, find_algorithm(hash)->md,
			  NULL) == 1);
	ensure(length == scram_hash_size(hash));
}

void
digest_hmac(enum scram_hash hash, struct slice key, struct slice data,
	    uint8_t out[DIGEST_MAX])
{
	EVP_MAC_CTX *context = EVP_MAC_CTX_dup(find_algorithm(hash)->hmac);
	size_t length = 0;

	ensure(context != NULL);
	ensure(EVP_MAC_init(context, (const uint8_t *)key.data, key.length, NULL) == 1);
	ensure(EVP_MAC_update(context, (const uint8_t *)data.data, data.length) == 1);
	ensure(EVP_MAC_final(context, out, &length, DIGEST_MAX) == 1);
	ensure(length == scram_hash_size(hash));
	EVP_MAC_CTX_free(context);
}

void
digest_stretch(enum scram_hash hash, struct slice password, struct slice salt,
	       uint32_t iterations, uint8_t out[DIGEST_MAX])
{
	ensure(password.length <= INT_MAX && salt.length <= INT_MAX);
	ensure(iterations > 0 && iterations <= INT_MAX);
	ensure(PKCS5_PBKDF2_HMAC(password.data, (int)password.length,
				 (const uint8_t *)salt.data, (int)salt.length,
				 (int)iterations, find_algorithm(hash)->md,
				 (int)scram_hash_size(hash), out) == 1);
}

bool
digest_equal(const void *a, const void *b, size_t size)
{
	return CRYPTO_memcmp(a, b, size) == 0;
}
