/* session_input.c -- what may be read of a client, and what waits. */
#include "session/session_private.h"

#include "session/session_map.h"
#include "shm/store.h"
#include "shm/wake.h"
#include "stream/server.h"

#define OUTBOX_HIGH (256u << 10)	/* of the sender's own outbox: its input waits */
#define OUTBOX_LOW  (64u << 10)
#define STORE_ROOM  (448u << 10)	/* in the ring to each store, or input waits: the largest request */

void
session_pause_input(struct session *session, enum session_pause why)
{
	session->paused |= why;
	if (session->conn != NULL)
		stream_pause(session->conn);
}

void
session_resume_input(struct session *session, enum session_pause why)
{
	session->paused &= ~(unsigned)why;
	if (session->paused == 0 && session->conn != NULL)
		stream_resume(session->conn);
}

/*
 * Bytes that wait for the socket. Those that wait for an acknowledgement do not count: it could not be read from a client
 * whose input waits.
 */
static uint64_t
unsent(const struct session *session)
{
	const struct outbox_cursor *cursor = &session->cursor;
	uint64_t octets = outbox_bytes(session->slot);
	uint64_t sent = cursor->octets + cursor->offset - session->given_octets;

	if (cursor->number > atomic_load(&session->slot->out_next))
		return 0;
	return octets > sent ? octets - sent : 0;
}

/* Who does not read the answers is not asked for more questions; its outbox stays near this size. */
void
session_hold_if_full(struct session *session)
{
	if (session->conn != NULL && unsent(session) >= OUTBOX_HIGH)
		session_pause_input(session, PAUSED_OUTBOX);
}

/* What an inactive client need not get yet is no sign that it does not read. */
static bool
has_read(const struct session *session)
{
	return unsent(session) <= OUTBOX_LOW ||
	    (session->hold.is_on && session->cursor.number > session->hold.open);
}

void
session_release_if_drained(struct session *session)
{
	if ((session->paused & PAUSED_OUTBOX) && has_read(session))
		session_resume_input(session, PAUSED_OUTBOX);
}

/* A stanza may want one large request of each store; those of many sessions that come before they are held have room. */
bool
session_stores_have_room(const struct server *server)
{
	return (server->msg_client == NULL || store_can_ask(server->msg_client, STORE_ROOM)) &&
	    (server->core_client == NULL || store_can_ask(server->core_client, STORE_ROOM));
}

/* Clients that are faster than the disk are read as fast as the stores commit. */
void
session_hold_for_store(struct session *session)
{
	if ((session->paused & PAUSED_STORES) || session->conn == NULL ||
	    session_stores_have_room(session->server))
		return;
	session->server->sessions->waiting++;
	session_pause_input(session, PAUSED_STORES);
}

void
session_release(struct session *session)
{
	if ((session->paused & PAUSED_STORES) == 0)
		return;
	session->server->sessions->waiting--;
	session_resume_input(session, PAUSED_STORES);
}

void
session_wait(struct session *session, uint64_t stanza)
{
	if (session->awaits != 0)
		return;
	session->awaits = stanza;
	session_pause_input(session, PAUSED_ANSWER);
}

/* Not from here: the answers that came with this one are handled first, each by itself. */
void
session_go_on(struct session *session, uint64_t stanza)
{
	if (session->awaits != stanza || stanza == 0)
		return;
	session->awaits = 0;
	wake_mark(session->server->shm, session->ref.slot);
}

void
session_read_on(struct session *session)
{
	if ((session->paused & PAUSED_ANSWER) && session->awaits == 0)
		session_resume_input(session, PAUSED_ANSWER);
}
