/* auth_support.h -- for tests of src/auth: a SCRAM client, and a store of accounts. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/sasl_internal.h"

#define ALL_HASHES ((1u << SCRAM_HASH_COUNT) - 1)
#define ALL_BARE   (SASL_SCRAM_SHA_512 | SASL_SCRAM_SHA_256 | SASL_SCRAM_SHA_1)
#define ALL_PLUS \
	(SASL_SCRAM_SHA_512_PLUS | SASL_SCRAM_SHA_256_PLUS | SASL_SCRAM_SHA_1_PLUS)
#define ALL_OFFERED (ALL_PLUS | ALL_BARE | SASL_PLAIN)

/* Written from RFC 5802 alone, on OpenSSL's one-shot calls; shares nothing with src/auth. */
struct client {
	const char *digest;		/* "SHA1" ... */
	const char *gs2;		/* "n,," or "p=tls-exporter,," */
	const char *name;		/* as it stands on the wire */
	const char *password;
	const char *nonce;
	const char *first_extra;	/* ",x=..." or NULL */
	const char *final_extra;
	const char *final_nonce;	/* said, and proved, instead of the right one */
	struct slice binding;

	/* The last messages, and what the client took from the server's. */
	char first[512];
	char final[1280];
	char salt[128];
	char offer_hash[128];
	unsigned iterations;
	char server_signature[128];
};

void	client_first(struct client *client);
void	client_final(struct client *client, struct slice server_first);
bool	client_trusts(const struct client *client, struct slice server_final);

/* base64 of the digest of text. */
void	client_hash_text(const char *digest, const char *text, size_t length, char *out);

/* Accounts of one host; the owner of every exchange in the tests. */
struct store {
	struct credentials account;	/* of "juliet" */
	char asked[64];			/* the name last looked for */
	int finds;
	bool is_async;			/* keep the job until store_work() */
	void (*run)(void *job);
	void (*done)(void *job);
	void *job;
	int laters;
	enum sasl_step later;
};

extern const struct sasl_accounts store_accounts;

/* One account, "juliet", with "r0m30myr0m30"; iterations are the least there may be. */
void	store_init(struct store *store, unsigned hashes);
void	store_work(struct store *store);
void	store_on_later(void *owner, enum sasl_step step);

/* A situation under TLS, with both bindings, where everything is offered. */
struct sasl_situation store_situation(void);

/* An exchange on that situation, with the mechanism's own bit offered or not. */
struct sasl *store_exchange(struct store *store, enum sasl_mechanism mechanism,
		    unsigned offered);

enum sasl_step step_text(struct sasl *sasl, const char *text);
