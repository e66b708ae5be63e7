/* connection_internal.h -- what the two files of a connection share: its state. */
#pragma once

#include <bsd/sys/queue.h>

#include "net/connection.h"
#include "net/timer.h"

#define CONNECTION_BUFFER_SIZE 65536

/* What was read and the owner has not taken: only a paused connection has it. */
struct rest {
	size_t start;
	size_t end;
	char data[];
};

/* Thousands of these are idle: what few need for a while is allocated for that while. */
struct connection {
	struct connections *all;
	struct watch *watch;
	const struct transport *transport;
	struct tls *tls; /* the transport's state, once transport is transport_tls */
	const struct connection_events *events;
	void *owner;
	struct rest *rest;
	struct timer *linger;
	STAILQ_ENTRY(connection) next;
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t last_input_ms;
	uint64_t last_progress_ms;
	int fd;
	int result; /* of the end, for on_closed */

	bool queued : 1; /* stands in the queue of connections_flush() */
	bool wants_write : 1;
	bool blocked : 1; /* the socket takes no more; waits for WATCH_WRITE */
	bool paused : 1;
	bool watched : 1; /* bytes would wake us, though it may be paused */
	bool resumed : 1;
	bool read_waits_for_write : 1; /* TLS: the handshake cannot be sent */
	bool tls_follows : 1;	       /* when what is to be said in clear was written */
	bool secured : 1;
	bool ended : 1;	  /* the peer's last byte was read */
	bool closing : 1; /* drains, says goodbye, waits for the peer's end */
	bool shut : 1;	  /* our last byte was written */
	bool dead : 1;	  /* waits for connections_flush() to bury it */

	struct sockaddr_storage address;
};

STAILQ_HEAD(connection_queue, connection);

struct connections {
	struct loop *loop;
	struct timers *timers;
	struct connection_queue queue;
	uint32_t count;
	uint64_t now_ms; /* of this turn; 0: nobody has asked yet */
	char input[CONNECTION_BUFFER_SIZE];
	char output[CONNECTION_BUFFER_SIZE];
};

/* connection.c */

/* The time of this turn, asked from the clock once. */
uint64_t connections_now(struct connections *connections);

/* The next connections_flush() looks at it. */
void	connection_queue(struct connection *connection);

/* The end, from anywhere: callbacks up the stack may still hold the connection. */
void	connection_die(struct connection *connection, int result);

/* The same, because of what the peer did with TLS: the log is told why. */
void	connection_refuse(struct connection *connection, const char *why);
bool	connection_is_reading(const struct connection *connection);

/* connection_io.c */

/* One read of the socket. */
void	connection_read(struct connection *connection);

/* After connection_resume(): what was left first. */
void	connection_read_on(struct connection *connection);

/* Writes what the owner has, at most twice the buffer; the socket may end it sooner. */
void	connection_write(struct connection *connection);

/* All was written: goes on to TLS, or says goodbye. */
void	connection_finish_output(struct connection *connection);
