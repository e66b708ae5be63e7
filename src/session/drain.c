/* drain.c -- a worker's sessions leave it one after the other, so that another one can take its place. */
#include "base/clock.h"
#include "base/log.h"
#include "session/resume.h"
#include "session/session_map.h"
#include "stream/server.h"
#include "stream/stream.h"

#define TICK_MS 50
#define DROP_MS 1000	/* for what waits, and the client's end of the connection */

/*
 * Its last word is an acknowledgement of all that is safe. The session waits here until its client has come to another
 * worker, which asks for it.
 */
void
session_drop(struct session *session, const char *why)
{
	session->is_dropped = true;
	acks_send(session);
	stream_drop(session->conn, why, DROP_MS);
}

static bool
can_drop(const struct session *session)
{
	return session->conn != NULL && !session->is_dropped && resume_is_possible(session) &&
	    !stream_was_ended(session->conn);
}

static void on_tick(struct timer *timer, void *parameter);

static void
wait(struct server *server)
{
	timer_start(server->timers, &server->sessions->drain.timer, TICK_MS, on_tick, server);
}

/* As many as the pace allows, and how many still have a connection. */
static uint32_t
drop_some(struct server *server)
{
	struct drain *drain = &server->sessions->drain;
	bool is_late = clock_ms() >= drain->linger_until_ms;
	uint32_t budget = drain->pace * TICK_MS / 1000 + 1;
	uint32_t connected = 0;

	for (uint32_t i = 0; i < server->shm->max_sessions; i++) {
		struct session *session = session_of_slot(server, i);

		if (session == NULL || session->conn == NULL)
			continue;
		connected++;
		if (budget > 0 && can_drop(session)) {
			session_drop(session, "the worker is replaced");
			budget--;
		} else if (is_late && !session->is_dropped && !can_drop(session)) {
			session_close(session, STREAM_SYSTEM_SHUTDOWN, NULL);
		}
	}
	return connected;
}

/* Those that wait for their clients stay in the memory: whoever adopts the number has them. */
static void
leave_all(struct server *server)
{
	for (uint32_t i = 0; i < server->shm->max_sessions; i++) {
		struct session *session = session_of_slot(server, i);

		if (session != NULL)
			resume_leave(session);
	}
}

static void
on_tick(struct timer *timer, void *parameter)
{
	struct server *server = parameter;

	if (drop_some(server) > 0) {
		wait(server);
		return;
	}
	log_info(LOG_SESSION, "drained", "waiting=%u", server->sessions->count);
	leave_all(server);
	server->sessions->drain.on_done(server);
}

void
sessions_drain(struct server *server, uint64_t linger_ms, uint32_t pace,
    void (*on_done)(struct server *server))
{
	server->sessions->drain.linger_until_ms = clock_ms() + linger_ms;
	server->sessions->drain.pace = pace;
	server->sessions->drain.on_done = on_done;
	on_tick(NULL, server);
}
