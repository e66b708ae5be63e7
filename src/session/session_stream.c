/* session_stream.c -- what its stream tells a session, and asks of it. */
#include "session/session_private.h"

#include "base/log.h"
#include "session/resume.h"
#include "session/session_map.h"
#include "shm/counters.h"
#include "shm/wake.h"
#include "stream/server.h"

static void
on_stanza(void *owner, struct element *stanza)
{
	struct session *session = owner;

	session->received++;
	hold_open(session);
	atomic_store_explicit(&session->slot->stanzas_in, session->received,
	    memory_order_relaxed);
	session->server->sessions->events->on_stanza(session, stanza);
	session_hold_if_full(session);
	session_hold_for_store(session);
}

/* XEP-0352: nothing is answered, but what waits comes before anything the client asks next. */
static void
on_state(void *owner, bool is_inactive)
{
	hold_set(owner, is_inactive);
}

static size_t
on_output(void *owner, char *out, size_t size, bool entry_only)
{
	struct session *session = owner;
	struct outbox_cursor cursor = session->cursor;
	uint64_t limit;
	size_t count;

	if (session->type != SLOT_C2S)
		return 0;
	limit = entry_only		       ? cursor.number
	    : stream_is_ready(session->conn) ? hold_limit(session)
					       : UINT64_MAX;	/* its last words */
	if (limit < cursor.number)
		return 0;
	count = outbox_read(session->server->shm, session->ref, &cursor, out, size, limit);
	if (session->acks.is_on && count > 0)
		acks_offered(session, &cursor);
	return count;
}

/* Without stream management what the socket has taken is no longer needed; nor is what it had taken before. */
static void
give_written(struct session *session)
{
	uint64_t written = session->cursor.number - 1;
	uint64_t before = atomic_load(&session->slot->sm_out);

	if (!session->acks.is_on) {
		session_give(session, written);
		return;
	}
	if (session_given(session) < before)
		session_give(session, written < before ? written : before);
	acks_sent(session);
}

static void
on_written(void *owner, size_t count)
{
	struct session *session = owner;
	struct shm *shm = session->server->shm;
	uint64_t before = session->cursor.number;

	outbox_skip(shm, session->ref, &session->cursor, count);
	counter_add(shm, COUNTER_STANZAS_OUT, session->cursor.number - before);
	atomic_store_explicit(&session->slot->stanzas_out, session->cursor.number - 1,
	    memory_order_relaxed);
	give_written(session);
	session_release_if_drained(session);
}

static bool
is_inside(void *owner)
{
	const struct session *session = owner;

	return session->type == SLOT_C2S && session->cursor.offset > 0;
}

/* XEP-0199 from the server: whatever the client answers shows that it lives. An acknowledgement does (R56). */
static void
on_idle(void *owner)
{
	struct session *session = owner;
	struct arena arena;
	struct element *iq;

	if (session->acks.is_on) {
		acks_ask(session);
		return;
	}

	arena_init(&arena);
	iq = element_new(&arena, NS_CLIENT, "iq");
	element_set(&arena, iq, "type", SLICE("get"));
	element_set(&arena, iq, "id", SLICE("alive"));
	element_set(&arena, iq, "from", session->jid.domain);
	element_set(&arena, iq, "to", session->jid.full);
	element_add(&arena, iq, NS_PING, "ping");
	session_send(session, iq);
	arena_clear(&arena);
}

static void
on_closed(void *owner, const char *why)
{
	struct session *session = owner;
	bool waits = resume_is_possible(session) && !session->is_over &&
	    !stream_was_ended(session->conn);

	log_info(LOG_SESSION, waits ? "connection lost" : "closed",
	    "sid=%s jid=" SLICE_FMT " reason=%s", session->id, SLICE_ARG(session->jid.full), why);
	session->is_left = stream_was_left(session->conn);
	session->conn = NULL;
	if (!waits) {
		session_destroy(session, why);
		return;
	}
	resume_hibernate(session);
	if (session->server->stopping)
		resume_leave(session);
	else
		wake_mark(session->server->shm, session->ref.slot);	/* there may be too much for one that waits */
}

static int
on_enable(void *owner, struct management *management)
{
	return resume_on_enable(owner, management);
}

static void
on_ack(void *owner, uint32_t h)
{
	struct session *session = owner;

	if (!acks_received(session, h, session->cursor.number - 1)) {
		stream_fail_ack(session->conn, h,
		    acks_count(session, session->cursor.number - 1));
		return;
	}
	acks_sent(session);
	session_release_if_drained(session);
}

static void
on_ack_request(void *owner)
{
	acks_requested(owner);
}

static void
on_resume(void *owner, struct slice id, uint32_t h)
{
	resume_on_request(owner, id, h);
}

const struct stream_events session_stream_events = {
	.on_login = session_on_login,
	.on_bind = session_on_bind,
	.on_stanza = on_stanza,
	.on_state = on_state,
	.on_enable = on_enable,
	.on_ack = on_ack,
	.on_ack_request = on_ack_request,
	.on_resume = on_resume,
	.on_output = on_output,
	.on_written = on_written,
	.is_inside = is_inside,
	.on_idle = on_idle,
	.on_closed = on_closed,
};
