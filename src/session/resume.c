/* resume.c -- sessions that outlive their connection (XEP-0198 5): they hibernate, move to another worker, are resumed or expire. */
#include "session/resume.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/result.h"
#include "config/config.h"
#include "session/session_map.h"
#include "shm/counters.h"
#include "shm/limits.h"
#include "stream/server.h"
#include "stream/stream.h"

#define ASK_AGAIN_MS   20	/* while another worker, or a store, is waited for */
#define SWEEP_EVERY_MS (3600u * 1000)

/* --- <enable/> --- */

static uint32_t
time_of(const struct server *server, uint64_t wanted_s)
{
	uint64_t most = (uint64_t)server->config->resume_time;

	return (uint32_t)(wanted_s == 0 || wanted_s > most / 1000 ? most : wanted_s * 1000);
}

static bool
make_id(struct session *session, char *id)
{
	random_token(id, RESUME_ID_SIZE);
	if (registry_resume_keep(session->server->registry, session->account,
		slice_of(id, RESUME_ID_SIZE), session->ref) != RESULT_OK)
		return false;
	memcpy(session->slot->resume_id, id, RESUME_ID_SIZE + 1);
	return true;
}

int
resume_on_enable(struct session *session, struct management *management)
{
	uint32_t time_ms = time_of(session->server, management->max_s);

	static_assert(RESUME_ID_SIZE < sizeof(management->id), "resume id");
	static_assert(RESUME_ID_SIZE < sizeof(session->slot->resume_id), "resume id");
	acks_start(session);
	management->can_resume = management->can_resume && time_ms > 0 &&
	    make_id(session, management->id);
	if (management->can_resume) {
		atomic_store(&session->slot->resume_ms, time_ms);
		atomic_fetch_or(&session->slot->flags, SLOT_RESUMABLE);
		management->max_s = time_ms / 1000;
	}
	return 0;
}

bool
resume_is_possible(const struct session *session)
{
	return session->type == SLOT_C2S &&
	    (atomic_load(&session->slot->flags) & SLOT_RESUMABLE) != 0;
}

/* --- without a connection --- */

static void
on_deadline(struct timer *timer, void *parameter)
{
	struct session *session = parameter;

	counter_add(session->server->shm, COUNTER_EXPIRED, 1);
	session_destroy(session, "not resumed in time");
}

/* One that hibernated before, at another worker or in another process, keeps its deadline. */
void
resume_hibernate(struct session *session)
{
	struct server *server = session->server;
	struct slot *slot = session->slot;
	uint64_t now = clock_ms();
	uint64_t deadline = atomic_load(&slot->deadline_ms);
	bool was_connected = (atomic_load(&slot->flags) & SLOT_HIBERNATING) == 0;

	if (was_connected) {
		deadline = now + atomic_load(&slot->resume_ms);
		atomic_store(&slot->deadline_ms, deadline);
		atomic_fetch_or(&slot->flags, SLOT_HIBERNATING);
		counter_add(server->shm, COUNTER_HIBERNATED, 1);
	}
	session->is_dropped = false;
	session->is_left = false;
	acks_stop(session);
	hold_end(session);
	session_release(session);
	session->paused = 0;
	timer_start(server->timers, &session->deadline, deadline > now ? deadline - now : 0,
	    on_deadline, session);
	if (was_connected)
		server->sessions->events->on_hibernating(session);
}

bool
resume_has_room(struct session *session)
{
	struct server *server = session->server;
	bool is_many = outbox_entries(session->slot) > (uint64_t)server->config->hibernated_stanzas;

	if (!is_many && outbox_bytes(session->slot) <= (uint64_t)server->config->hibernated_bytes)
		return true;
	limit_bite(server->shm, is_many ? LIMIT_HIBERNATED_STANZAS : LIMIT_HIBERNATED_BYTES);
	counter_add(server->shm, COUNTER_EXPIRED, 1);
	session_destroy(session, "too much waits for its client");
	return false;
}

void
resume_leave(struct session *session)
{
	timer_stop(session->server->timers, &session->deadline);
	acks_stop(session);
	session->server->sessions->events->on_leaving(session);
	session_forget(session);
}

/* --- from worker to worker --- */

static void
lose_connection(struct session *session)
{
	if (session->conn == NULL)
		return;
	stream_disown(session->conn, STREAM_CONFLICT, "resumed by another connection");
	session->conn = NULL;
	resume_hibernate(session);
}

/* One that asked may have gone since, with an upgrade or with the whole server: nobody would look at its slots any more. */
static bool
can_take(const struct server *server, uint32_t worker)
{
	const struct instance *instance = server->shm->instance;
	uint64_t there = atomic_load(&instance->serving) | atomic_load(&instance->draining);

	return worker < server->shm->workers && worker != server->number &&
	    (there >> worker & 1) != 0;
}

void
resume_give_away(struct session *session)
{
	struct server *server = session->server;
	struct slot_ref ref = session->ref;
	uint32_t taker = atomic_load(&session->slot->taker);

	if (taker == 0 || !can_take(server, taker - 1) || !resume_is_possible(session) ||
	    session->ending || !acks_are_settled(session) || !sessions_are_settled(server))
		return;
	log_debug(LOG_SESSION, "given away", "sid=%s worker=%u", session->id, taker - 1);
	counter_add(server->shm, COUNTER_GIVEN_AWAY, 1);
	lose_connection(session);
	resume_leave(session);
	slot_move(server->shm, ref, taker - 1);
}

static void
welcome(struct server *server, uint32_t index)
{
	struct slot *slot = &server->shm->slots[index];
	struct slot_ref ref = { index, atomic_load(&slot->epoch) };

	if (session_of_slot(server, index) == NULL && slot_find(server->shm, ref) != NULL &&
	    atomic_load(&slot->owner) == server->number + 1 &&
	    (atomic_load(&slot->flags) & SLOT_HIBERNATING) != 0)
		session_adopt(server, ref);
}

/* --- <resume/> --- */

static void
end_wish(struct session *asker)
{
	if (asker->wish == NULL)
		return;
	timer_stop(asker->server->timers, &asker->wish->timer);
	TAILQ_REMOVE(&asker->server->sessions->wishes, asker->wish, next);
	memory_free(asker->wish);
	asker->wish = NULL;
}

static void
refuse(struct session *asker, const uint32_t *h)
{
	log_info(LOG_SESSION, "not resumed", "sid=%s jid=" SLICE_FMT " reason=%s", asker->id,
	    SLICE_ARG(asker->jid.bare), h == NULL ? "unknown" : "expired");
	end_wish(asker);
	stream_not_resumed(asker->conn, STANZA_ITEM_NOT_FOUND, h);
}

/* The connection of the one who asks is the session's from now on, and the rest of the asker goes. */
static struct stream *
take_connection(struct session *session, struct session *asker)
{
	struct stream *conn = asker->conn;

	asker->conn = NULL;
	memcpy(session->id, asker->id, sizeof(session->id));
	stream_set_owner(conn, session, session->slot);
	session->conn = conn;
	session_destroy(asker, "resumed an older session");
	return conn;
}

/* Nothing of it is under way: so all that came from its client was handled, or the client sends it again. */
static void
resume(struct session *session, struct session *asker)
{
	struct server *server = session->server;
	struct slot *slot = session->slot;
	uint32_t h = asker->wish->h;
	uint64_t waiting;
	struct stream *conn;

	if (!acks_received(session, h, atomic_load(&slot->out_next))) {
		end_wish(asker);
		stream_fail_ack(asker->conn, h, acks_count(session,
						    atomic_load(&slot->out_next)));
		return;
	}
	lose_connection(session);
	timer_stop(server->timers, &session->deadline);
	atomic_fetch_and(&slot->flags, ~(uint32_t)(SLOT_HIBERNATING | SLOT_INACTIVE));
	atomic_store(&slot->taker, 0);
	conn = take_connection(session, asker);
	session_start_output(session);
	session->received = atomic_load(&slot->h_in);
	acks_go_on(session);
	waiting = outbox_entries(slot);
	counter_add(server->shm, COUNTER_RESUMED, 1);
	log_info(LOG_SESSION, "resumed", "sid=%s jid=" SLICE_FMT " h=%u waiting=%llu", session->id,
	    SLICE_ARG(session->jid.full), acks_safe(session), (unsigned long long)waiting);
	stream_resumed(conn, slot->resume_id, acks_safe(session));
	session_look(server, session->ref);
	session_want_write(session);
}

static void try_again(struct timer *timer, void *parameter);

static void
wait(struct session *asker)
{
	timer_start(asker->server->timers, &asker->wish->timer, ASK_AGAIN_MS, try_again, asker);
}

/* Only its owner gives a session away, or the owner's replacement. */
static void
ask_owner(struct session *asker, struct slot_ref ref, struct slot *slot)
{
	struct server *server = asker->server;

	asker->wish->session = ref;
	atomic_store(&slot->taker, server->number + 1);
	slot_ask(server->shm, ref, ORDER_GIVE_AWAY);
	wait(asker);
}

static bool
find(struct session *asker, struct resumable *found)
{
	struct registry *registry = asker->server->registry;
	struct txn *txn = registry_read(registry);
	bool is_found = registry_resumable(registry, txn, asker->account,
	    slice_of(asker->wish->id, RESUME_ID_SIZE), found);

	txn_end(&txn);
	return is_found;
}

static void
try(struct session *asker)
{
	struct server *server = asker->server;
	struct resumable found;
	struct session *session;
	struct slot *slot;

	if (!find(asker, &found) ||
	    (!found.is_over && (slot = slot_find(server->shm, found.session)) == NULL)) {
		refuse(asker, NULL);
		return;
	}
	if (found.is_over) {
		refuse(asker, &found.h);
		return;
	}
	if (atomic_load(&slot->owner) != server->number + 1) {
		ask_owner(asker, found.session, slot);
		return;
	}
	welcome(server, found.session.slot);
	session = session_find(server, found.session);
	if (session == NULL || session->ending)
		refuse(asker, NULL);
	else if (acks_are_settled(session) && sessions_are_settled(server))
		resume(session, asker);
	else
		wait(asker);
}

static void
try_again(struct timer *timer, void *parameter)
{
	try(parameter);
}

static struct session *
find_asker(const struct server *server, struct slot_ref session)
{
	struct resume_wish *wish;

	TAILQ_FOREACH(wish, &server->sessions->wishes, next)
		if (wish->session.slot == session.slot && wish->session.epoch == session.epoch)
			return wish->asker;
	return NULL;
}

void
resume_welcome(struct server *server, uint32_t index)
{
	struct session *session;
	struct session *asker;

	welcome(server, index);
	session = session_of_slot(server, index);
	asker = session == NULL ? NULL : find_asker(server, session->ref);
	if (asker == NULL)
		return;
	timer_stop(server->timers, &asker->wish->timer);
	try(asker);
}

void
resume_on_request(struct session *asker, struct slice id, uint32_t h)
{
	asker->wish = NEW(struct resume_wish);
	asker->wish->asker = asker;
	asker->wish->h = h;
	TAILQ_INSERT_TAIL(&asker->server->sessions->wishes, asker->wish, next);
	if (id.length == RESUME_ID_SIZE)
		memcpy(asker->wish->id, id.data, RESUME_ID_SIZE);
	try(asker);
}

/* --- the end --- */

/* Once an hour at most, by whoever adds to them. */
static void
forget_old_counts(struct server *server)
{
	uint64_t now = clock_ms();

	if (now < server->sessions->swept_ms + SWEEP_EVERY_MS)
		return;
	server->sessions->swept_ms = now;
	registry_resume_sweep(server->registry,
	    clock_wall_us() - (uint64_t)server->config->resume_counts * 1000);
}

void
resume_end(struct session *session)
{
	struct slot *slot = session->slot;

	end_wish(session);
	timer_stop(session->server->timers, &session->deadline);
	acks_stop(session);
	if (!resume_is_possible(session) || (atomic_load(&slot->flags) & SLOT_HIBERNATING) == 0)
		return;
	forget_old_counts(session->server);
	registry_resume_end(session->server->registry, session->account,
	    slice_of(slot->resume_id, RESUME_ID_SIZE),
	    (uint32_t)(atomic_load(&slot->h_in) - atomic_load(&slot->sm_in)), clock_wall_us());
}
