/* offline_taking.h -- how far a session has come with the messages kept for its account: given, and dropped. */
#pragma once

#include "features/offline.h"
#include "net/timer.h"

#define STRANGERS 64	/* forgotten at once */

enum step { STEP_READ, STEP_GIVEN, STEP_DROPPED };

/* What a holder waits for; in session->private. */
struct taking {
	struct session *session;
	enum step	step;
	uint64_t	last;	/* number of the newest message of the batch */
	uint64_t	entry;	/* that carries it */
	int		stranger_count;	/* all has been read, and these need not be counted any more */
	struct offline_key strangers[STRANGERS];
	struct timer	timer;
};

/* What the claim's holder had begun: of another process, the slot and the outbox tell. */
struct taking *offline_take_up(struct session *session);

/* Looked at again in a while: the store had no room. */
void	offline_try_later(struct taking *taking);

/* The whole batch was written, or acknowledged where the client does that. */
bool	offline_was_given(const struct session *session, const struct taking *taking);

/* All up to taking->last. False: the ring has no room. The answer moves taking->step. */
bool	offline_ask_to_drop(struct session *session, const struct taking *taking);

/* There may be some that another of the account's resources can have now. */
void	offline_pass_on(struct server *server, uint64_t account);
bool	offline_has_messages(struct server *server, uint64_t account);
