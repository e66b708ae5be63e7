/* subscription.c -- the states of a subscription and what may happen in each: RFC 6121 appendix A as one table. */
#include "features/subscription.h"

#include "base/ensure.h"
#include "features/roster_item.h"

/* The nine states of A.1, in its order. */
enum state {
	NONE, NONE_OUT, NONE_IN, NONE_OUT_IN, TO, TO_IN, FROM, FROM_OUT, BOTH,
	STATES
};

static const unsigned flags_of[STATES] = {
	[NONE] = 0,
	[NONE_OUT] = ROSTER_ASK,
	[NONE_IN] = ROSTER_IN,
	[NONE_OUT_IN] = ROSTER_ASK | ROSTER_IN,
	[TO] = ROSTER_TO,
	[TO_IN] = ROSTER_TO | ROSTER_IN,
	[FROM] = ROSTER_FROM,
	[FROM_OUT] = ROSTER_FROM | ROSTER_ASK,
	[BOTH] = ROSTER_BOTH,
};

struct cell {
	enum state next;
	bool	   passes;
};

#define GO(state)   { state, true }	/* routed or delivered */
#define STOP(state) { state, false }	/* neither */

static const struct cell cells[2][SUBSCRIPTION_COUNT][STATES] = {
	[OUTBOUND] = {
		/* A.2.1 */
		[SUBSCRIBE] = {
			[NONE] = GO(NONE_OUT),
			[NONE_OUT] = GO(NONE_OUT),
			[NONE_IN] = GO(NONE_OUT_IN),
			[NONE_OUT_IN] = GO(NONE_OUT_IN),
			[TO] = GO(TO),
			[TO_IN] = GO(TO_IN),
			[FROM] = GO(FROM_OUT),
			[FROM_OUT] = GO(FROM_OUT),
			[BOTH] = GO(BOTH),
		},
		/* A.2.3: where it does not pass it is a pre-approval (3.4) or nothing. */
		[SUBSCRIBED] = {
			[NONE] = STOP(NONE),
			[NONE_OUT] = STOP(NONE_OUT),
			[NONE_IN] = GO(FROM),
			[NONE_OUT_IN] = GO(FROM_OUT),
			[TO] = STOP(TO),
			[TO_IN] = GO(BOTH),
			[FROM] = STOP(FROM),
			[FROM_OUT] = STOP(FROM_OUT),
			[BOTH] = STOP(BOTH),
		},
		/* A.2.2 */
		[UNSUBSCRIBE] = {
			[NONE] = GO(NONE),
			[NONE_OUT] = GO(NONE),
			[NONE_IN] = GO(NONE_IN),
			[NONE_OUT_IN] = GO(NONE_IN),
			[TO] = GO(NONE),
			[TO_IN] = GO(NONE_IN),
			[FROM] = GO(FROM),
			[FROM_OUT] = GO(FROM),
			[BOTH] = GO(FROM),
		},
		/* A.2.4 */
		[UNSUBSCRIBED] = {
			[NONE] = STOP(NONE),
			[NONE_OUT] = STOP(NONE_OUT),
			[NONE_IN] = GO(NONE),
			[NONE_OUT_IN] = GO(NONE_OUT),
			[TO] = STOP(TO),
			[TO_IN] = GO(TO),
			[FROM] = GO(NONE),
			[FROM_OUT] = GO(NONE_OUT),
			[BOTH] = GO(TO),
		},
	},
	[INBOUND] = {
		/* A.3.1: who is subscribed already gets an automatic answer. */
		[SUBSCRIBE] = {
			[NONE] = GO(NONE_IN),
			[NONE_OUT] = GO(NONE_OUT_IN),
			[NONE_IN] = STOP(NONE_IN),
			[NONE_OUT_IN] = STOP(NONE_OUT_IN),
			[TO] = GO(TO_IN),
			[TO_IN] = STOP(TO_IN),
			[FROM] = STOP(FROM),
			[FROM_OUT] = STOP(FROM_OUT),
			[BOTH] = STOP(BOTH),
		},
		/* A.3.3 */
		[SUBSCRIBED] = {
			[NONE] = STOP(NONE),
			[NONE_OUT] = GO(TO),
			[NONE_IN] = STOP(NONE_IN),
			[NONE_OUT_IN] = GO(TO_IN),
			[TO] = STOP(TO),
			[TO_IN] = STOP(TO_IN),
			[FROM] = STOP(FROM),
			[FROM_OUT] = GO(BOTH),
			[BOTH] = STOP(BOTH),
		},
		/* A.3.2 */
		[UNSUBSCRIBE] = {
			[NONE] = STOP(NONE),
			[NONE_OUT] = STOP(NONE_OUT),
			[NONE_IN] = GO(NONE),
			[NONE_OUT_IN] = GO(NONE_OUT),
			[TO] = STOP(TO),
			[TO_IN] = GO(TO),
			[FROM] = GO(NONE),
			[FROM_OUT] = GO(NONE_OUT),
			[BOTH] = GO(TO),
		},
		/* A.3.4 */
		[UNSUBSCRIBED] = {
			[NONE] = STOP(NONE),
			[NONE_OUT] = GO(NONE),
			[NONE_IN] = STOP(NONE_IN),
			[NONE_OUT_IN] = GO(NONE_IN),
			[TO] = GO(NONE),
			[TO_IN] = GO(NONE_IN),
			[FROM] = STOP(FROM),
			[FROM_OUT] = GO(FROM),
			[BOTH] = GO(FROM),
		},
	},
};

static enum state
state_of(unsigned flags)
{
	enum state state = NONE;

	while (state < STATES && flags_of[state] != (flags & ROSTER_STATE))
		state++;
	return state;
}

bool
subscription_is_state(unsigned flags)
{
	return state_of(flags) != STATES;
}

bool
subscription_is_stale(unsigned flags, unsigned contact)
{
	return ((flags & ROSTER_TO) && !(contact & ROSTER_FROM)) ||
	    ((flags & ROSTER_FROM) && !(contact & ROSTER_TO)) ||
	    ((flags & ROSTER_IN) && !(contact & ROSTER_ASK));
}

struct subscription_step
subscription_step(enum direction direction, enum subscription type, unsigned flags)
{
	enum state state = state_of(flags);
	const struct cell *cell;

	ensure(state != STATES);
	cell = &cells[direction][type][state];
	return (struct subscription_step){ flags_of[cell->next], cell->passes };
}
