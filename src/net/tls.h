/* tls.h -- one TLS connection on a non-blocking socket; OpenSSL stays behind this door. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct tls;
struct tls_context;

/* Takes over the descriptor's bytes, not the descriptor. */
struct tls *tls_accept(struct tls_context *context, int fd);
/* Before the handshake: the host of a client that does not name one of ours itself. */
void	    tls_prefer_host(struct tls *tls, struct slice host);
void	    tls_free(struct tls **tls);

/*
 * As read(2)/write(2): a count, 0 at the peer's end, RESULT_AGAIN (and *want says WATCH_READ or
 * WATCH_WRITE), RESULT_CLOSED, RESULT_FAILED. The handshake happens inside read.
 * A write that answered AGAIN is repeated with at least the same bytes, at any address.
 */
long	    tls_read(struct tls *tls, void *out, size_t size, int *want);
long	    tls_write(struct tls *tls, const void *data, size_t size, int *want);
void	    tls_shutdown(struct tls *tls);	/* close_notify, best effort */
void	    tls_release(struct tls *tls);	/* idle: gives its buffers back */
bool	    tls_has_input(const struct tls *tls);	/* decrypted bytes wait: read again before sleeping */

bool	    tls_is_ready(const struct tls *tls);	/* the handshake is done */
const char *tls_error(const struct tls *tls);	/* for the log, after RESULT_FAILED */
const char *tls_version(const struct tls *tls);	/* "TLSv1.3" */
const char *tls_cipher(const struct tls *tls);
struct slice tls_server_name(const struct tls *tls);	/* SNI, empty if none */
struct slice tls_protocol(const struct tls *tls);	/* ALPN, empty if none */
bool	    tls_was_resumed(const struct tls *tls);

/* Channel binding (RFC 9266, RFC 5929). Return the length, 0 where the type is not possible; out NULL: nothing is computed. */
#define TLS_BINDING_MAX 64
size_t	    tls_binding_exporter(struct tls *tls, uint8_t out[TLS_BINDING_MAX]);
size_t	    tls_binding_end_point(struct tls *tls, uint8_t out[TLS_BINDING_MAX]);
