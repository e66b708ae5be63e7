/* session.c -- one client: from accept to the slot's end, between its stream and the shared memory. */
#include "session/session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "net/connection.h"
#include "session/resume.h"
#include "session/session_map.h"
#include "shm/counters.h"
#include "shm/effect.h"
#include "shm/registry.h"
#include "shm/store.h"
#include "shm/wake.h"
#include "stream/guard.h"
#include "stream/server.h"
#include "stream/stream.h"
#include "xml/writer.h"
#include "xmpp/jid_prepare.h"

#define OUTBOX_HIGH (256u << 10)	/* of the sender's own outbox: its input waits */
#define OUTBOX_LOW  (64u << 10)
#define STORE_ROOM  (448u << 10)	/* in the ring to each store, or input waits: the largest request */

static uint64_t
given(const struct session *session)
{
	return atomic_load(&session->slot->out_acked) >> 1;
}

/* --- what the slot shows to others --- */

static void
show_type(struct session *session, enum slot_type type)
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

/* --- from the stream --- */

static void
set_jid(struct session *session, struct slice local, struct slice domain,
    struct slice resource)
{
	size_t size = local.length + domain.length + resource.length + 3;
	char *text = memory_new(size);
	int length = snprintf(text, size, resource.length > 0 ? "%.*s@%.*s/%.*s" : "%.*s@%.*s",
	    SLICE_ARG(local), SLICE_ARG(domain), SLICE_ARG(resource));

	jid_split(slice_of(text, (size_t)length), &session->jid);
	memory_free(session->full_jid_text);
	session->full_jid_text = text;
}

static void
on_login(void *owner, struct slice username, struct slice host, uint64_t account)
{
	struct session *session = owner;

	set_jid(session, username, host, SLICE_EMPTY);
	session->account = account;
	atomic_store(&session->slot->account, account);
	show_type(session, SLOT_C2S_UNBOUND);
}

static int
bind_condition(int result)
{
	switch (result) {
	case RESULT_OK:
		return 0;
	case RESULT_CONFLICT:
		return STANZA_CONFLICT;
	case RESULT_FULL:
		return STANZA_RESOURCE_CONSTRAINT;
	default:
		return STANZA_INTERNAL_SERVER_ERROR;
	}
}

static int
bind_policy(const struct config_host *host)
{
	static const enum bind_policy policies[] = { [CONFLICT_KICK_OLD] = BIND_KICK_OLD,
		[CONFLICT_KICK_NEW] = BIND_KICK_NEW,
		[CONFLICT_RANDOM] = BIND_RANDOM,
		[CONFLICT_INCREMENT] = BIND_INCREMENT };

	return policies[host->conflict];
}

/* R16: what cannot be a resource is replaced by one that the server makes. */
static struct slice
wanted_resource(struct arena *arena, struct slice text)
{
	struct slice prepared;

	if (text.length == 0 || !jid_prepare_resource(arena, text, &prepared))
		return SLICE_EMPTY;
	return prepared;
}

static int
bind_in_registry(struct session *session, const struct config_host *host,
    struct slice resource, struct bind_answer *answer)
{
	struct server *server = session->server;
	struct bind_request request = { .session = session->ref,
		.account = session->account,
		.bare_jid = session->jid.bare,
		.policy = bind_policy(host),
		.sessions_max = (uint32_t)server->config->sessions_per_account,
		.now_us = clock_wall_us() };
	struct arena arena;
	int result;

	arena_init(&arena);
	request.resource = wanted_resource(&arena, resource);
	result = registry_bind(server->registry, &request, answer);
	arena_clear(&arena);
	return result;
}

static int
on_bind(void *owner, struct slice resource, struct slice *full_jid)
{
	struct session *session = owner;
	struct server *server = session->server;
	const struct config_host *host = config_find_host(server->config, session->jid.domain);
	struct bind_answer answer;
	struct slice bare = session->jid.bare;
	int result;

	if (host == NULL || session->ending)
		return STANZA_SERVICE_UNAVAILABLE;
	result = bind_in_registry(session, host, resource, &answer);
	if (result != RESULT_OK) {
		if (result == RESULT_FULL)
			limit_bite(server->shm, LIMIT_SESSIONS_ACCOUNT);
		log_info(LOG_SESSION, "bind refused", "sid=%s jid=" SLICE_FMT " reason=%s",
		    session->id, SLICE_ARG(bare), result_text(result));
		return bind_condition(result);
	}
	set_jid(session, session->jid.local, session->jid.domain,
	    slice_of(answer.resource, answer.resource_length));
	session->displaced = answer.displaced;
	if (answer.displaced.slot != UINT32_MAX)
		slot_ask(server->shm, answer.displaced, ORDER_CONFLICT);
	if (answer.outslept.slot != UINT32_MAX)
		slot_ask(server->shm, answer.outslept, ORDER_CONFLICT);
	counter_add(server->shm, COUNTER_BINDS, 1);
	atomic_store(&session->slot->resource_hash, answer.resource_hash);
	atomic_store(&session->slot->bound_us, clock_wall_us());
	show_type(session, SLOT_C2S);
	log_info(LOG_SESSION, "bound", "sid=%s jid=" SLICE_FMT, session->id,
	    SLICE_ARG(session->jid.full));
	session_start_output(session);
	server->sessions->events->on_bound(session);
	*full_jid = session->jid.full;
	return 0;
}

/* --- what may be read --- */

static void
pause_input(struct session *session, enum session_pause why)
{
	session->paused |= why;
	if (session->conn != NULL)
		stream_pause(session->conn);
}

static void
resume_input(struct session *session, enum session_pause why)
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
static void
hold_if_full(struct session *session)
{
	if (session->conn != NULL && unsent(session) >= OUTBOX_HIGH)
		pause_input(session, PAUSED_OUTBOX);
}

/* What an inactive client need not get yet is no sign that it does not read. */
static bool
has_read(const struct session *session)
{
	return unsent(session) <= OUTBOX_LOW ||
	    (session->hold.is_on && session->cursor.number > session->hold.open);
}

static void
release_if_drained(struct session *session)
{
	if ((session->paused & PAUSED_OUTBOX) && has_read(session))
		resume_input(session, PAUSED_OUTBOX);
}

/* A stanza may want one large request of each store; those of many sessions that come before they are held have room. */
bool
session_stores_have_room(const struct server *server)
{
	return (server->msg_client == NULL || store_can_ask(server->msg_client, STORE_ROOM)) &&
	    (server->core_client == NULL || store_can_ask(server->core_client, STORE_ROOM));
}

/* Clients that are faster than the disk are read as fast as the stores commit. */
static void
hold_for_store(struct session *session)
{
	if ((session->paused & PAUSED_STORES) || session->conn == NULL ||
	    session_stores_have_room(session->server))
		return;
	session->server->sessions->waiting++;
	pause_input(session, PAUSED_STORES);
}

void
session_release(struct session *session)
{
	if ((session->paused & PAUSED_STORES) == 0)
		return;
	session->server->sessions->waiting--;
	resume_input(session, PAUSED_STORES);
}

void
session_wait(struct session *session, uint64_t stanza)
{
	if (session->awaits != 0)
		return;
	session->awaits = stanza;
	pause_input(session, PAUSED_ANSWER);
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
		resume_input(session, PAUSED_ANSWER);
}

static void
on_stanza(void *owner, struct element *stanza)
{
	struct session *session = owner;

	session->received++;
	hold_open(session);
	atomic_store_explicit(&session->slot->stanzas_in, session->received,
	    memory_order_relaxed);
	session->server->sessions->events->on_stanza(session, stanza);
	hold_if_full(session);
	hold_for_store(session);
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
	if (given(session) < before)
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
	release_if_drained(session);
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
	release_if_drained(session);
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

static const struct stream_events stream_events = {
	.on_login = on_login,
	.on_bind = on_bind,
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
	    &stream_events, session);
	snprintf(session->id, sizeof(session->id), "%s", stream_id(session->conn));
}

static void
take_record(struct session *session, const struct registry_session *record)
{
	uint32_t flags = atomic_load(&session->slot->flags);
	struct jid bare;

	jid_split(record->bare_jid, &bare);
	set_jid(session, bare.local, bare.domain, record->resource);
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

/*
 * The order is fixed: features speak first, then nobody finds the session, then its memory goes. Whoever
 * appends in between finds the epoch changed.
 */
void
session_destroy(struct session *session, const char *reason)
{
	struct server *server = session->server;

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
	if (session->type == SLOT_C2S) {
		server->sessions->events->on_ending(session, reason);
		registry_unbind(server->registry, session->account, session->jid.resource,
		    session->ref);
		server->sessions->events->on_unbound(session);
	}
	session_release(session);
	show_type(session, SLOT_C2S_DESTROYED);
	slot_give(server->shm, session->ref);
	session_forget(session);
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
	if (number <= given(session))
		session_look(session->server, session->ref);
	else if (session->look_at == 0 || number < session->look_at)
		session->look_at = number;
}

/* Nearly always none does, and then nobody walks. */
static bool
has_stored(const struct session *session, uint64_t last)
{
	return session->cursor.number <= last || session->cursor.stored > given(session);
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
	if (session->look_at != 0 && session->look_at <= given(session)) {
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
