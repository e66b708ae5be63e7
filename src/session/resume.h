/* resume.h -- sessions that outlive their connection (XEP-0198 5): they hibernate, move to another worker, are resumed or expire. */
#pragma once

#include <bsd/sys/queue.h>

#include "net/timer.h"
#include "session/session.h"
#include "shm/registry_resume.h"

struct management;

/* What a connection that wants an older session waits for, while its owner gives that away. */
struct resume_wish {
	char	     id[RESUME_ID_SIZE + 1];
	uint32_t     h;
	struct slot_ref session;	/* whose owner was asked last */
	struct session *asker;
	struct timer timer;
	TAILQ_ENTRY(resume_wish) next;
};

/* Stream events. */
int	resume_on_enable(struct session *session, struct management *management);
void	resume_on_request(struct session *session, struct slice id, uint32_t h);

bool	resume_is_possible(const struct session *session);

/* The connection is gone, or never was: the session waits for its client, at most until its deadline. */
void	resume_hibernate(struct session *session);

/* ORDER_GIVE_AWAY: once nothing of it is under way; who asks asks again. */
void	resume_give_away(struct session *session);

/* A slot of ours that has no session here: another worker gave it, and who asked for it resumes. */
void	resume_welcome(struct server *server, uint32_t slot);

/* Stanzas have come to a session without connection: false when they are too many, and it has ended. */
bool	resume_has_room(struct session *session);

/* Before the session ends: what its client may ask for later stays, timers and wishes go. */
void	resume_end(struct session *session);

/* Its memory goes and its slot stays: for another worker, or the next server. */
void	resume_leave(struct session *session);
