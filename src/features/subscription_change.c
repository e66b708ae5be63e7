/* subscription_change.c -- a subscription's step on both sides at once: both rosters in one request to the store. */
#include "features/subscription_change.h"

#include "config/config.h"
#include "session/session.h"
#include "stream/server.h"
#include "xml/writer.h"

#define REQUEST_BYTES_MAX 8192	/* of a stanza that is kept until it is answered */

struct side {
	struct roster	   roster;
	struct roster_item old, new;
	bool		   is_there;	/* a local account whose roster can be read */
};

struct pair {
	struct stanza	 *stanza;
	struct subscription_op *op;
	struct jid	  contact_jid;
	struct side	  user, contact;
};

void
subscription_contact(struct stanza *stanza, const struct subscription_op *op, struct jid *contact)
{
	const struct element *item;

	*contact = stanza->to;
	if (op->type != SUBSCRIPTION_REMOVE)
		return;
	item = element_first(stanza->payload);
	jid_parse(stanza->arena, element_attribute(item, "jid"), contact);
}

bool
subscription_is_host(struct stanza *stanza, const struct jid *contact)
{
	return jid_is_domain(contact) &&
	    config_find_host(router_server(stanza->router)->config, contact->domain) != NULL;
}

static void
read_side(struct pair *pair, struct side *side, struct txn *txn, uint64_t account,
    struct slice other)
{
	roster_read(&side->roster, router_server(pair->stanza->router), pair->stanza->arena, txn,
	    account);
	roster_find(&side->roster, other, &side->old);
	roster_item_copy(pair->stanza->arena, &side->old);
	side->new = side->old;
	side->is_there = !side->roster.is_corrupt;
}

static void
read_both(struct pair *pair, struct txn *txn)
{
	struct server *server = router_server(pair->stanza->router);
	struct slice jid = pair->contact_jid.bare;

	pair->op->contact = 0;
	if (pair->contact_jid.local.length > 0 &&
	    config_find_host(server->config, pair->contact_jid.domain) != NULL)
		pair->op->contact = store_account_id(server->core, txn, jid);
	read_side(pair, &pair->user, txn, pair->op->turn.account, jid);
	pair->contact.is_there = false;
	if (pair->op->contact != 0)
		read_side(pair, &pair->contact, txn, pair->op->contact,
		    pair->stanza->from.bare);
	if (pair->op->is_refused)
		pair->contact.is_there = false;
}

/* --- the steps --- */

static bool
step(struct side *side, enum direction direction, enum subscription type)
{
	struct subscription_step next = subscription_step(direction, type, side->new.flags);

	side->new.flags = (side->new.flags & ~(unsigned)ROSTER_STATE) | next.flags;
	if (!(next.flags & ROSTER_IN))
		side->new.request = SLICE_EMPTY;
	if (next.flags & (ROSTER_BOTH | ROSTER_ASK))
		side->new.flags |= ROSTER_LISTED;
	return next.passes;
}

static void
arrive_at_contact(struct pair *pair, enum subscription type)
{
	if (pair->contact.is_there && step(&pair->contact, INBOUND, type))
		pair->op->to_contact |= (uint8_t)(1 << type);
}

static void
answer_user(struct pair *pair, enum subscription type)
{
	if (step(&pair->user, INBOUND, type))
		pair->op->to_user |= (uint8_t)(1 << type);
}

/* Without "to": it gets one wherever it is delivered. */
static struct slice
write_request(struct stanza *stanza)
{
	struct element *copy = element_copy(stanza->arena, stanza->element);
	size_t size;
	char *bytes;

	element_unset(copy, "to");
	element_set(stanza->arena, copy, "from", stanza->from.bare);
	size = writer_write(copy, NS_CLIENT, NULL, 0);
	if (size > REQUEST_BYTES_MAX)
		return SLICE_EMPTY;
	bytes = arena_alloc(stanza->arena, size);
	writer_write(copy, NS_CLIENT, bytes, size);
	return slice_of(bytes, size);
}

/* Whoever it agreed to, the account that has the name now is another; an approval in advance has been used up. */
static void
withdraw(struct side *side)
{
	step(side, INBOUND, UNSUBSCRIBE);
	side->new.flags &= ~(unsigned)ROSTER_APPROVED;
}

/* R33. A contact that agrees already, or in advance, is not asked. */
static int
subscribe(struct pair *pair)
{
	struct roster_item *contact = &pair->contact.new;

	step(&pair->user, OUTBOUND, SUBSCRIBE);
	if (subscription_is_host(pair->stanza, &pair->contact_jid))
		answer_user(pair, SUBSCRIBED);
	if (!pair->contact.is_there)
		return STANZA_PASS;
	if ((contact->flags & ROSTER_FROM) && !(pair->user.old.flags & ROSTER_TO))
		withdraw(&pair->contact);
	if (contact->flags & (ROSTER_FROM | ROSTER_APPROVED)) {
		contact->flags = (contact->flags | ROSTER_FROM) & ~(unsigned)ROSTER_IN;
		contact->request = SLICE_EMPTY;
		answer_user(pair, SUBSCRIBED);
		return STANZA_PASS;
	}
	arrive_at_contact(pair, SUBSCRIBE);
	if (!(pair->op->to_contact & 1 << SUBSCRIBE))
		return STANZA_PASS;
	contact->request = write_request(pair->stanza);
	return contact->request.length > 0 ? STANZA_PASS : STANZA_POLICY_VIOLATION;
}

/* RFC 6121 3.4: where nobody has asked it is given in advance. */
static void
subscribed(struct pair *pair)
{
	if (step(&pair->user, OUTBOUND, SUBSCRIBED))
		arrive_at_contact(pair, SUBSCRIBED);
	else if (!(pair->user.new.flags & ROSTER_FROM))
		pair->user.new.flags |= ROSTER_APPROVED | ROSTER_LISTED;
}

static void
unsubscribe(struct pair *pair)
{
	step(&pair->user, OUTBOUND, UNSUBSCRIBE);
	arrive_at_contact(pair, UNSUBSCRIBE);
}

static void
unsubscribed(struct pair *pair)
{
	pair->user.new.flags &= ~(unsigned)ROSTER_APPROVED;
	if (step(&pair->user, OUTBOUND, UNSUBSCRIBED))
		arrive_at_contact(pair, UNSUBSCRIBED);
}

/* R42. */
static int
remove_item(struct pair *pair)
{
	unsigned was = pair->user.old.flags;

	if (!(was & ROSTER_LISTED))
		return STANZA_ITEM_NOT_FOUND;
	pair->user.new.flags = 0;
	if (was & (ROSTER_TO | ROSTER_ASK))
		arrive_at_contact(pair, UNSUBSCRIBE);
	if (was & (ROSTER_FROM | ROSTER_IN))
		arrive_at_contact(pair, UNSUBSCRIBED);
	return STANZA_PASS;
}

/* What the contact would have said, had its account gone in order. */
static void
repair(struct pair *pair)
{
	unsigned user = pair->user.old.flags;
	unsigned contact = pair->contact.is_there ? pair->contact.old.flags : 0;

	if (((user & ROSTER_TO) && !(contact & ROSTER_FROM)) ||
	    ((user & ROSTER_ASK) && !(contact & (ROSTER_IN | ROSTER_FROM))))
		answer_user(pair, UNSUBSCRIBED);
	if (((user & ROSTER_FROM) && !(contact & ROSTER_TO)) ||
	    ((user & ROSTER_IN) && !(contact & ROSTER_ASK)))
		answer_user(pair, UNSUBSCRIBE);
	if ((user & ROSTER_FROM) && !(contact & ROSTER_TO))
		withdraw(&pair->user);
}

static int
take_step(struct pair *pair)
{
	switch (pair->op->type) {
	case SUBSCRIPTION_REPAIR:
		repair(pair);
		return STANZA_PASS;
	case SUBSCRIBE:
		return subscribe(pair);
	case SUBSCRIBED:
		subscribed(pair);
		return STANZA_PASS;
	case UNSUBSCRIBE:
		unsubscribe(pair);
		return STANZA_PASS;
	case UNSUBSCRIBED:
		unsubscribed(pair);
		return STANZA_PASS;
	default:
		return remove_item(pair);
	}
}

/* --- the request --- */

static bool
is_changed(const struct side *side)
{
	return side->is_there && side->old.flags != side->new.flags;
}

/* A contact who has too many requests waiting hears of none: the user goes on waiting. */
static void
put_contact(struct pair *pair, struct turn_request *request)
{
	struct side *contact = &pair->contact;

	if (!contact->is_there)
		return;
	if (!is_changed(contact))
		roster_keep(&contact->roster, request);
	else if (roster_put(&contact->roster, &contact->old, &contact->new, request) ==
	    ROSTER_FULL) {
		contact->new = contact->old;
		pair->op->to_contact = 0;
	}
}

static int
put_both(struct pair *pair, struct turn_request *request)
{
	struct side *user = &pair->user;

	if (!is_changed(user) && !is_changed(&pair->contact))
		return STANZA_PASS;
	if (!is_changed(user))
		roster_keep(&user->roster, request);
	else if (roster_put(&user->roster, &user->old, &user->new, request) == ROSTER_FULL)
		return STANZA_NOT_ACCEPTABLE;
	put_contact(pair, request);
	return STANZA_PASS;
}

static void
note(struct pair *pair)
{
	struct subscription_op *op = pair->op;

	op->was = (uint16_t)pair->user.old.flags;
	op->is = (uint16_t)pair->user.new.flags;
	op->contact_was = op->contact_is = 0;
	if (!pair->contact.is_there)
		return;
	op->contact_was = (uint16_t)pair->contact.old.flags;
	op->contact_is = (uint16_t)pair->contact.new.flags;
}

static int
compute(struct stanza *stanza, struct turn_op *turn, struct turn_request *request)
{
	struct subscription_op *op = (struct subscription_op *)turn;
	struct pair *pair = arena_zeroed(stanza->arena, sizeof(*pair));
	struct txn *txn = store_read(router_server(stanza->router)->core);
	int verdict = STANZA_INTERNAL_SERVER_ERROR;

	pair->stanza = stanza;
	pair->op = op;
	op->to_contact = op->to_user = 0;
	subscription_contact(stanza, op, &pair->contact_jid);
	read_both(pair, txn);
	if (pair->user.is_there)
		verdict = take_step(pair);
	if (verdict == STANZA_PASS)
		verdict = put_both(pair, request);
	note(pair);
	txn_end(&txn);
	return verdict;
}

/* --- from the handlers --- */

static uint64_t
own_account(struct stanza *stanza)
{
	return stanza->session != NULL ? stanza->session->account
				       : router_account(stanza->router, &stanza->from);
}

/* What the contact does not want to hear of still changes the sender's side: it learns nothing of it. */
static bool
is_refused(struct stanza *stanza)
{
	struct stanza incoming = *stanza;

	incoming.host = config_find_host(router_server(stanza->router)->config,
	    stanza->to.domain);
	if (incoming.host == NULL || stanza->to.local.length == 0)
		return false;
	incoming.account = router_account(stanza->router, &stanza->to);
	return incoming.account != 0 && router_incoming(&incoming) != STANZA_PASS;
}

static struct subscription_op
begin(struct stanza *stanza, uint8_t type)
{
	return (struct subscription_op){ .turn = { .kind = TURN_ROSTER,
					     .account = own_account(stanza),
					     .compute = compute,
					     .done = subscription_tell,
					     .size = sizeof(struct subscription_op) },
		.type = type };
}

int
subscription_send(struct stanza *stanza, enum subscription type)
{
	struct subscription_op op = begin(stanza, (uint8_t)type);

	element_set(stanza->arena, stanza->element, "from", stanza->from.bare);
	element_set(stanza->arena, stanza->element, "to", stanza->to.bare);
	op.is_refused = is_refused(stanza);
	return turn_begin(stanza, &op.turn);
}

int
subscription_remove(struct stanza *stanza)
{
	struct subscription_op op = begin(stanza, SUBSCRIPTION_REMOVE);

	return turn_begin(stanza, &op.turn);
}

struct repair {
	struct slice user;
	struct slice contact;
};

static int
begin_repair(struct stanza *stanza, void *context)
{
	const struct repair *repair = context;
	struct subscription_op op = begin(stanza, SUBSCRIPTION_REPAIR);

	jid_split(arena_copy(stanza->arena, repair->contact), &stanza->to);
	return op.turn.account == 0 ? STANZA_DONE : turn_begin(stanza, &op.turn);
}

void
subscription_repair(struct server *server, struct slice user, struct slice contact)
{
	struct repair repair = { user, contact };
	struct jid jid;

	jid_split(contact, &jid);
	if (jid.local.length > 0 && config_find_host(server->config, jid.domain) != NULL)
		router_act(server, user, begin_repair, &repair);
}

/* "romeo@localhost juliet@localhost" */
static void
on_repair(struct server *server, void *data)
{
	struct slice pair = slice_from_text(data);
	size_t space = slice_find(pair, ' ');

	subscription_repair(server, slice_of(pair.data, space), slice_after(pair, space + 1));
}

void
subscription_repair_after(struct stanza *stanza, struct slice user, struct slice contact)
{
	struct slice pair = arena_printf(stanza->arena, SLICE_FMT " " SLICE_FMT, SLICE_ARG(user),
	    SLICE_ARG(contact));

	router_after(stanza->router, on_repair, pair.data, pair.length + 1);
}
