/* session.c -- one client: from accept to the slot's end, between its stream and the shared memory. */
#include "session/session_private.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "session/resume.h"
#include "session/session_map.h"
#include "shm/counters.h"
#include "shm/effect.h"
#include "stream/guard.h"
#include "stream/server.h"
#include "xml/writer.h"

uint64_t
session_given(const struct session *session)
{
	return atomic_load(&session->slot->out_acked) >> 1;
}

/* --- what the slot shows to others --- */

void
session_show_type(struct session *session, enum slot_type type)
{
	session->type = type;
	atomic_store(&session->slot->type, type);
}

static void
show_address(struct slot *slot, const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

		memcpy(slot->address, &in6->sin6_addr, 16);
		atomic_store(&slot->port, ntohs(in6->sin6_port));
		atomic_fetch_or(&slot->flags, SLOT_IPV6);
	} else if (address->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)address;

		memcpy(slot->address, &in->sin_addr, 4);
		atomic_store(&slot->port, ntohs(in->sin_port));
	}
}

/* --- beginning and end --- */

/* Nobody is told whether the reason is ours or theirs beyond what they can do about it. */
static bool
admit(struct server *server, const struct sockaddr_storage *address, struct guard *guard,
    struct slot_ref *ref, struct refusal *refusal)
{
	*refusal = (struct refusal){ STREAM_RESOURCE_CONSTRAINT, "the server stops" };
	if (server->stopping || !guard_admit(server, address, guard, refusal))
		return false;
	if (slot_take(server->shm, ref) == RESULT_OK) {
		limit_reached(server->shm, LIMIT_SESSIONS,
		    atomic_load(&server->shm->instance->sessions_about));
		return true;
	}
	limit_bite(server->shm, LIMIT_SESSIONS);
	guard_leave(server, guard);
	*refusal = (struct refusal){ STREAM_RESOURCE_CONSTRAINT,
		"no free slot: try again in a minute" };
	return false;
}

void
session_accept(struct server *server, int fd, const struct sockaddr_storage *address,
    bool direct_tls)
{
	struct session *session;
	struct slot_ref ref;
	struct guard guard;
	struct refusal refusal;

	if (!admit(server, address, &guard, &ref, &refusal)) {
		guard_refuse(server, fd, direct_tls, &refusal);
		return;
	}
	counter_add(server->shm, COUNTER_ACCEPTED, 1);
	session = NEW(struct session);
	session->server = server;
	session->ref = ref;
	session->slot = slot_find(server->shm, ref);
	session->type = SLOT_C2S_UNAUTHED;
	atomic_store(&session->slot->since_us, clock_wall_us());
	show_address(session->slot, address);
	session_map_add(server->sessions, session);
	session->conn = stream_new(server, fd, address, direct_tls, &guard, session->slot,
	    &session_stream_events, session);
	snprintf(session->id, sizeof(session->id), "%s", stream_id(session->conn));
}

static void
take_record(struct session *session, const struct registry_session *record)
{
	uint32_t flags = atomic_load(&session->slot->flags);
	struct jid bare;

	jid_split(record->bare_jid, &bare);
	session_set_jid(session, bare.local, bare.domain, record->resource);
	session->type = SLOT_C2S;
	session->account = record->account;
	session->priority = record->priority;
	session->available = (record->flags & SLOT_AVAILABLE) != 0;
	session->interested = (flags & SLOT_INTERESTED) != 0;
	session->acks.is_on = (flags & SLOT_MANAGED) != 0;
	session->received = atomic_load(&session->slot->h_in);
	memcpy(session->id, session->slot->stream_id, sizeof(session->id) - 1);
}

struct session *
session_adopt(struct server *server, struct slot_ref ref)
{
	struct session *session = NEW(struct session);
	struct registry_session record;
	struct txn *txn = registry_read(server->registry);

	session->server = server;
	session->ref = ref;
	session->slot = slot_find(server->shm, ref);
	session->type = SLOT_C2S_UNAUTHED;
	session->account = atomic_load(&session->slot->account);
	if (registry_session_of(server->registry, txn, ref, &record))
		take_record(session, &record);
	txn_end(&txn);
	session_map_add(server->sessions, session);
	if (!resume_is_possible(session)) {
		session_destroy(session, "its worker died");
		return NULL;
	}
	resume_hibernate(session);
	return session;
}

void
session_close(struct session *session, enum stream_condition condition, const char *text)
{
	if (session->conn == NULL)
		session_destroy(session, text);
	else
		stream_close(session->conn, condition, text);
}

static void finish(struct session *session);

static void
on_room_timer(struct timer *timer, void *parameter)
{
	finish(parameter);
}

/*
 * Its slot stays until all that it left has gone another way: should this worker die, or stop before the stores have room,
 * its replacement goes on.
 */
static void
finish_later(struct session *session)
{
	struct server *server = session->server;

	if (!server->stopping) {
		timer_start(server->timers, &session->deadline, ROOM_AGAIN_MS, on_room_timer,
		    session);
		return;
	}
	server->sessions->events->on_leaving(session);
	session_forget(session);
}

/* Who had found it before may append until its slot is given: that goes another way as well. */
static void
finish(struct session *session)
{
	struct server *server = session->server;
	uint64_t last;

	do {
		last = atomic_load(&session->slot->out_next);
		if (!sessions_are_settled(server) || !server->sessions->events->on_unbound(session)) {
			finish_later(session);
			return;
		}
	} while (!slot_give_behind(server->shm, session->ref, last));
	if (session->account != 0)
		registry_left(server->registry, session->account, session->ref);
	timer_stop(server->timers, &session->deadline);
	session_forget(session);
}

void
session_look_at_rest(struct server *server, struct slot_ref ref)
{
	struct session *session = session_find(server, ref);

	if (session != NULL && session->ending && session->conn == NULL)
		timer_start(server->timers, &session->deadline, 0, on_room_timer, session);
}

/*
 * The order is fixed: features speak first, then nobody finds the session, then its memory goes. Whoever
 * appends in between finds the epoch changed.
 */
void
session_destroy(struct session *session, const char *reason)
{
	struct server *server = session->server;
	bool is_bound;

	if (session->ending)
		return;
	session->ending = true;
	if (session->conn != NULL) {
		session->ending = false;
		session->is_over = true;
		stream_abort(session->conn, reason);	/* comes back through on_closed */
		return;
	}
	session->failure = session->is_left ? NULL : reason;
	resume_end(session);
	is_bound = session->type == SLOT_C2S;
	if (is_bound)
		server->sessions->events->on_ending(session, reason);
	session_show_type(session, SLOT_C2S_DESTROYED);
	if (is_bound)
		registry_unbind(server->registry, session->account, session->jid.resource,
		    session->ref);
	session_release(session);
	finish(session);
}

void
session_forget(struct session *session)
{
	session_map_remove(session->server->sessions, session);
	memory_free(session->full_jid_text);
	memory_free(session);
}

void
session_want_write(struct session *session)
{
	if (session->conn != NULL)
		stream_want_write(session->conn);
}

int
session_set_flags(struct session *session, uint32_t flags, bool on)
{
	uint32_t old = atomic_load(&session->slot->flags);
	uint32_t new = on ? old | flags : old & ~flags;
	int result = registry_set_flags(session->server->registry, session->account,
	    session->jid.resource, session->ref, new);

	if (result == RESULT_OK)
		atomic_store(&session->slot->flags, new);
	return result;
}

void
session_look(struct server *server, struct slot_ref ref)
{
	slot_ask(server->shm, ref, ORDER_LOOK);
}

void
session_look_after(struct session *session, uint64_t number)
{
	if (number <= session_given(session))
		session_look(session->server, session->ref);
	else if (session->look_at == 0 || number < session->look_at)
		session->look_at = number;
}

/* Nearly always none does, and then nobody walks. */
static bool
has_stored(const struct session *session, uint64_t last)
{
	return session->cursor.number <= last || session->cursor.stored > session_given(session);
}

/* What also stands in the account's queue of kept messages can be taken from there, whoever does it (offline_give.c). */
static void
note_stored(struct session *session, uint64_t last)
{
	uint64_t number, stored;

	if ((atomic_load(&session->slot->flags) & SLOT_TAKES_OFFLINE) && has_stored(session, last) &&
	    outbox_stored(session->server->shm, session->ref, last, &number, &stored))
		atomic_store(&session->slot->offline_given, stored);
}

void
session_start_output(struct session *session)
{
	outbox_start(session->server->shm, session->ref, &session->cursor);
	session->given_octets = 0;
}

void
session_give(struct session *session, uint64_t number)
{
	struct shm *shm = session->server->shm;
	const struct outbox_cursor *mark = acks_mark(session, number);
	uint64_t before = atomic_load(&session->slot->bytes_acked);

	note_stored(session, number);
	if (mark != NULL)
		outbox_give_before(shm, session->ref, mark, mark->octets - session->given_octets);
	else
		outbox_give(shm, session->ref, number);
	session->given_octets += atomic_load(&session->slot->bytes_acked) - before;
	if (session->look_at != 0 && session->look_at <= session_given(session)) {
		session->look_at = 0;
		session_look(session->server, session->ref);
	}
}

int
session_send(struct session *session, const struct element *stanza)
{
	struct shm *shm = session->server->shm;
	struct slot_ref nobody = { UINT32_MAX, 0 };
	struct effect_piece piece;
	size_t size = writer_write(stanza, NS_CLIENT, NULL, 0);
	char *memory;
	int result;

	effect_draft(shm, nobody, 0, false);
	result = effect_stage(shm, (uint32_t)size, &memory, &piece.offset);
	if (result != RESULT_OK)
		return result;
	piece.length = (uint32_t)writer_write(stanza, NS_CLIENT, memory, size);
	result = effect_add(shm, session->ref, ENTRY_IQ, 0, &piece, 1);
	return result == RESULT_OK ? effect_run(shm) : result;
}
