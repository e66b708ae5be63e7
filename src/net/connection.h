/* connection.h -- a client's socket: reads in turns, writes once a loop iteration. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct loop;
struct timers;
struct tls;
struct tls_context;
struct connection;

/*
 * All are called from the loop. on_bytes may close the connection; it returns how many bytes
 * it took: fewer than given pauses reading until connection_resume(), and the rest is offered
 * again then. While closing, bytes not taken are dropped instead, so that the peer's end is seen.
 *
 * on_output asks for bytes to write: the owner copies at most size bytes to out and returns
 * how many; on_written tells how many of those the socket took (the rest is asked for again,
 * and must be the same bytes). So an idle connection holds no output buffer.
 *
 * on_closed comes exactly once, also after connection_close(); the connection is gone when it returns.
 */
struct connection_events {
	size_t	(*on_bytes)(void *owner, struct slice bytes);
	size_t	(*on_output)(void *owner, char *out, size_t size);
	void	(*on_written)(void *owner, size_t count);
	void	(*on_secured)(void *owner);		/* the TLS handshake is done */
	void	(*on_end)(void *owner);			/* the peer has sent its last byte */
	void	(*on_closed)(void *owner, int result);	/* RESULT_OK, RESULT_CLOSED, RESULT_FAILED... */
};

/* What the connections of one loop share: read and write buffers of 64 KiB, the list of those with output. */
struct connections;

struct connections *connections_new(struct loop *loop, struct timers *timers);
void	connections_free(struct connections **connections);	/* all were closed before */

/* Writes what connections have asked to write; from loop_hooks.before_sleep. True: call again soon. */
bool	connections_flush(struct connections *connections);

/* Takes the descriptor. address is the peer's. */
struct connection *connection_new(struct connections *connections, int fd,
		    const struct sockaddr_storage *address,
		    const struct connection_events *events, void *owner);

/*
 * Direct TLS at once; or where connection_want_write() stands, once on_output has given all there is
 * to say in clear (<proceed/>): connection_tls() is NULL until then. Bytes not yet taken in clear make
 * it fail, and close the connection with RESULT_FAILED (RFC 6120 5.4.3.3).
 */
int	connection_start_tls(struct connection *connection, struct tls_context *context);
/* Right after it: whose certificate a client gets that names no host, or one not served, in TLS. */
void	connection_prefer_host(struct connection *connection, struct slice host);
struct tls *connection_tls(struct connection *connection);	/* NULL in clear */

/* There is something to write: on_output will be asked before the loop sleeps. Cheap to repeat. */
void	connection_want_write(struct connection *connection);
void	connection_pause(struct connection *connection);	/* reading */
void	connection_resume(struct connection *connection);
bool	connection_is_paused(const struct connection *connection);	/* also by bytes that the owner has not taken */

/*
 * flush: first writes what on_output still gives, says the end (of TLS and TCP), and waits for the
 * peer's; at most linger_ms in all, and input is still offered. Otherwise at once (abort). Either
 * way on_closed comes later. The first deadline stands unless a later call shortens it.
 */
void	connection_close(struct connection *connection, bool flush, uint64_t linger_ms);

/* Idle: gives back what can be made anew. */
void	connection_release(struct connection *connection);

const struct sockaddr_storage *connection_address(const struct connection *connection);
uint64_t connection_bytes_in(const struct connection *connection);	/* of the transport's payload */
uint64_t connection_bytes_out(const struct connection *connection);
uint64_t connection_last_input_ms(const struct connection *connection);	/* or of connection_resume() */
uint64_t connection_last_progress_ms(const struct connection *connection);	/* of writing, or when the wish to write began */
