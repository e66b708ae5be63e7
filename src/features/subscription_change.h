/* subscription_change.h -- a subscription's step on both sides at once: both rosters in one request to the store. */
#pragma once

/*
 * Where both accounts are local their rosters never tell different things of one subscription: one commit changes
 * both, on condition of both as they were read. What arrives where is decided with it, and told when it stands.
 */

#include "features/roster_store.h"
#include "features/subscription.h"
#include "features/turn.h"

struct subscription_op {
	struct turn_op turn;
	uint8_t	       type;		/* enum subscription */
	bool	       is_refused;	/* the contact's side does not want to hear of it */
	/* What compute() found, for done() to tell. */
	uint64_t       contact;		/* its account; 0: none here */
	uint16_t       was, is;		/* enum roster_flag of the own item, before and after */
	uint16_t       contact_was, contact_is;
	uint8_t	       to_contact;	/* a bit for each enum subscription that arrives there */
	uint8_t	       to_user;
};

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
turn_done_fn subscription_tell;

/* Whom the stanza is about: its "to", or the item of a roster set. */
void	subscription_contact(struct stanza *stanza, const struct subscription_op *op, struct jid *contact);
