/* session_map.h -- the sessions of this worker by slot, and how they all end. */
#pragma once

#include <bsd/sys/queue.h>

#include "net/timer.h"
#include "session/session.h"

#define ROOM_AGAIN_MS 5		/* room in the rings to the stores is looked for again */

/* sessions_drain() */
struct drain {
	struct timer timer;
	uint64_t     linger_until_ms;
	uint32_t     pace;
	void	   (*on_done)(struct server *server);
};

struct session_map {
	const struct session_events *events;
	struct session		   **by_slot;	/* max_sessions entries */
	uint32_t		     count;
	uint32_t		     waiting;	/* for room in the rings to the stores */
	struct timer		     room;	/* when it is looked for again */
	uint64_t		     settled[2];	/* answers of the stores to all that a predecessor had asked */
	TAILQ_HEAD(, resume_wish)    wishes;	/* connections that wait for an older session (resume.c) */
	struct drain		     drain;
	struct timer		     scarce;	/* when those who wait for memory are looked at */
	uint64_t		     swept_ms;	/* when counts of ended sessions were looked through */
	void			   (*on_stopped)(struct server *server);
};

void	session_map_add(struct session_map *map, struct session *session);
void	session_map_remove(struct session_map *map, struct session *session);

/* session_input.c: whether sessions may be read, and one that waited may be again. */
bool	session_stores_have_room(const struct server *server);
void	session_release(struct session *session);
void	session_read_on(struct session *session);	/* after session_go_on() */

/*
 * session.c: what a predecessor's connection had held, or another worker gives, becomes a session without connection. It
 * waits for its client, or ends: then NULL.
 */
struct session *session_adopt(struct server *server, struct slot_ref ref);
void	session_drop(struct session *session, const char *why);	/* drain.c: without a word, but a last <a/> */
void	session_forget(struct session *session);	/* its memory; the slot stays as it is */
