/* tls_ticket.c -- session tickets whose keys all workers share. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/memory.h"
#include "base/random.h"
#include "net/tls_internal.h"

#define TICKET_LIFE_MS (TLS_TICKET_KEYS * TLS_TICKET_ROTATE_MS)
#define STEP_BACK_MS   3600000	/* what a calendar is set right by and no key suffers from */

/*
 * Takes over what the master has written. A state that is being written is not waited
 * for: the master may have died over it, and the keys known before still serve.
 */
static void
tls_ticket_look(struct tls_context *context)
{
	const struct tls_ticket_page *page = context->tickets;
	struct tls_ticket_page *known = &context->known;
	struct tls_ticket_page copy;
	uint32_t before;

	before = atomic_load_explicit(&page->sequence, memory_order_acquire);
	if (before == atomic_load_explicit(&known->sequence, memory_order_relaxed) ||
	    before % 2 != 0)
		return;
	copy.count = page->count;
	memcpy(copy.key, page->key, sizeof(copy.key));
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&page->sequence, memory_order_relaxed) == before &&
	    copy.count <= TLS_TICKET_KEYS) {
		known->count = copy.count;
		memcpy(known->key, copy.key, sizeof(known->key));
		atomic_store_explicit(&known->sequence, before, memory_order_relaxed);
	}
	memory_wipe(&copy, sizeof(copy));
}

static int
ticket_find(const struct tls_ticket_page *keys, const unsigned char name[16])
{
	uint64_t now_ms = clock_wall_us() / 1000;

	for (uint32_t i = 0; i < keys->count; i++) {
		if (memcmp(keys->key[i].name, name, sizeof(keys->key[i].name)) == 0)
			return now_ms < keys->key[i].made_ms + TICKET_LIFE_MS ? (int)i
									      : -1;
	}
	return -1;
}

static bool
ticket_set_mac(EVP_MAC_CTX *mac, struct tls_ticket_key *key)
{
	static char digest[] = "SHA256";
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac_key,
						  sizeof(key->mac_key)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

/* OpenSSL's contract: -1 failure, 0 no such key, 1 good, 2 good but send a new ticket. */
static int
on_ticket_key(SSL *ssl, unsigned char name[16], unsigned char *iv, EVP_CIPHER_CTX *cipher,
	      EVP_MAC_CTX *mac, int encrypt)
{
	struct tls_context *context = tls_of(ssl)->context;
	struct tls_ticket_page *keys = &context->known;
	int i = 0;

	tls_ticket_look(context);
	if (keys->count == 0)
		return encrypt ? -1 : 0;
	if (encrypt) {
		memcpy(name, keys->key[0].name, sizeof(keys->key[0].name));
		if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(context->ticket_cipher)) != 1)
			return -1;
	} else {
		i = ticket_find(keys, name);
		if (i < 0)
			return 0;
	}
	if (EVP_CipherInit_ex2(cipher, context->ticket_cipher, keys->key[i].cipher_key,
			       iv, encrypt, NULL) != 1 ||
	    !ticket_set_mac(mac, &keys->key[i]))
		return -1;
	return i == 0 ? 1 : 2;
}

void
tls_ticket_init(struct tls_context *context)
{
	context->ticket_cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	ensure(context->ticket_cipher != NULL);
}

void
tls_ticket_clear(struct tls_context *context)
{
	EVP_CIPHER_free(context->ticket_cipher);
	memory_wipe(&context->known, sizeof(context->known));
}

bool
tls_ticket_is_possible(struct tls_context *context)
{
	if (context->tickets == NULL)
		return false;
	tls_ticket_look(context);
	return context->known.count > 0;
}

void
tls_ticket_set_callback(struct ssl_ctx_st *ssl)
{
	SSL_CTX_set_timeout(ssl, (long)(TICKET_LIFE_MS / 1000));
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, on_ticket_key);
}

void
tls_ticket_rotate(struct tls_ticket_page *page, uint64_t now_ms)
{
	uint32_t sequence = atomic_load_explicit(&page->sequence, memory_order_relaxed);
	struct tls_ticket_key *first = &page->key[0];

	/* Odd already where a master died over it. */
	sequence |= 1;
	atomic_store_explicit(&page->sequence, sequence, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
	memmove(first + 1, first, (TLS_TICKET_KEYS - 1) * sizeof(*first));
	random_bytes(first, sizeof(*first));
	first->made_ms = now_ms;
	page->count = page->count < TLS_TICKET_KEYS ? page->count + 1 : TLS_TICKET_KEYS;
	atomic_store_explicit(&page->sequence, sequence + 1, memory_order_release);
}

bool
tls_ticket_is_due(const struct tls_ticket_page *page, uint64_t now_ms)
{
	int64_t age_ms = (int64_t)(now_ms - page->key[0].made_ms);

	return page->count == 0 || atomic_load(&page->sequence) % 2 != 0 ||
	    age_ms >= (int64_t)TLS_TICKET_ROTATE_MS || age_ms < -STEP_BACK_MS;
}
