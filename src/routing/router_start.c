/* router_start.c -- the router's beginning and end, and what features ask to be told of sessions. */
#include "routing/router_private.h"

#include "base/ensure.h"
#include "base/memory.h"
#include "routing/handover.h"
#include "session/session.h"
#include "stream/server.h"

static void
on_bound(struct session *session)
{
	struct router *router = session->server->router;

	for (int i = 0; i < router->bound_count; i++)
		router->on_bound[i](session);
}

static void
on_ending(struct session *session, const char *reason)
{
	struct router *router = session->server->router;

	for (int i = 0; i < router->ending_count; i++)
		router->on_ending[i](session);
}

static bool
on_unbound(struct session *session)
{
	const struct router *router = session->server->router;
	bool is_done = router->on_unbound == NULL || router->on_unbound(session);

	return handover(session) && is_done;
}

static void
on_hibernating(struct session *session)
{
	struct router *router = session->server->router;

	for (int i = 0; i < router->hibernating_count; i++)
		router->on_hibernating[i](session);
}

static void
on_leaving(struct session *session)
{
	struct router *router = session->server->router;

	for (int i = 0; i < router->leaving_count; i++)
		router->on_leaving[i](session);
}

static void
on_look(struct session *session)
{
	struct router *router = session->server->router;

	for (int i = 0; i < router->look_count; i++)
		router->on_look[i](session);
}

static const struct session_events session_events = { on_bound, router_on_stanza, on_ending, on_unbound,
	on_hibernating, on_leaving, on_look };

void
router_available(struct session *session)
{
	struct router *router = session->server->router;

	for (int i = 0; i < router->available_count; i++)
		router->on_available[i](session);
}

void
router_start(struct server *server)
{
	struct router *router = NEW(struct router);

	router->server = server;
	router->iqs = iq_table_new();
	router->pending = pending_new(router);
	router->account_ids = account_ids_new(server);
	arena_init(&router->arena);
	router->after_end = &router->after;
	server->router = router;
	sessions_start(server, &session_events);
}

void
router_free(struct server *server)
{
	if (server->router == NULL)
		return;
	router_drop_after(server->router);
	iq_table_free(&server->router->iqs);
	pending_free(&server->router->pending);
	account_ids_free(&server->router->account_ids);
	arena_clear(&server->router->arena);
	memory_free(server->router);
	server->router = NULL;
}

bool
router_add_iq(struct router *router, const char *feature, const struct iq_row *row)
{
	return iq_table_add(router->iqs, feature, row);
}

void
router_add_stage(struct router *router, const struct stage_row *row)
{
	ensure(router->stage_count[row->stage] < ROUTER_FEATURES_MAX);
	router->stages[row->stage][router->stage_count[row->stage]++] = *row;
}

void
router_on_bound(struct router *router, session_fn *handle)
{
	ensure(router->bound_count < ROUTER_FEATURES_MAX);
	router->on_bound[router->bound_count++] = handle;
}

void
router_on_ending(struct router *router, session_fn *handle)
{
	ensure(router->ending_count < ROUTER_FEATURES_MAX);
	router->on_ending[router->ending_count++] = handle;
}

void
router_on_unbound(struct router *router, session_done_fn *handle)
{
	ensure(router->on_unbound == NULL);
	router->on_unbound = handle;
}

void
router_on_hibernating(struct router *router, session_fn *handle)
{
	ensure(router->hibernating_count < ROUTER_FEATURES_MAX);
	router->on_hibernating[router->hibernating_count++] = handle;
}

void
router_on_leaving(struct router *router, session_fn *handle)
{
	ensure(router->leaving_count < ROUTER_FEATURES_MAX);
	router->on_leaving[router->leaving_count++] = handle;
}

void
router_on_available(struct router *router, session_fn *handle)
{
	ensure(router->available_count < ROUTER_FEATURES_MAX);
	router->on_available[router->available_count++] = handle;
}

void
router_on_look(struct router *router, session_fn *handle)
{
	ensure(router->look_count < ROUTER_FEATURES_MAX);
	router->on_look[router->look_count++] = handle;
}

void
router_set_flags_of(struct router *router, delivery_flags_fn *flags_of)
{
	ensure(router->delivery.flags_of == NULL);
	router->delivery.flags_of = flags_of;
	router->delivery.server = router->server;
}
