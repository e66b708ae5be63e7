/* session_map.c -- the sessions of this worker by slot, and how they all end. */
#include "session/session_map.h"

#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/config.h"
#include "shm/counters.h"
#include "shm/registry.h"
#include "shm/wake.h"
#include "stream/server.h"
#include "stream/stream.h"

#define ROOM_AGAIN_MS 5

void
sessions_start(struct server *server, const struct session_events *events)
{
	struct session_map *map = NEW(struct session_map);

	map->events = events;
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
on_dirty(void *owner, uint32_t slot)
{
	struct server *server = owner;
	struct session *session = session_of_slot(server, slot);
	enum slot_order order;

	if (session == NULL)
		return;
	order = slot_take_order(session->slot);
	if (order == ORDER_LOOK) {
		if (session->type == SLOT_C2S && !session->ending)
			server->sessions->events->on_look(session);
	} else if (order != ORDER_NONE) {
		counter_add(server->shm, COUNTER_ORDERS, 1);
		obey(session, order);
	}
	session = session_of_slot(server, slot);	/* some orders end it */
	if (session == NULL)
		return;
	session_want_write(session);
	session_read_on(session);
}

/* --- after a death --- */

struct adoption {
	struct server *server;
	uint32_t       count;
};

/* No connection came with it, and none can resume it yet: it ends, and those who saw it come see it go. */
static void
adopt_one(void *owner, struct slot_ref ref, struct slot *slot)
{
	struct adoption *adoption = owner;
	struct server *server = adoption->server;
	struct registry_session record;
	struct txn *txn = registry_read(server->registry);
	bool is_bound = registry_session_of(server->registry, txn, ref, &record);
	struct session *session = session_adopt(server, ref, slot, is_bound ? &record : NULL);

	txn_end(&txn);
	session_destroy(session, "its worker died");
	adoption->count++;
}

void
sessions_adopt(struct server *server)
{
	struct adoption adoption = { server, 0 };

	slot_each(server->shm, server->number, adopt_one, &adoption);
	if (adoption.count > 0)
		log_warn(LOG_SESSION, "sessions of a dead worker ended", "count=%u",
		    adoption.count);
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
	const char *host = stream_host(session->conn);

	if (host[0] != 0 &&
	    config_find_host(session->server->config, slice_from_text(host)) == NULL)
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
	session_close(session, STREAM_SYSTEM_SHUTDOWN, NULL);
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
