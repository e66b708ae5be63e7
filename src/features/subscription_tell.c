/* subscription_tell.c -- a subscription's step is committed: both sides are told, and see or no longer see each other. */
#include "features/subscription_change.h"

#include "features/presence.h"
#include "features/roster_push.h"
#include "stream/server.h"

#define NOBODY ((struct slot_ref){ UINT32_MAX, 0 })

struct telling {
	struct stanza	 *stanza;
	struct subscription_op *op;
	struct jid	  user, contact;
};

static const char *const names[SUBSCRIPTION_COUNT] = { "subscribe", "subscribed", "unsubscribe",
	"unsubscribed" };

/* The client's own stanza with all its content, or one that its removal stands for. */
static const struct element *
stanza_of(struct telling *telling, enum subscription type)
{
	if (telling->op->type == type)
		return telling->stanza->element;
	return presence_made(telling->stanza, names[type], telling->user.bare);
}

/* R33, R34: a request is for available resources, what changes a roster for interested ones. */
static void
deliver_to_contact(struct telling *telling, enum subscription type)
{
	struct stanza *stanza = telling->stanza;
	struct audience *audience = arena_alloc(stanza->arena, sizeof(*audience));

	if (type == SUBSCRIBE)
		audience_account(stanza, audience, telling->contact.bare, telling->op->contact);
	else
		audience_interested(stanza, audience, telling->contact.bare,
		    telling->op->contact);
	audience_send(stanza, audience, stanza_of(telling, type));
}

static void
tell_contact(struct telling *telling)
{
	/* A removal says first that it no longer wants to see, then that it no longer shows. */
	for (int type = 0; type < SUBSCRIPTION_COUNT; type++)
		if (telling->op->to_contact & 1 << type)
			deliver_to_contact(telling, (enum subscription)type);
	roster_push(telling->stanza, telling->op->contact);
}

/* What the contact's side answers of itself. */
static void
answer_user(struct telling *telling)
{
	struct stanza *stanza = telling->stanza;
	struct audience *audience = arena_alloc(stanza->arena, sizeof(*audience));

	if (telling->op->to_user == 0)
		return;
	audience_interested(stanza, audience, telling->user.bare, telling->op->turn.account);
	for (int type = 0; type < SUBSCRIPTION_COUNT; type++)
		if (telling->op->to_user & 1 << type)
			audience_send(stanza, audience,
			    presence_made(stanza, names[type], telling->contact.bare));
}

/* --- who sees whom --- */

static void
show_or_hide(struct telling *telling, bool was_seen, bool is_seen, uint64_t owner,
    uint64_t viewer, struct slice viewer_jid)
{
	struct audience *audience;

	if (was_seen == is_seen)
		return;
	audience = arena_alloc(telling->stanza->arena, sizeof(*audience));
	audience_account(telling->stanza, audience, viewer_jid, viewer);
	if (audience->count == 0)
		return;
	if (is_seen)
		presence_show(telling->stanza, audience, owner, NOBODY);
	else
		presence_hide(telling->stanza, audience, owner);
}

static bool
sees(unsigned viewer_flags, unsigned owner_flags)
{
	return (viewer_flags & ROSTER_TO) && (owner_flags & ROSTER_FROM);
}

/* R33: who asks again what it has is shown it again. */
static bool
saw(const struct subscription_op *op)
{
	bool asks_again = op->type == SUBSCRIBE && sees(op->is, op->contact_is);

	return !asks_again && sees(op->was, op->contact_was);
}

static void
show_to_each_other(struct telling *telling)
{
	const struct subscription_op *op = telling->op;

	show_or_hide(telling, saw(op), sees(op->is, op->contact_is), op->contact, op->turn.account,
	    telling->user.bare);
	show_or_hide(telling, sees(op->contact_was, op->was), sees(op->contact_is, op->is),
	    op->turn.account, op->contact, telling->contact.bare);
}

/* R33: that the request has arrived. R35: a host is always there. */
static void
tell_of_contact(struct telling *telling)
{
	struct stanza *stanza = telling->stanza;
	struct audience *audience = arena_alloc(stanza->arena, sizeof(*audience));
	bool has_arrived = telling->op->to_contact & 1 << SUBSCRIBE;
	bool is_host = telling->op->type == SUBSCRIBE &&
	    subscription_is_host(stanza, &telling->contact);

	if (!has_arrived && !is_host)
		return;
	audience_account(stanza, audience, telling->user.bare, telling->op->turn.account);
	audience_send(stanza, audience,
	    presence_made(stanza, is_host ? NULL : "unavailable", telling->contact.bare));
}

int
subscription_tell(struct stanza *stanza, struct turn_op *turn)
{
	struct subscription_op *op = (struct subscription_op *)turn;
	struct telling telling = { .stanza = stanza, .op = op, .user = stanza->from };

	subscription_contact(stanza, op, &telling.contact);
	if (op->type == SUBSCRIPTION_REMOVE)
		router_reply(stanza, NULL);
	answer_user(&telling);
	roster_push(stanza, op->turn.account);
	if (op->contact != 0 && !op->is_refused)
		tell_contact(&telling);
	show_to_each_other(&telling);
	tell_of_contact(&telling);
	return STANZA_DONE;
}
