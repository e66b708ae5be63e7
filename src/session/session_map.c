/* session_map.c -- the sessions of this worker by slot, and how they all end. */
#include "session/session_map.h"

#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "shm/counters.h"
#include "session/resume.h"
#include "shm/registry.h"
#include "shm/slots.h"
#include "shm/store.h"
#include "shm/wake.h"
#include "stream/server.h"
#include "stream/stream.h"

void
sessions_start(struct server *server, const struct session_events *events)
{
	struct session_map *map = NEW(struct session_map);

	map->events = events;
	TAILQ_INIT(&map->wishes);
	map->by_slot = memory_new(server->shm->max_sessions * sizeof(struct session *));
	server->sessions = map;
}

void
sessions_free(struct server *server)
{
	if (server->sessions == NULL)
		return;
	memory_free(server->sessions->by_slot);
	memory_free(server->sessions);
	server->sessions = NULL;
}

void
session_map_add(struct session_map *map, struct session *session)
{
	ensure(map->by_slot[session->ref.slot] == NULL);
	map->by_slot[session->ref.slot] = session;
	map->count++;
}

void
session_map_remove(struct session_map *map, struct session *session)
{
	ensure(map->by_slot[session->ref.slot] == session);
	map->by_slot[session->ref.slot] = NULL;
	map->count--;
	if (map->count == 0 && map->on_stopped != NULL)
		map->on_stopped(session->server);
}

struct session *
session_of_slot(struct server *server, uint32_t slot)
{
	return slot < server->shm->max_sessions ? server->sessions->by_slot[slot] : NULL;
}

struct session *
session_find(struct server *server, struct slot_ref ref)
{
	struct session *session = session_of_slot(server, ref.slot);

	return session != NULL && session->ref.epoch == ref.epoch ? session : NULL;
}

uint32_t
sessions_count(const struct server *server)
{
	return server->sessions->count;
}

/* --- what other processes did to our slots --- */

static const struct {
	enum slot_order	      order;
	enum stream_condition condition;
	const char	     *text;
} orders[] = {
	{ ORDER_CONFLICT, STREAM_CONFLICT, "Replaced by new connection" },
	{ ORDER_RESET, STREAM_RESET, "the account has changed" },
	{ ORDER_NOT_AUTHORIZED, STREAM_NOT_AUTHORIZED, "the account is gone" },
	{ ORDER_KICK, STREAM_POLICY_VIOLATION, "ended by the administrator" },
	{ ORDER_SHUTDOWN, STREAM_SYSTEM_SHUTDOWN, NULL },
};

static void
obey(struct session *session, enum slot_order order)
{
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		if (orders[i].order == order) {
			session_close(session, orders[i].condition, orders[i].text);
			return;
		}
	log_warn(LOG_SESSION, "an order nobody knows", "sid=%s order=%d", session->id,
	    (int)order);
}

static void
take_order(struct session *session)
{
	struct server *server = session->server;
	enum slot_order order = slot_take_order(session->slot);

	switch (order) {
	case ORDER_NONE:
		break;
	case ORDER_LOOK:
		if (session->type == SLOT_C2S && !session->ending)
			server->sessions->events->on_look(session);
		break;
	case ORDER_GIVE_AWAY:
		resume_give_away(session);
		break;
	default:
		counter_add(server->shm, COUNTER_ORDERS, 1);
		obey(session, order);
	}
}

static void
on_dirty(void *owner, uint32_t slot)
{
	struct server *server = owner;
	struct session *session = session_of_slot(server, slot);

	if (session == NULL) {
		resume_welcome(server, slot);
		return;
	}
	take_order(session);
	session = session_of_slot(server, slot);	/* some orders end it */
	if (session == NULL)
		return;
	if (session->conn == NULL && session->type == SLOT_C2S && !session->ending &&
	    !resume_has_room(session))
		return;
	session_want_write(session);
	session_read_on(session);
}

/* --- after a death --- */

struct adoption {
	struct server *server;
	uint32_t       number;
	uint32_t       kept;
	uint32_t       ended;
};

static void
adopt_one(void *owner, struct slot_ref ref, struct slot *slot)
{
	struct adoption *adoption = owner;
	struct server *server = adoption->server;

	if (adoption->number != server->number &&
	    slot_move(server->shm, ref, server->number) != RESULT_OK)
		return;
	if (session_of_slot(server, ref.slot) != NULL)
		return;
	if (session_adopt(server, ref) != NULL)
		adoption->kept++;
	else
		adoption->ended++;
}

static uint64_t
asked(const struct store_client *client)
{
	return client == NULL ? 0 : store_asked(client);
}

void
sessions_adopt(struct server *server, uint32_t number)
{
	struct adoption adoption = { server, number, 0, 0 };
	struct session_map *map = server->sessions;

	if (number == server->number) {
		map->settled[STORE_CORE] = asked(server->core_client);
		map->settled[STORE_MSG] = asked(server->msg_client);
	}
	slot_each(server->shm, number, adopt_one, &adoption);
	if (adoption.kept + adoption.ended > 0)
		log_warn(LOG_SESSION, "sessions of a worker that is gone",
		    "worker=%u waiting=%u ended=%u", number, adoption.kept, adoption.ended);
}

static bool
has_answered(const struct store_client *client, uint64_t request)
{
	return client == NULL || store_answered(client) >= request;
}

bool
sessions_are_settled(const struct server *server)
{
	return has_answered(server->core_client, server->sessions->settled[STORE_CORE]) &&
	    has_answered(server->msg_client, server->sessions->settled[STORE_MSG]);
}

/* --- all of them --- */

static void
each(struct server *server, void (*act)(struct session *session))
{
	for (uint32_t i = 0; i < server->shm->max_sessions; i++) {
		struct session *session = session_of_slot(server, i);

		if (session != NULL)
			act(session);
	}
}

static void
close_if_host_is_gone(struct session *session)
{
	struct slice host = session->conn == NULL ? session->jid.domain
						  : slice_from_text(stream_host(session->conn));

	if (host.length > 0 && config_find_host(session->server->config, host) == NULL)
		session_close(session, STREAM_HOST_GONE, NULL);
}

static void
release_if_room(struct session *session)
{
	if ((session->paused & PAUSED_STORES) && session_stores_have_room(session->server))
		session_release(session);
}

/* The turn that comes with it looks. */
static void
on_room_timer(struct timer *timer, void *parameter)
{
}

/*
 * Answers have come since: what waited for room goes on, as far as there is some. A store answers a little before it
 * takes the requests from the ring, so no room now does not mean that another answer will come.
 */
static bool
release(struct server *server)
{
	struct session_map *map = server->sessions;

	if (map->waiting > 0 && session_stores_have_room(server)) {
		each(server, release_if_room);
		return true;
	}
	if (map->waiting > 0)
		timer_start(server->timers, &map->room, ROOM_AGAIN_MS, on_room_timer, NULL);
	else if (timer_is_armed(&map->room))
		timer_stop(server->timers, &map->room);
	return false;
}

bool
sessions_turn(struct server *server)
{
	bool released = release(server);

	return wake_take(server->shm, on_dirty, server) > 0 || released;
}

void
sessions_reload(struct server *server)
{
	each(server, close_if_host_is_gone);
}

static void
shut_down(struct session *session)
{
	if (!resume_is_possible(session) ||
	    (session->conn != NULL && stream_was_ended(session->conn))) {
		session_close(session, STREAM_SYSTEM_SHUTDOWN, NULL);
		return;
	}
	if (session->conn == NULL) {
		resume_leave(session);
		return;
	}
	session_drop(session, "the server stops");
}

void
sessions_stop(struct server *server, void (*on_done)(struct server *server))
{
	server->stopping = true;
	if (server->sessions->count == 0) {
		on_done(server);
		return;
	}
	server->sessions->on_stopped = on_done;
	each(server, shut_down);
}
