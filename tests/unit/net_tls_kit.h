/* net_tls_kit.h -- for tests: fresh certificates, and a client of plain OpenSSL. */
#pragma once

#include "net_kit.h"

#include <openssl/ssl.h>

#include "net/tls.h"
#include "net/tls_context.h"

/* A certificate signed by its own key, as PEM. */
struct paper {
	X509 *certificate;
	EVP_PKEY *key;
	struct slice chain_pem;
	struct slice key_pem;
};

/*
 * type: "P-256", "P-384" (signs with SHA-384), "SHA-1" (signed with it), "RSA", "RSA1024",
 * "ED25519". Valid from and until so many days from now.
 */
void	paper_make(struct paper *paper, const char *name, const char *type, int from_day,
	    int until_day);
void	paper_clear(struct paper *paper);

/* Adds a fresh one to the context. */
void	kit_add_host(struct tls_context *context, const char *name, const char *type);

/* The client speaks over memory; the bytes are carried by hand, so many at a time. */
struct client {
	struct side *side;
	SSL_CTX *settings;
	SSL *ssl;
	SSL_SESSION *ticket; /* the last one that came */
	size_t chunk;
};

void	client_init(struct client *client);
void	client_clear(struct client *client);

/* side_open(), direct TLS on it, and a client at the other end. */
void	client_connect(struct client *client, struct side *side, struct tls_context *context);
void	client_attach(struct client *client, struct side *side);

/* Both ways until nothing moves. */
void	client_carry(struct client *client);
bool	client_shake(struct client *client); /* true: both sides are done */
void	client_say(struct client *client, const char *text);
void	client_expect(struct client *client, const char *text);
size_t	client_read(struct client *client, char *out, size_t size);
void	client_disconnect(struct client *client); /* the next connect may follow */
