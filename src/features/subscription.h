/* subscription.h -- the states of a subscription and what may happen in each: RFC 6121 appendix A as one table. */
#pragma once

#include <stdbool.h>

enum subscription {
	SUBSCRIBE, SUBSCRIBED, UNSUBSCRIBE, UNSUBSCRIBED,
	SUBSCRIPTION_COUNT,
	/* What else changes one: the removal of a contact, and what was found not to be true any more. */
	SUBSCRIPTION_REMOVE = SUBSCRIPTION_COUNT, SUBSCRIPTION_REPAIR
};

enum direction {
	OUTBOUND,	/* sent by the account to the contact: A.2 */
	INBOUND,	/* sent by the contact to the account: A.3 */
};

struct subscription_step {
	unsigned flags;		/* enum roster_flag: what ROSTER_STATE becomes */
	bool	 passes;	/* outbound: it is routed; inbound: it is delivered */
};

/* flags: those of ROSTER_STATE count, and are one of the nine states that the RFC knows. */
struct subscription_step subscription_step(enum direction direction, enum subscription type,
	    unsigned flags);

/*
 * What the contact's own roster does not bear out any more, both being local: its account was deleted, or made anew. One
 * commit changes both, so at no time else do they differ.
 */
bool	subscription_is_stale(unsigned flags, unsigned contact);

/* False for bits that no way of the table leads to. */
bool	subscription_is_state(unsigned flags);
