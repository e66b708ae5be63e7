/* stream.h -- an XML stream with a client (RFC 6120 4 to 7): header, TLS, SASL, binding, errors, end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "xmpp/stanza_error.h"

#define STREAM_RESUME_ID_MAX 64

struct connection;
struct element;
struct guard;
struct server;
struct slot;
struct stream;

/* What <enable/> asks for, and then what <enabled/> says (XEP-0198). */
struct management {
	bool	 can_resume;
	uint64_t max_s;				/* seconds until a resumption; 0: not said */
	char	 id[STREAM_RESUME_ID_MAX];	/* of <enabled/> alone */
};

/* All come from the loop; the owner is a session. None may free the stream but on_closed. */
struct stream_events {
	/* SASL is done. */
	void	(*on_login)(void *owner, struct slice username, struct slice host,
		    uint64_t account);
	/*
	 * A resource is asked for (empty: any). Fills full_jid and returns 0, or a stanza
	 * error condition. *full_jid is borrowed until the stream is gone.
	 */
	int	(*on_bind)(void *owner, struct slice resource, struct slice *full_jid);
	void	(*on_stanza)(void *owner, struct element *stanza);
	/* The client says that nobody looks at it, or that somebody does again. */
	void	(*on_state)(void *owner, bool is_inactive);
	/* Stream management: from 0 to 2^32 - 1 and round. on_enable returns 0, or a stanza error condition. */
	int	(*on_enable)(void *owner, struct management *management);
	void	(*on_ack)(void *owner, uint32_t h);
	void	(*on_ack_request)(void *owner);
	/* Answered by stream_resumed() or stream_not_resumed(), from here or later: nothing is read until then. */
	void	(*on_resume)(void *owner, struct slice id, uint32_t h);
	/*
	 * Bytes of stanzas for the socket. entry_only: no further than the end of the stanza the
	 * socket is in the middle of. on_written: the socket took so many of them. What is said from within on_output
	 * goes out right behind them: only where they end whole.
	 */
	size_t	(*on_output)(void *owner, char *out, size_t size, bool entry_only);
	void	(*on_written)(void *owner, size_t count);
	bool	(*is_inside)(void *owner);	/* the socket is in the middle of a stanza */
	/* Silence for idle_timeout: something that makes the peer speak should be sent. */
	void	(*on_idle)(void *owner);
	/* The connection is gone; the stream frees itself when this returns. why is for the log. */
	void	(*on_closed)(void *owner, const char *why);
};

/*
 * Takes the descriptor, and the place that guard_admit() gave. slot is where the stream shows its state to others (flags, TLS, mechanism, id);
 * borrowed until on_closed.
 */
struct stream *stream_new(struct server *server, int fd, const void *address, bool direct_tls,
		   const struct guard *guard, struct slot *slot, const struct stream_events *events, void *owner);

const char *stream_id(const struct stream *stream);
const char *stream_host(const struct stream *stream);	/* "" before the header */
bool	    stream_is_ready(const struct stream *stream);	/* bound */
bool	    stream_is_secure(const struct stream *stream);

void	stream_want_write(struct stream *stream);

/* --- stream management --- */

/* Bytes of stanzas that were offered to the socket and not taken: no word of ours comes before their end. */
size_t	stream_offered(const struct stream *stream);
void	stream_acknowledge(struct stream *stream, uint32_t h);
void	stream_ask_ack(struct stream *stream);
void	stream_resumed(struct stream *stream, const char *id, uint32_t h);
/* The client may bind a resource instead. h NULL: not known. */
void	stream_not_resumed(struct stream *stream, enum stanza_condition condition, const uint32_t *h);
/* It acknowledges more than it was sent: a stream error. */
void	stream_fail_ack(struct stream *stream, uint32_t h, uint32_t sent);

/* The stream speaks for another owner, of the same kind, from now on, and shows its state in that slot. */
void	stream_set_owner(struct stream *stream, void *owner, struct slot *slot);
/* Its owner goes on with another stream: the peer of this one, if it is still there, gets the error. */
void	stream_disown(struct stream *stream, enum stream_condition condition, const char *text);
/* Either side has said its end, or an error: what is lost now was not lost by accident. */
bool	stream_was_ended(const struct stream *stream);

/* It was the client that ended the stream or the connection, and nothing that went wrong. */
bool	stream_was_left(const struct stream *stream);

/* No further stanzas are handled until resumed (back-pressure). */
void	stream_pause(struct stream *stream);
void	stream_resume(struct stream *stream);

/* What the client says is not looked at now, for whatever reason: it cannot be silent, nor late with an answer. */
bool	stream_is_paused(const struct stream *stream);

/*
 * Ends the stream: what waits is written first, then the error where condition is not 0, then
 * </stream:stream>; a peer that does not answer is dropped after close_timeout. Closing twice is harmless.
 * text is a literal: it is kept.
 */
void	stream_close(struct stream *stream, enum stream_condition condition, const char *text);

/* Drops the connection without a word, once what waits was written; at most linger_ms later. */
void	stream_drop(struct stream *stream, const char *why, uint64_t linger_ms);

/* Drops the connection without a word, at once. */
void	stream_abort(struct stream *stream, const char *why);
