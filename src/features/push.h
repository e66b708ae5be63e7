/* push.h -- XEP-0357: wakes those of an account's clients that cannot be reached, through services they have named. */
#pragma once

#include "features/feature.h"

/* Worth waking somebody for: a conversation, a call, an invitation; not what the account sends itself. */
bool	push_is_due(const struct stanza *message);

/*
 * From a handler or from outside: tells all push services of the account that count messages wait for it. message: the
 * newest of them; NULL: nothing is said of it. Whoever takes a session for unreachable calls this, once.
 */
void	push_notify_account(struct server *server, uint64_t account, struct slice bare_jid,
	    const struct stanza *message, uint64_t count);

/* A message that was kept offline for the account in message->account. */
void	push_notify_kept(const struct stanza *message);

/* A push service's answer: an error disables it. */
int	push_on_answer(struct stanza *stanza);
/* Messages that go to a session that is inactive or hibernates. */
int	push_on_delivered(struct stanza *stanza);
/* A session that has lost its connection: what waits in its outbox. */
void	push_on_hibernating(struct session *session);
