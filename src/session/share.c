/* share.c -- while memory for stanzas is scarce, who causes more than its share of them waits. */
#include "session/share.h"

#include "base/clock.h"
#include "session/session_map.h"
#include "session/session_private.h"
#include "shm/blocks.h"
#include "shm/counters.h"
#include "stream/server.h"

/*
 * In a second all sessions together may take an eighth of what is left, each of them as much as any other: so it is never
 * used up by those who are held, and those who send little are not held. Nobody is held for ever, for what a client
 * acknowledges gives memory back, and must be read.
 */
#define LEAST_SHARE (4u << 10)	/* a presence or some messages */
#define MOST_WAIT_MS 5000
#define LOOK_MS	     100	/* between two looks at every block, while anybody waits */

static struct limit_rate
share_of_each(const struct server *server, uint32_t left)
{
	int64_t octets = (int64_t)left * BLOCK_SIZE / 8 / server->sessions->count;

	if (octets < LEAST_SHARE)
		octets = LEAST_SHARE;
	return limit_rate(octets, 1000, octets);
}

static bool
waits(const struct session *session)
{
	return session != NULL && (session->paused & PAUSED_MEMORY) != 0;
}

/* Its wait was what it owed. */
static void
go_on(struct session *session)
{
	session->share = (struct share){ 0 };
	session_resume_input(session, PAUSED_MEMORY);
}

static void
on_timer(struct timer *timer, void *parameter)
{
	struct server *server = parameter;
	uint64_t now = clock_ms();
	bool is_scarce = blocks_room(server->shm, true).is_scarce;
	uint32_t waiting = 0;

	for (uint32_t i = 0; i < server->shm->max_sessions; i++) {
		struct session *session = session_of_slot(server, i);

		if (waits(session) && (!is_scarce || now >= session->share.until_ms))
			go_on(session);
		waiting += waits(session_of_slot(server, i));	/* what it had sent meanwhile may have ended it */
	}
	if (waiting > 0)
		timer_start(server->timers, timer, LOOK_MS, on_timer, server);
}

static void
hold(struct session *session, uint64_t wait_ms)
{
	struct server *server = session->server;
	struct timer *timer = &server->sessions->scarce;

	session->share.until_ms = clock_ms() + (wait_ms < MOST_WAIT_MS ? wait_ms : MOST_WAIT_MS);
	session_pause_input(session, PAUSED_MEMORY);
	counter_add(server->shm, COUNTER_SCARCE, 1);
	if (!timer_is_armed(timer))
		timer_start(server->timers, timer, LOOK_MS, on_timer, server);
}

void
share_charge(struct session *session, uint64_t octets)
{
	struct server *server = session->server;
	struct blocks_room room = blocks_room(server->shm, false);
	uint64_t wait_ms;

	if (!room.is_scarce || session->conn == NULL || waits(session))
		return;
	wait_ms = limit_charge(&session->share.bucket, share_of_each(server, room.left), octets,
	    clock_ms());
	if (wait_ms > 0)
		hold(session, wait_ms);
}
