/* tls_context.c -- what the TLS connections of a worker share: hosts and rules. */
#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <strings.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "net/tls_internal.h"

#define KEY_UPDATES_MOST   16
#define KEY_UPDATES_PER_MS 60000

/* Forward secrecy and authenticated encryption alone (RFC 9325 4.2). */
#define CIPHERS                                                      \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
/* In the same order: a handshake hashes much, and SHA-256 is what processors have instructions for. */
#define SUITES                                       \
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:" \
	"TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS   "X25519:P-256:P-384:P-521"
#define PROTOCOL "xmpp-client"

struct tls *
tls_of(const struct ssl_st *ssl)
{
	return SSL_get_app_data(ssl);
}

static void
tls_count_key_update(struct tls *tls)
{
	uint64_t now_ms = clock_ms();

	if (now_ms - tls->key_updates_since_ms >= KEY_UPDATES_PER_MS) {
		tls->key_updates_since_ms = now_ms;
		tls->key_updates = 0;
	}
	if (++tls->key_updates > KEY_UPDATES_MOST)
		tls_refuse(tls, "too many key updates");
}

/* Sees every record and message: counts what a peer could ask without end. */
static void
on_message(int sent, int version, int type, const void *data, size_t length, SSL *ssl,
	   void *argument)
{
	const uint8_t *bytes = data;

	if (!sent && type == SSL3_RT_HANDSHAKE && length > 0 &&
	    bytes[0] == SSL3_MT_KEY_UPDATE)
		tls_count_key_update(tls_of(ssl));
	/* OpenSSL answers a renegotiation with this warning and would go on. */
	if (sent && type == SSL3_RT_ALERT && length == 2 &&
	    bytes[1] == SSL_AD_NO_RENEGOTIATION)
		tls_refuse(tls_of(ssl), "renegotiation");
}

static struct tls_host *
tls_context_find(struct tls_context *context, struct slice host)
{
	for (uint32_t i = 0; i < context->host_count; i++) {
		const char *name = context->hosts[i].name;

		if (strlen(name) == host.length &&
		    strncasecmp(name, host.data, host.length) == 0)
			return &context->hosts[i];
	}
	return NULL;
}

/* RFC 6066 3: a list with one name of type 0. OpenSSL checks the form again later. */
static struct slice
server_name_of(SSL *ssl)
{
	const unsigned char *data;
	size_t length;
	size_t name_length;

	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &length) !=
		1 ||
	    length < 5 || data[2] != TLSEXT_NAMETYPE_host_name)
		return SLICE_EMPTY;
	name_length = (size_t)data[3] << 8 | data[4];
	if (name_length > length - 5 || name_length > TLSEXT_MAXLEN_host_name)
		return SLICE_EMPTY;
	return slice_of(data + 5, name_length);
}

/*
 * The first thing in a handshake, so that the host is known before a ticket is looked at:
 * each has its own session id context, and a ticket of one opens no other.
 */
static int
on_client_hello(SSL *ssl, int *alert, void *argument)
{
	struct tls *tls = tls_of(ssl);
	struct slice name = server_name_of(ssl);
	struct tls_host *host = tls_context_find(tls->context, name);

	if (name.length > 0 && tls->server_name == NULL) {
		tls->server_name = memory_copy_text(name);
		tls->server_name_length = (uint16_t)name.length;
	}
	if (host != NULL)
		SSL_set_SSL_CTX(ssl, host->ssl);
	return SSL_CLIENT_HELLO_SUCCESS;
}

void
tls_prefer_host(struct tls *tls, struct slice name)
{
	struct tls_host *host = tls_context_find(tls->context, name);

	if (host != NULL)
		SSL_set_SSL_CTX(tls->ssl, host->ssl);
}

/* RFC 6066 3: a name that was used is acknowledged. */
static int
on_server_name(SSL *ssl, int *alert, void *argument)
{
	struct tls *tls = tls_of(ssl);

	return tls_context_find(tls->context, tls_server_name(tls)) != NULL
		   ? SSL_TLSEXT_ERR_OK
		   : SSL_TLSEXT_ERR_NOACK;
}

/* RFC 7301 3.2, XEP-0368 */
static int
on_protocols(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length,
	     const unsigned char *offered, unsigned length, void *argument)
{
	unsigned i = 0;

	while (i < length && offered[i] < length - i) {
		struct slice name = slice_of(offered + i + 1, offered[i]);

		if (slice_is(name, PROTOCOL)) {
			*chosen = offered + i + 1;
			*chosen_length = offered[i];
			return SSL_TLSEXT_ERR_OK;
		}
		i += 1 + offered[i];
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void
tls_set_callbacks(struct tls_context *context, SSL_CTX *ssl)
{
	SSL_CTX_set_client_hello_cb(ssl, on_client_hello, NULL);
	SSL_CTX_set_tlsext_servername_callback(ssl, on_server_name);
	SSL_CTX_set_alpn_select_cb(ssl, on_protocols, NULL);
	SSL_CTX_set_msg_callback(ssl, on_message);
	if (context->tickets != NULL)
		tls_ticket_set_callback(ssl);
}

/* Tickets are a host's own, in whichever process it is served. */
static void
tls_set_session_context(SSL_CTX *ssl, const char *host)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;

	ensure(EVP_Digest(host, strlen(host), digest, &length, EVP_sha256(), NULL) == 1);
	ensure(SSL_CTX_set_session_id_context(ssl, digest, length) == 1);
}

static SSL_CTX *
tls_host_new_ssl(struct tls_context *context, const char *host)
{
	SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());

	ensure(ssl != NULL);
	SSL_CTX_set_min_proto_version(ssl, context->is_modern ? TLS1_3_VERSION
							      : TLS1_2_VERSION);
	SSL_CTX_set_security_level(ssl, 2);
	ensure(SSL_CTX_set_cipher_list(ssl, CIPHERS) == 1);
	ensure(SSL_CTX_set_ciphersuites(ssl, SUITES) == 1);
	ensure(SSL_CTX_set1_groups_list(ssl, GROUPS) == 1);
	SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
				     SSL_OP_CIPHER_SERVER_PREFERENCE |
				     SSL_OP_PRIORITIZE_CHACHA |
				     SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_early_data(ssl, 0);
	/* Each ticket is a write of its own and costs its client a kilobyte of memory. */
	SSL_CTX_set_num_tickets(ssl, 1);
	tls_set_session_context(ssl, host);
	tls_set_callbacks(context, ssl);
	return ssl;
}

static struct tls_host *
tls_context_new_host(struct tls_context *context, struct slice name)
{
	struct tls_host *host;

	context->hosts = memory_resize(context->hosts, (context->host_count + 1) *
							   sizeof(*context->hosts));
	host = &context->hosts[context->host_count++];
	host->name = memory_copy_text(name);
	host->ssl = tls_host_new_ssl(context, host->name);
	return host;
}

static void
tls_context_drop_last(struct tls_context *context)
{
	struct tls_host *host = &context->hosts[--context->host_count];

	SSL_CTX_free(host->ssl);
	memory_free(host->name);
}

static int
tls_host_use(struct tls_host *host, const struct tls_certificate *certificate, char *why,
	     size_t size)
{
	const char *reason;

	ERR_clear_error();
	if (SSL_CTX_use_cert_and_key(host->ssl, certificate->leaf, certificate->key,
				     certificate->chain, 1) == 1)
		return RESULT_OK;
	reason = ERR_reason_error_string(ERR_peek_error());
	snprintf(why, size, "the certificate cannot be used: %s",
		 reason != NULL ? reason : "unknown");
	ERR_clear_error();
	return RESULT_INVALID;
}

void
tls_context_release(struct tls_context **context)
{
	struct tls_context *gone = *context;

	*context = NULL;
	if (--gone->references > 0)
		return;
	while (gone->host_count > 0)
		tls_context_drop_last(gone);
	tls_ticket_clear(gone);
	memory_free(gone->hosts);
	memory_free(gone);
}

struct tls_context *
tls_context_new(const char *profile, const struct tls_ticket_page *tickets)
{
	struct tls_context *context = NEW(struct tls_context);

	context->references = 1;
	context->is_modern = strcmp(profile, "modern") == 0;
	context->tickets = tickets;
	tls_ticket_init(context);
	return context;
}

void
tls_context_free(struct tls_context **context)
{
	if (*context != NULL)
		tls_context_release(context);
}

static int
load_host(struct tls_context *context, struct slice host, struct slice chain_pem,
	  struct slice key_pem, char *why, size_t size)
{
	struct tls_host *known = tls_context_find(context, host);
	struct tls_certificate certificate;
	long days_left;
	int rc;

	rc = tls_certificate_load(&certificate, chain_pem, key_pem, why, size);
	if (rc != RESULT_OK)
		return rc;
	rc = tls_host_use(known != NULL ? known : tls_context_new_host(context, host),
			  &certificate, why, size);
	if (rc != RESULT_OK && known == NULL)
		tls_context_drop_last(context);
	/* A worker that is seated anew overnight must not stay away for this. */
	if (rc == RESULT_OK &&
	    !tls_certificate_is_current(&certificate, &days_left, why, size))
		log_warn(LOG_TLS, "certificate", "host=" SLICE_FMT " reason=\"%s\"",
			 SLICE_ARG(host), why);
	tls_certificate_clear(&certificate);
	return rc;
}

int
tls_context_add(struct tls_context *context, struct slice host, struct slice chain_pem,
		struct slice key_pem, char *why, size_t size)
{
	int rc;

	tls_keys_loading(true);
	rc = load_host(context, host, chain_pem, key_pem, why, size);
	tls_keys_loading(false);
	return rc;
}
