/* session.h -- the session of a client, by the field's names: connected, available, interested (rookery-session(7)). */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/timer.h"
#include "session/acks.h"
#include "session/hold.h"
#include "session/share.h"
#include "shm/outbox.h"
#include "shm/slots.h"
#include "xmpp/jid.h"
#include "xmpp/stanza_error.h"

struct element;
struct resume_wish;
struct server;
struct stream;

/* Why a session's input waits; it goes on when none is left. Whoever gives a session a connection pauses that one too. */
enum session_pause {
	PAUSED_OUTBOX = 1,	/* until its outbox has drained */
	PAUSED_STORES = 2,	/* until the stores have room for requests */
	PAUSED_ANSWER = 4,	/* until its last stanza was answered */
	PAUSED_MEMORY = 8	/* a while: it has caused more than its share of what memory is scarce for */
};

/* Whose is what in session->private. */
enum session_private { PRIVATE_OFFLINE, PRIVATE_AVATAR, SESSION_PRIVATES };

/*
 * One connected client on this worker; what must outlive the worker stands in its slot and in the
 * registry. Remembered by slot_ref and looked up again wherever a callback lies in between.
 */
struct session {
	struct server	    *server;
	struct stream	    *conn;		/* NULL once the connection is gone */
	struct slot_ref	     ref;
	struct slot	    *slot;
	enum slot_type	     type;		/* c2s_unauthed, c2s_unbound, c2s, c2s_destroyed */
	uint64_t	     account;
	struct slot_ref	     displaced;		/* whose resource it took; slot UINT32_MAX: nobody's */
	char		    *full_jid_text;	/* what the slices of jid point into */
	struct jid	     jid;		/* username, host, resource: complete from bind on */
	int8_t		     priority;
	bool		     available;		/* presence without a type, and no unavailable since */
	bool		     interested;	/* has asked for the roster */
	bool		     reads_archive;	/* has asked for its account's archive */
	unsigned	     paused;		/* enum session_pause */
	uint64_t	     awaits;		/* the stanza that is to be answered first; 0: none */
	bool		     ending;		/* session_close() or session_destroy() has begun */
	const char	    *failure;		/* why it ends, where something went wrong; NULL: its client has left */
	bool		     is_left;		/* its client has ended the connection */
	bool		     is_over;		/* its connection ends, and it is not to be resumed */
	bool		     is_dropped;	/* its connection ends without a word, and it is */
	uint64_t	     received;		/* stanzas parsed: the number of the newest */
	struct outbox_cursor cursor;		/* next byte for the socket */
	uint64_t	     given_octets;	/* as cursor.octets: of entries given back */
	struct hold	     hold;
	struct acks	     acks;
	struct share	     share;
	struct timer	     deadline;		/* of a session without connection: its client's */
	struct resume_wish  *wish;		/* of a connection that waits for an older session; NULL: does not */
	uint32_t	     handed_on;	/* of what it left: those whose answer is still to come */
	uint64_t	     look_at;		/* on_look once so many entries are given back; 0: not asked */
	char		     id[24];		/* the stream id: what log lines call it */
	void		    *private[SESSION_PRIVATES];	/* of features: theirs to free before it ends */
};

/* What the router gives to the sessions, at start. */
struct session_events {
	void (*on_bound)(struct session *session);
	/* The element lives until the call returns; numbered already (session->received). */
	void (*on_stanza)(struct session *session, struct element *stanza);
	/* Before slot and registry record go: the last moment to speak for it. */
	void (*on_ending)(struct session *session, const char *reason);
	/*
	 * Nobody finds it any more; what stands in its outbox did not reach its client. False: what it left is not settled
	 * yet, and it is asked again.
	 */
	bool (*on_unbound)(struct session *session);
	/* It has lost its connection, and waits for its client. */
	void (*on_hibernating)(struct session *session);
	/* It goes on elsewhere: what is here of it is to be freed, without a word. */
	void (*on_leaving)(struct session *session);
	/* In a turn of its own: somebody asked by session_look(), or what it waited for was given back. */
	void (*on_look)(struct session *session);
};

void	sessions_start(struct server *server, const struct session_events *events);
void	sessions_free(struct server *server);

/* Takes the descriptor. Without a free slot the peer gets resource-constraint and is closed. */
void	session_accept(struct server *server, int fd, const struct sockaddr_storage *address,
	    bool direct_tls);

/*
 * After shm_recover(): sessions of a worker number whose process is gone; another number's are ours from now on. Those
 * that can be resumed wait for their clients, the others end. What the number's stores still answer is waited for first:
 * sessions_are_settled().
 */
void	sessions_adopt(struct server *server, uint32_t number);
bool	sessions_are_settled(const struct server *server);

/* From the loop's hook: dirty slots of others' appends, orders, and output. True: call again soon. */
bool	sessions_turn(struct server *server);

/* A new configuration stands in the server: hosts that went are closed with host-gone. */
void	sessions_reload(struct server *server);

/*
 * Closes all with system-shutdown, in turns; on_done when the last is gone or close_timeout has passed. Those that can be
 * resumed get what waits and a last <a/>, lose their connection without a word, and stay in the memory.
 */
void	sessions_stop(struct server *server, void (*on_done)(struct server *server));

/*
 * Gently, one after the other: those that can be resumed as in sessions_stop(), at most pace a second, and they can be
 * fetched by other workers all the while; the others linger, until linger_ms have passed. New ones are not accepted any
 * more: the caller's. on_done when none has a connection; what waits for its client then stays in the memory.
 */
void	sessions_drain(struct server *server, uint64_t linger_ms, uint32_t pace,
	    void (*on_done)(struct server *server));

struct session *session_find(struct server *server, struct slot_ref ref);
struct session *session_of_slot(struct server *server, uint32_t slot);
uint32_t sessions_count(const struct server *server);

/*
 * R8: a stanza whose answer comes later is not overtaken by the next one. Its input waits from the first call on until
 * the second has named that stanza; it goes on in a turn of its own, before the loop sleeps.
 */
void	session_wait(struct session *session, uint64_t stanza);
void	session_go_on(struct session *session, uint64_t stanza);

/*
 * A stanza of it is to be kept by a store besides what it causes, and was. Where the host's ack is durable it is not
 * acknowledged before.
 */
void	session_keeps(struct session *session, uint64_t stanza);
void	session_kept(struct session *session, uint64_t stanza);

/* Asks for its outbox to be written before the loop sleeps. */
void	session_want_write(struct session *session);

/* Sets or clears flags (enum slot_flag) in the registry, then in the slot: RESULT_OK, or nothing has changed. */
int	session_set_flags(struct session *session, uint32_t flags, bool on);

/*
 * Asks its owner, whichever worker that is, to look at what the stores hold for it. It is a hint: it may come twice, and
 * not at all to a session that ends.
 */
void	session_look(struct server *server, struct slot_ref ref);

/*
 * The same once its outbox up to entry number was given back: so what comes in batches waits for the client. Whoever
 * looks too early, because somebody else asked for less, asks again.
 */
void	session_look_after(struct session *session, uint64_t number);

/* A connection begins with the first entry that was not given back. */
void	session_start_output(struct session *session);

/* Entries up to number were written, or acknowledged where the client does that. */
void	session_give(struct session *session, uint64_t number);

/* One that ends, and waited for an answer: whether its slot can be given now is looked at in a turn of its own. */
void	session_look_at_rest(struct server *server, struct slot_ref ref);

/* Sends a stanza from the server to this session alone. */
int	session_send(struct session *session, const struct element *stanza);

/* condition 0: an orderly end without an error. The session ends when the peer has answered or the time is up. */
void	session_close(struct session *session, enum stream_condition condition, const char *text);

/* Ends now; closing twice is harmless. */
void	session_destroy(struct session *session, const char *reason);
