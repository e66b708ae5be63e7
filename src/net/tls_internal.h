/* tls_internal.h -- what the files of TLS share; OpenSSL's types by their tags alone. */
#pragma once

#include "net/tls.h"
#include "net/tls_context.h"

struct ssl_st;
struct ssl_ctx_st;
struct x509_st;
struct stack_st_X509;
struct evp_pkey_st;
struct evp_cipher_st;

#define TLS_INPUT_SIZE 65536

/*
 * What was received and not yet decrypted: one buffer for all connections of a context. Its
 * user has the bytes from start to end; when another connection needs it they move to a
 * buffer of the user's own. So the socket is read once for many records, and who waits
 * holds nothing.
 */
struct tls_input {
	struct tls *user;
	size_t start;
	size_t end;
	char data[TLS_INPUT_SIZE];
};

struct tls_host {
	char *name;
	struct ssl_ctx_st *ssl;
};

struct tls_context {
	uint32_t references; /* the owner's, and one a connection */
	uint32_t host_count;
	struct tls_host *hosts;
	bool is_modern;
	const struct tls_ticket_page *tickets;
	struct tls_ticket_page known; /* the last whole state of *tickets */
	struct evp_cipher_st *ticket_cipher;
	struct tls_input input;
};

struct tls {
	struct ssl_st *ssl;
	struct tls_context *context;
	char *own_input; /* see struct tls_input */
	char *error;
	char *server_name;
	size_t own_start;
	size_t own_end;
	uint64_t key_updates_since_ms;
	int fd;
	uint16_t server_name_length;
	uint8_t key_updates;
	bool may_receive : 1; /* the call under way has not used its one read */
	bool at_end : 1;      /* the peer's end of TCP */
	bool is_broken : 1;   /* the socket failed */
	bool is_refused : 1;  /* the peer did what we do not stand; error says what */
	bool has_failed : 1;  /* OpenSSL says never to call it again */
};

/* tls.c */
void	tls_refuse(struct tls *tls, const char *why);

/* tls_context.c: callbacks of OpenSSL find the connection. */
struct tls *tls_of(const struct ssl_st *ssl);
void	tls_context_release(struct tls_context **context);

/* tls_ticket.c */
void	tls_ticket_init(struct tls_context *context);
void	tls_ticket_clear(struct tls_context *context);
bool	tls_ticket_is_possible(struct tls_context *context);
void	tls_ticket_set_callback(struct ssl_ctx_st *ssl);

/* tls_keys.c: what is given back to the heap in between is wiped first. */
void	tls_keys_loading(bool begins);

/* tls_certificate.c */
struct tls_certificate {
	struct x509_st *leaf;
	struct stack_st_X509 *chain; /* without the leaf */
	struct evp_pkey_st *key;
};

int	tls_certificate_load(struct tls_certificate *certificate, struct slice chain_pem,
	    struct slice key_pem, char *why, size_t size);
void	tls_certificate_clear(struct tls_certificate *certificate);
/* False, with why, outside its days. days_left may be negative. */
bool	tls_certificate_is_current(const struct tls_certificate *certificate, long *days_left,
	    char *why, size_t size);
