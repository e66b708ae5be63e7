/* session_map.h -- the sessions of this worker by slot, and how they all end. */
#pragma once

#include "net/timer.h"
#include "session/session.h"

struct session_map {
	const struct session_events *events;
	struct session		   **by_slot;	/* max_sessions entries */
	uint32_t		     count;
	uint32_t		     waiting;	/* for room in the rings to the stores */
	struct timer		     room;	/* when it is looked for again */
	void			   (*on_stopped)(struct server *server);
};

void	session_map_add(struct session_map *map, struct session *session);
void	session_map_remove(struct session_map *map, struct session *session);

/* session.c: whether sessions may be read, and one that waited may be again. */
bool	session_stores_have_room(const struct server *server);
void	session_release(struct session *session);
void	session_read_on(struct session *session);	/* after session_go_on() */

struct registry_session;

/*
 * session.c: what a predecessor's connection had held becomes a session without connection, to be destroyed like any
 * other. record NULL: it had bound no resource; else it is copied.
 */
struct session *session_adopt(struct server *server, struct slot_ref ref, struct slot *slot,
		    const struct registry_session *record);
