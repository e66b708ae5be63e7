/* subscription_change.h -- a subscription's step on both sides at once: both rosters in one request to the store. */
#pragma once

/*
 * Where both accounts are local their rosters never tell different things of one subscription: one commit changes
 * both, on condition of both as they were read. What arrives where is decided with it, and told when it stands.
 */

#include "features/roster_turn.h"
#include "features/subscription.h"

/* A client's presence of one of the four types, to a bare JID that is not its own. */
int	subscription_send(struct stanza *stanza, enum subscription type);

/* RFC 6121 2.5: a roster set that removes its one item, which has been checked. */
int	subscription_remove(struct stanza *stanza);

/*
 * Where the contact is of a host of ours and its own roster does not say the same, the user's is made to: the account
 * was deleted, and perhaps made anew (R42). Not from inside a handler.
 */
void	subscription_repair(struct server *server, struct slice user, struct slice contact);
void	subscription_repair_after(struct stanza *stanza, struct slice user, struct slice contact);	/* from inside one */

/* --- between the files of it --- */

/* A host of ours is contact to everybody: it agrees at once, and is always available (R35). */
bool	subscription_is_host(struct stanza *stanza, const struct jid *contact);

/* subscription_tell.c: it is committed. */
int	subscription_tell(struct stanza *stanza, struct roster_op *op);

/* Whom the stanza is about: its "to", or the item of a roster set. */
void	subscription_contact(struct stanza *stanza, const struct roster_op *op, struct jid *contact);
