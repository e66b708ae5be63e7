/* net_tls_kit.c -- for tests: fresh certificates, and a client of plain OpenSSL. */
#include "net_tls_kit.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"

#define CARRY_MOST 200 /* rounds: what does not end by then never does */

static EVP_PKEY *
key_make(const char *type)
{
	if (strcmp(type, "RSA") == 0)
		return EVP_RSA_gen(2048);
	if (strcmp(type, "RSA1024") == 0)
		return EVP_RSA_gen(1024);
	if (strcmp(type, "ED25519") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	return EVP_EC_gen(strcmp(type, "P-384") == 0 ? "P-384" : "P-256");
}

static const EVP_MD *
digest_of(const char *type)
{
	if (strcmp(type, "ED25519") == 0)
		return NULL;
	if (strcmp(type, "SHA-1") == 0)
		return EVP_sha1();
	return strcmp(type, "P-384") == 0 ? EVP_sha384() : EVP_sha256();
}

static struct slice
slice_from_bio(BIO *bio)
{
	char *data;
	long length = BIO_get_mem_data(bio, &data);
	struct slice copy =
	    slice_of(memory_copy_text(slice_of(data, (size_t)length)), (size_t)length);

	BIO_free(bio);
	return copy;
}

static void
paper_name(X509 *certificate, const char *name)
{
	X509_NAME *subject = X509_get_subject_name(certificate);
	X509_EXTENSION *extension;
	char names[256];

	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(certificate, subject);
	snprintf(names, sizeof(names), "DNS:%s", name);
	extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	assert_non_null(extension);
	X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
}

void
paper_make(struct paper *paper, const char *name, const char *type, int from_day,
	   int until_day)
{
	BIO *bio;

	paper->key = key_make(type);
	assert_non_null(paper->key);
	paper->certificate = X509_new();
	X509_set_version(paper->certificate, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(paper->certificate), 1);
	X509_time_adj_ex(X509_getm_notBefore(paper->certificate), from_day, 0, NULL);
	X509_time_adj_ex(X509_getm_notAfter(paper->certificate), until_day, 0, NULL);
	X509_set_pubkey(paper->certificate, paper->key);
	paper_name(paper->certificate, name);
	assert_true(X509_sign(paper->certificate, paper->key, digest_of(type)) > 0);

	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(bio, paper->certificate);
	paper->chain_pem = slice_from_bio(bio);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(bio, paper->key, NULL, NULL, 0, NULL, NULL);
	paper->key_pem = slice_from_bio(bio);
}

void
paper_clear(struct paper *paper)
{
	X509_free(paper->certificate);
	EVP_PKEY_free(paper->key);
	memory_free((void *)paper->chain_pem.data);
	memory_free((void *)paper->key_pem.data);
}

void
kit_add_host(struct tls_context *context, const char *name, const char *type)
{
	struct paper paper;
	char why[200];

	paper_make(&paper, name, type, -1, 30);
	assert_int_equal(tls_context_add(context, slice_from_text(name), paper.chain_pem,
					 paper.key_pem, why, sizeof(why)),
			 0);
	assert_string_equal(why, "");
	paper_clear(&paper);
}

static int
on_ticket(SSL *ssl, SSL_SESSION *session)
{
	struct client *client = SSL_get_app_data(ssl);

	SSL_SESSION_free(client->ticket);
	client->ticket = session;
	return 1;
}

void
client_init(struct client *client)
{
	memset(client, 0, sizeof(*client));
	client->chunk = 65536;
	client->settings = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_security_level(client->settings, 0);
	SSL_CTX_set_session_cache_mode(client->settings, SSL_SESS_CACHE_CLIENT |
							     SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(client->settings, on_ticket);
}

void
client_clear(struct client *client)
{
	if (client->ssl != NULL)
		client_disconnect(client);
	SSL_SESSION_free(client->ticket);
	SSL_CTX_free(client->settings);
	ERR_clear_error();
}

void
client_attach(struct client *client, struct side *side)
{
	client->side = side;
	client->ssl = SSL_new(client->settings);
	SSL_set_bio(client->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_app_data(client->ssl, client);
	SSL_set_connect_state(client->ssl);
}

void
client_connect(struct client *client, struct side *side, struct tls_context *context)
{
	side_open(side);
	assert_int_equal(connection_start_tls(side->connection, context), 0);
	client_attach(client, side);
}

void
client_disconnect(struct client *client)
{
	/* Else OpenSSL takes it for broken off, and its ticket for spent. */
	SSL_set_shutdown(client->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(client->ssl);
	client->ssl = NULL;
	side_clear(client->side);
}

static size_t
carry_to_server(struct client *client)
{
	char bytes[65536];
	int count = BIO_read(SSL_get_wbio(client->ssl), bytes, (int)client->chunk);

	if (count <= 0)
		return 0;
	/* A server that has closed is no failure of the carrying. */
	send(client->side->peer, bytes, (size_t)count, MSG_NOSIGNAL);
	return (size_t)count;
}

static size_t
carry_to_client(struct client *client)
{
	char bytes[65536];
	size_t count = peer_read(client->side, bytes, client->chunk);

	if (count > 0)
		BIO_write(SSL_get_rbio(client->ssl), bytes, (int)count);
	return count;
}

void
client_carry(struct client *client)
{
	size_t moved = 1;

	while (moved > 0) {
		moved = carry_to_server(client);
		kit_turns(2);
		moved += carry_to_client(client);
	}
}

bool
client_shake(struct client *client)
{
	char none;

	for (int i = 0; i < CARRY_MOST; i++) {
		int error = SSL_get_error(client->ssl, SSL_do_handshake(client->ssl));

		client_carry(client);
		if (error == SSL_ERROR_NONE) {
			/* Tickets of TLS 1.3 come behind the handshake. */
			SSL_peek(client->ssl, &none, 1);
			break;
		}
		if (error != SSL_ERROR_WANT_READ)
			break;
	}
	ERR_clear_error();
	return SSL_is_init_finished(client->ssl) && client->side->calls[ON_SECURED] == 1;
}

void
client_say(struct client *client, const char *text)
{
	assert_int_equal(SSL_write(client->ssl, text, (int)strlen(text)), strlen(text));
	client_carry(client);
}

size_t
client_read(struct client *client, char *out, size_t size)
{
	size_t count = 0;

	client_carry(client);
	SSL_read_ex(client->ssl, out, size, &count);
	return count;
}

void
client_expect(struct client *client, const char *text)
{
	char got[4096];
	size_t count = client_read(client, got, sizeof(got));

	assert_int_equal(count, strlen(text));
	assert_memory_equal(got, text, count);
}
