/* acks.h -- stream management's counters (XEP-0198 4): what the client has got, and what it may be told that we have. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "net/timer.h"
#include "shm/outbox.h"

struct session;

struct acks {
	bool	     is_on;
	bool	     is_asked;		/* <r/> went out and no <a/> has come, asked for or not: no second one goes */
	uint64_t     asked;		/* the newest entry when the last of them went */
	uint64_t     asked_ms;		/* when that was, or when it was last seen not to be read */
	struct outbox_cursor mark;	/* behind what it was asked for */
	uint64_t     owed;		/* <r/> came: <a/> goes once so many stanzas are safe; 0: none is owed */
	uint64_t     keeps;		/* the newest stanza that a store keeps besides, and has not answered for; 0: none */
	struct timer timer;
};

/* From <enable/>: counts begin here, behind what the socket was offered before. */
void	acks_start(struct session *session);

/* From a resumption: counts go on. */
void	acks_go_on(struct session *session);

/* The socket is offered whole entries, up to the cursor: what the client is to be asked goes with them. */
void	acks_offered(struct session *session, const struct outbox_cursor *cursor);

/* Where its outbox has come to behind that entry; NULL where nobody remembers. */
const struct outbox_cursor *acks_mark(const struct session *session, uint64_t number);

/* The socket took entries: the client is asked for them, at once or in a while. */
void	acks_sent(struct session *session);

/* Of silence: asks, where there is anything to ask for or not, unless an answer is awaited. */
void	acks_ask(struct session *session);

/*
 * h entries are with the client. False: it was not sent so many, and a stream error says so. The counts go round at 2^32;
 * sent is the number of the newest entry that may be with it.
 */
bool	acks_received(struct session *session, uint32_t h, uint64_t sent);

/* <r/> */
void	acks_requested(struct session *session);

/*
 * What may be acknowledged: stanzas whose effects all stand, and, where the host's ack is durable, are on disk.
 * As the client counts them.
 */
uint32_t acks_safe(struct session *session);

/* All effects of what it has sent stand, and nothing is on its way to a disk. */
bool	acks_are_settled(const struct session *session);

/* <a/> with all that is safe now. */
void	acks_send(struct session *session);

/* Entry numbers as the client counts them. */
uint32_t acks_count(struct session *session, uint64_t number);

/* The connection is gone, and what it was asked. */
void	acks_stop(struct session *session);
