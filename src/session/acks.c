/* acks.c -- stream management's counters (XEP-0198 4): what the client has got, and what it may be told that we have. */
#include "session/acks.h"

#include "base/clock.h"
#include "config/config.h"
#include "session/session.h"
#include "shm/limits.h"
#include "shm/outbox.h"
#include "shm/store.h"
#include "stream/server.h"
#include "stream/stream.h"

/* --- numbers of entries, and the client's --- */

static uint64_t
given(const struct session *session)
{
	return atomic_load(&session->slot->out_acked) >> 1;
}

/* The last entry that needs no acknowledgement any more, or never did. */
static uint64_t
acknowledged(const struct session *session)
{
	uint64_t before = atomic_load(&session->slot->sm_out);

	return given(session) > before ? given(session) : before;
}

static uint64_t
sent(const struct session *session)
{
	return session->cursor.number - 1;
}

uint32_t
acks_count(struct session *session, uint64_t number)
{
	const struct slot *slot = session->slot;
	uint64_t passed = outbox_passed(session->server->shm, session->ref, number);

	return (uint32_t)(number - atomic_load(&slot->sm_out) -
	    (passed - atomic_load(&slot->sm_passed)));
}

/* What was offered to the socket is on its way, and so is the rest of an entry that has begun. */
static uint64_t
offered(struct session *session)
{
	struct outbox_cursor cursor = session->cursor;

	outbox_skip(session->server->shm, session->ref, &cursor, stream_offered(session->conn));
	return cursor.offset > 0 ? cursor.number : cursor.number - 1;
}

void
acks_start(struct session *session)
{
	struct slot *slot = session->slot;
	uint64_t before = offered(session);

	atomic_store(&slot->sm_in, session->received);
	atomic_store(&slot->sm_out, before);
	atomic_store(&slot->sm_passed,
	    outbox_passed(session->server->shm, session->ref, before));
	atomic_fetch_or(&slot->flags, SLOT_MANAGED);
	session->acks = (struct acks){ .is_on = true, .asked = before };
}

void
acks_go_on(struct session *session)
{
	session->acks.is_on = true;
	session->acks.asked = sent(session);
}

/* --- what we have sent --- */

static void on_timer(struct timer *timer, void *parameter);

static void
watch(struct session *session)
{
	const struct config *config = session->server->config;

	if (!timer_is_armed(&session->acks.timer))
		timer_start(session->server->timers, &session->acks.timer,
		    (uint64_t)config->ack_after, on_timer, session);
}

/* For entries before the cursor. What comes later waits for the answer: who answers late is not asked more often. */
static void
ask(struct session *session, const struct outbox_cursor *cursor)
{
	struct acks *acks = &session->acks;

	acks->is_asked = true;
	acks->asked_ms = clock_ms();
	acks->asked = cursor->number - 1;
	if (cursor->offset == 0)
		acks->mark = *cursor;
	stream_ask_ack(session->conn);
	watch(session);
}

void
acks_ask(struct session *session)
{
	if (!session->acks.is_asked)
		ask(session, &session->cursor);
}

const struct outbox_cursor *
acks_mark(const struct session *session, uint64_t number)
{
	return session->acks.mark.number == number + 1 ? &session->acks.mark : NULL;
}

static bool
is_due(const struct session *session, uint64_t number)
{
	const struct acks *acks = &session->acks;
	uint64_t from = acknowledged(session);

	if (acks->is_asked)
		return false;
	if (acks->asked > from)
		from = acks->asked;
	return number >= from + (uint64_t)session->server->config->ack_every;
}

void
acks_offered(struct session *session, const struct outbox_cursor *cursor)
{
	if (cursor->offset == 0 && is_due(session, cursor->number - 1))
		ask(session, cursor);
}

void
acks_sent(struct session *session)
{
	if (is_due(session, sent(session)))
		acks_ask(session);
	else if (sent(session) > acknowledged(session))
		watch(session);
}

/* The client does not answer: the connection is dead, though nobody has said so. */
static bool
is_overdue(const struct session *session)
{
	return session->acks.is_asked && clock_ms() - session->acks.asked_ms >=
	    (uint64_t)session->server->config->ack_timeout;
}

static void
on_timer(struct timer *timer, void *parameter)
{
	struct session *session = parameter;
	struct acks *acks = &session->acks;

	if (session->conn == NULL)
		return;
	if (stream_is_paused(session->conn))	/* the answer may have come, and nobody has read it */
		acks->asked_ms = clock_ms();
	if (is_overdue(session)) {
		limit_bite(session->server->shm, LIMIT_ACK_TIME);
		stream_abort(session->conn, "no acknowledgement");
		return;
	}
	if (sent(session) > acknowledged(session) && sent(session) > acks->asked)
		acks_ask(session);
	if (acks->is_asked)
		watch(session);
}

bool
acks_received(struct session *session, uint32_t h, uint64_t last)
{
	struct shm *shm = session->server->shm;
	uint64_t from = acknowledged(session);
	uint32_t count = h - acks_count(session, from);
	uint64_t number;

	if (count == 0)
		number = from;
	else if (!outbox_count(shm, session->ref, from, count, last, &number))
		return false;
	if (h == acks_count(session, last))	/* what is passed over behind it goes as well */
		number = last;
	if (number > given(session))
		session_give(session, number);
	session->acks.is_asked = false;
	return true;
}

/* --- what we have got --- */

static bool
is_durable(const struct session *session)
{
	const struct config_host *host =
	    config_find_host(session->server->config, session->jid.domain);

	return host == NULL || host->ack == ACK_DURABLE;
}

static uint64_t
handled(const struct session *session)
{
	return atomic_load(&session->slot->h_in);
}

static uint64_t
safe(struct session *session)
{
	if (session->acks.keeps == 0 || !is_durable(session))
		atomic_store(&session->slot->h_safe, handled(session));
	return atomic_load(&session->slot->h_safe);
}

uint32_t
acks_safe(struct session *session)
{
	return (uint32_t)(safe(session) - atomic_load(&session->slot->sm_in));
}

bool
acks_are_settled(const struct session *session)
{
	return session->awaits == 0 && (session->acks.keeps == 0 || !is_durable(session));
}

void
acks_send(struct session *session)
{
	session->acks.owed = 0;
	stream_acknowledge(session->conn, acks_safe(session));
}

/* The answer comes as soon as all is safe that the client may mean: after a commit at the latest. */
void
acks_requested(struct session *session)
{
	if (safe(session) >= session->received || acks_are_settled(session)) {
		acks_send(session);
	} else {
		session->acks.owed = session->received;
		if (session->server->msg_client != NULL)
			store_hurry(session->server->msg_client);
	}
}

void
session_keeps(struct session *session, uint64_t stanza)
{
	if (session->acks.keeps == 0)	/* all before it is safe, and stays so */
		atomic_store(&session->slot->h_safe, stanza - 1);
	session->acks.keeps = stanza;
}

/* A store answers one worker in the order it was asked: so all before it stand on the disk, too. */
void
session_kept(struct session *session, uint64_t stanza)
{
	struct acks *acks = &session->acks;

	if (acks->keeps == stanza)
		acks->keeps = 0;
	else if (atomic_load(&session->slot->h_safe) < stanza)
		atomic_store(&session->slot->h_safe, stanza);
	if (acks->owed != 0 && session->conn != NULL && safe(session) >= acks->owed)
		acks_send(session);
}

void
acks_stop(struct session *session)
{
	struct acks *acks = &session->acks;

	timer_stop(session->server->timers, &acks->timer);
	acks->is_asked = false;
	acks->mark = (struct outbox_cursor){ 0 };
	acks->owed = 0;
}
