/* stream_private.h -- what the files of a stream share. */
#pragma once

#include "auth/sasl.h"
#include "base/buffer.h"
#include "config/config.h"
#include "net/connection.h"
#include "net/timer.h"
#include "shm/layout.h"
#include "stream/server.h"
#include "shm/limits.h"
#include "stream/guard.h"
#include "stream/stream.h"
#include "xml/parser.h"

enum stream_state {
	STATE_HEADER,		/* waits for <stream:stream> */
	STATE_LOGIN,		/* features were sent, nobody has logged in */
	STATE_PROCEED,		/* <proceed/> is on its way, then TLS */
	STATE_SASL,		/* an exchange waits for the client's answer */
	STATE_SASL_WORK,	/* ... or for our thread pool */
	STATE_REGISTER,		/* an account is being made; then STATE_LOGIN again */
	STATE_BIND,		/* logged in, no resource yet */
	STATE_RESUME,		/* an older session is being fetched */
	STATE_READY,		/* stanzas */
	STATE_ENDING,		/* our end is said; the peer's is awaited */
	STATE_CLOSED,
	STATE_COUNT
};

/* What may arrive in a state. unless: not in this situation. */
enum stream_unless { UNLESS_NEVER, UNLESS_SECURE, UNLESS_TLS_MISSING };

struct state_row {
	enum xml_namespace ns;
	const char	  *name;
	void		 (*handle)(struct stream *stream, struct element *element);
	enum stream_unless unless;
};

/* What was last offered to the socket and not wholly taken: it must be offered again as it was. */
struct stream_offer {
	size_t control;		/* in this order: bytes at the front of the control buffer, */
	size_t stanzas;
	size_t behind;		/* those that follow there, and belong behind the stanzas */
};

/* An answer that is ready, or a request that is not looked at yet: stream_delay.c. */
struct stream_delay {
	struct timer   timer;
	enum sasl_step step;
	bool	       was_slow;	/* this login was answered late already */
	struct buffer  iq;	/* the request to bind */
};

/* How much it has sent: stream_rate.c. */
struct stream_rate {
	limit_bucket bytes, stanzas, presences;
	uint64_t     counted;	/* bytes of the connection */
	uint64_t     account;	/* key of the account's place */
	struct timer timer;
	bool	     is_slow;	/* nothing is read until the timer */
	bool	     waits_for_owner;	/* who has paused it will resume it */
};

struct stream {
	struct server		   *server;
	struct connection	   *connection;
	struct parser		   *parser;
	struct sasl		   *sasl;
	const struct stream_events *events;
	void			   *owner;
	struct slot		   *slot;
	struct timer		    timer;
	struct buffer		    control;	/* bytes that are no stanzas: features, SASL, errors */
	struct buffer		    detail;	/* of an error: an element of its own kind */
	struct stream_offer	    offer;
	struct stream_rate	    rate;
	struct guard		    guard;
	struct stream_delay	    delay;
	enum stream_state	    state;
	bool			    secure;
	bool			    authenticated;
	bool			    header_sent;
	bool			    restart;	/* a new parser takes the bytes that follow */
	bool			    end_sent;
	bool			    peer_ended;	/* </stream:stream> came */
	bool			    left;	/* by the client, with the connection */
	bool			    ended;	/* we have begun to end it, with or without an error */
	bool			    registered;	/* an account was made here: one is enough */
	bool			    is_dropped;	/* what it still sends is not looked at, and never will be */
	bool			    is_fetching;	/* reading waits for what STATE_RESUME waits for */
	bool			    is_offering;	/* what is written now goes behind the stanzas on offer */
	bool			    pinged;
	bool			    released;	/* idle memory was given back */
	uint8_t			    attempts;	/* failed logins of any kind */
	uint8_t			    guesses;	/* with a wrong password */
	const char		   *why;	/* for the log */
	enum stream_condition	    condition;	/* of the error that ends it behind what waits; 0: none */
	const char		   *text;	/* of that error */
	enum xml_namespace	    management;	/* NS_SM3 or NS_SM2 as the client speaks it, or NS_NONE */
	uint64_t		    deadline_ms;	/* of the state; 0: none */
	char			   *host;	/* prepared, from the header; NULL before */
	char			    id[24];
};

/* client.c: the rows of each state, and what they do. */
const struct state_row *client_rows(enum stream_state state);
/* client_sasl.c, client_iq.c: handlers of theirs. */
#define CLIENT_FAILURES_MAX 12	/* of any kind, a connection: every mechanism once, and some */
void	client_on_auth(struct stream *stream, struct element *element);
void	client_on_response(struct stream *stream, struct element *element);
void	client_on_abort(struct stream *stream, struct element *element);
void	client_on_sasl_out_of_order(struct stream *stream, struct element *element);
void	client_on_bind_iq(struct stream *stream, struct element *iq);
void	client_on_login_iq(struct stream *stream, struct element *iq);
void	client_bind(struct stream *stream, struct arena *arena, struct element *iq);
void	client_sasl_done(struct stream *stream, enum sasl_step step);

/* management.c: the handlers of its rows */
void	management_on_enable(struct stream *stream, struct element *element);
void	management_on_resume(struct stream *stream, struct element *element);
void	management_on_ack(struct stream *stream, struct element *element);
void	management_on_ack_request(struct stream *stream, struct element *element);
void	management_on_late(struct stream *stream, struct element *element);

/* stream_delay.c: answers that come later than they could */
void	stream_delay_sasl(struct stream *stream, enum sasl_step step, uint64_t delay_ms);
void	stream_delay_bind(struct stream *stream, const struct element *iq, uint64_t delay_ms);
bool	stream_is_delayed(const struct stream *stream);
void	stream_delay_end(struct stream *stream);

/* stream_rate.c; bytes: after each read */
void	stream_rate_login(struct stream *stream);
void	stream_rate_bytes(struct stream *stream);
void	stream_rate_stanza(struct stream *stream, const struct element *stanza);
void	stream_rate_end(struct stream *stream);

/* stream_features.c */
void	stream_features_send(struct stream *stream);
unsigned stream_features_mechanisms(struct stream *stream);	/* enum sasl_mechanism bits on offer now */

/* stream.c */
const struct config_host *stream_config_host(struct stream *stream);
void	stream_fail(struct stream *stream, enum stream_condition condition, const char *text);

/* stream_time.c */
const char *stream_state_name(enum stream_state state);
void	stream_set_state(struct stream *stream, enum stream_state state);
void	stream_arm(struct stream *stream);	/* looks again at what is due next */

/* stream_input.c; the first is the connection's event */
size_t	stream_on_bytes(void *owner, struct slice bytes);
void	stream_new_parser(struct stream *stream);
void	stream_restart(struct stream *stream);	/* the next byte begins a new stream */
void	stream_go_on(struct stream *stream);	/* reads again, first what came during work elsewhere */

/* stream_output.c; the first two are the connection's events */
size_t	stream_on_output(void *owner, char *out, size_t size);
void	stream_on_written(void *owner, size_t count);
bool	stream_has_offered(const struct stream *stream);	/* and the socket has not taken it */
void	stream_write_end(struct stream *stream);	/* the end, or the error that was kept for it */
void	stream_close_if_over(struct stream *stream);
void	stream_write(struct stream *stream, const char *format, ...)
	    __attribute__((format(printf, 2, 3)));

/* header.c */
void	header_on_open(struct stream *stream, struct element *header);
void	header_send(struct stream *stream);
