/* peer.h -- one connection of a client: a socket, perhaps TLS, and what waits. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/slice.h"

struct peer;

enum peer_tls { PEER_PLAIN, PEER_STARTTLS, PEER_DIRECT_TLS };

/* Called from peer_turn(); in->buffer holds what has not been taken. */
typedef void peer_event(struct peer *peer);

/* What a peer is in the middle of, by the owner's numbers; and its owner's own data. */
struct peer {
	int	      fd;
	unsigned      number;
	bool	      is_writing;	/* waits until the socket takes more */
	bool	      is_closed;	/* by the other side */
	int	      state;
	void	     *ssl;		/* SSL *; NULL: in clear */
	void	     *ticket;		/* SSL_SESSION * of the last connection, for the next */
	struct buffer in;
	struct buffer out;
	void	     *login;
	void	     *chat;
	void	     *managed;	/* of stream management; outlives the connection */
};

/* Once, before any peer is opened. */
void	peer_start(peer_event *on_input, peer_event *on_closed);
void	peer_set_input(peer_event *on_input);

/* Connects to the IPv4 loopback; false, and errno, where nobody listens. */
bool	peer_open(struct peer *peer, uint16_t port);
/* Ends the connection at once; keeps the ticket where keep_ticket. */
void	peer_close(struct peer *peer, bool keep_ticket);

/* TLS 1.3 from the next byte on, with the ticket where there is one. Certificates are not checked. */
void	peer_secure(struct peer *peer, const char *host);
bool	peer_is_resumed(const struct peer *peer);

/* Appends to what waits, and peer_flush() gives it to the socket. */
void	peer_write(struct peer *peer, struct slice bytes);
void	peer_flush(struct peer *peer);

/* Waits at most timeout_ms for something to happen and calls back for all that did. */
void	peer_turn(int timeout_ms);

uint64_t peer_now_ns(void);
