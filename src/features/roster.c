/* roster.c -- RFC 6121 2: the list of contacts, asked for, changed, and told to who is interested (XEP-0237). */
#include "features/feature.h"

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "features/roster_push.h"
#include "features/subscription_change.h"
#include "features/turn.h"
#include "shm/limits.h"
#include "shm/registry.h"
#include "stream/server.h"

/* --- get --- */

/* From here on other workers push to it; before its answer stands they find told 0, and leave that to us. */
static bool
mark_interested(struct session *session)
{
	uint32_t flags = atomic_fetch_or(&session->slot->flags, SLOT_INTERESTED) |
	    SLOT_INTERESTED;

	if (session->interested)
		return true;
	session->interested = registry_set_flags(session->server->registry, session->account,
				  session->jid.resource, session->ref, flags) == RESULT_OK;
	return session->interested;
}

struct listing {
	struct arena   *arena;
	struct element *query;
};

static bool
list_one(void *owner, const struct roster_item *item)
{
	struct listing *listing = owner;
	struct roster_item own = *item;

	roster_item_copy(listing->arena, &own);
	roster_item_show(listing->arena, listing->query, &own);
	return true;
}

static void
answer_all(struct stanza *stanza, struct roster *roster)
{
	struct listing listing = { stanza->arena,
		element_new(stanza->arena, NS_ROSTER, "query") };

	element_set(stanza->arena, listing.query, "ver",
	    roster_push_version(stanza->arena, roster->account, roster->version));
	roster_each(roster, ROSTER_LISTED, list_one, &listing);
	router_reply(stanza, listing.query);
	delivery_tells(router_delivery(stanza), STEP_TELLS_ALL, roster->version + 1);
}

/* Of several changes of one contact only the last is of use. */
static bool
changes_again(struct roster *roster, uint64_t version, const struct roster_item *item)
{
	struct roster_item later;

	while (++version <= roster->version)
		if (roster_change(roster, version, &later) && slice_equal(later.jid, item->jid))
			return true;
	return false;
}

static void
push_change(struct stanza *stanza, struct roster *roster, uint64_t version)
{
	struct element *push;
	struct roster_item item;

	if (!roster_change(roster, version, &item) || changes_again(roster, version, &item))
		return;
	roster_item_copy(stanza->arena, &item);
	push = roster_push_element(stanza->arena, roster->account, version, &item);
	element_set(stanza->arena, push, "to", stanza->from.full);
	router_deliver(stanza, push, stanza->origin);
}

/*
 * XEP-0237 2.3: nothing, then what has changed since. Until the last of it is there nobody else tells this session of
 * versions. The last version is always the last change of its contact, so the last step is of it.
 */
static void
answer_changes(struct stanza *stanza, struct roster *roster, uint64_t since)
{
	struct delivery *delivery = router_delivery(stanza);

	router_reply(stanza, NULL);
	delivery_tells(delivery, STEP_TELLS_ALL, since == roster->version ? since + 1 : 0);
	while (++since <= roster->version)
		push_change(stanza, roster, since);
	if (delivery->count > 1)
		delivery_tells(delivery, STEP_TELLS_ALL, roster->version + 1);
}

static bool
knows_recent(struct stanza *stanza, const struct roster *roster, uint64_t *version)
{
	struct slice text = element_attribute(stanza->payload, "ver");

	return roster_push_parse(text, roster->account, version) &&
	    *version <= roster->version && roster->version - *version < ROSTER_LOG;
}

static int
push_rest(struct stanza *stanza, void *context)
{
	roster_push(stanza, *(uint64_t *)context);
	return STANZA_DONE;
}

/* What was committed between our reading and our answer: others found told 0 and did not push it. */
static void
look_again(struct server *server, void *data)
{
	struct session *session = session_find(server, *(struct slot_ref *)data);
	struct roster roster;
	struct arena arena;
	struct txn *txn;
	bool is_behind;

	if (session == NULL)
		return;
	arena_init(&arena);
	txn = store_read(server->core);
	roster_read(&roster, server, &arena, txn, session->account);
	txn_end(&txn);
	arena_clear(&arena);
	is_behind = atomic_load(&session->slot->told) <= roster.version;
	if (is_behind)
		router_act(server, session->jid.bare, push_rest, &session->account);
}

static int
roster_on_get(struct stanza *stanza)
{
	struct server *server = router_server(stanza->router);
	struct roster roster;
	struct txn *txn;
	uint64_t version;

	if (stanza->session == NULL || !mark_interested(stanza->session))
		return STANZA_RESOURCE_CONSTRAINT;
	txn = store_read(server->core);
	roster_read(&roster, server, stanza->arena, txn, stanza->session->account);
	if (knows_recent(stanza, &roster, &version))
		answer_changes(stanza, &roster, version);
	else if (!roster.is_corrupt)
		answer_all(stanza, &roster);
	txn_end(&txn);
	if (roster.is_corrupt)
		return STANZA_INTERNAL_SERVER_ERROR;
	router_after(stanza->router, look_again, &stanza->origin, sizeof(stanza->origin));
	return STANZA_DONE;
}

/* --- set --- */

static bool
has_group(const struct roster_item *item, struct slice name)
{
	for (unsigned i = 0; i < item->group_count; i++)
		if (slice_equal(item->group[i], name))
			return true;
	return false;
}

static bool
is_too_long(struct stanza *stanza, struct slice name)
{
	const struct server *server = router_server(stanza->router);

	return name.length > (size_t)server->config->roster_name_bytes &&
	    limit_met(server->shm, LIMIT_ROSTER_NAME);
}

/* RFC 6121 2.3.3: bad-request for two of one name, not-acceptable for an empty or too long one. */
static int
take_groups(struct stanza *stanza, const struct element *element, struct roster_item *item)
{
	const struct config *config = router_server(stanza->router)->config;
	struct element *group;

	item->group_count = 0;
	for (group = element_first(element); group != NULL; group = element_next(element, group)) {
		struct slice name;

		if (!element_is(group, NS_ROSTER, "group"))
			continue;
		name = element_text(stanza->arena, group);
		if (name.length == 0 || is_too_long(stanza, name) ||
		    (item->group_count == config->roster_groups &&
			limit_met(router_server(stanza->router)->shm, LIMIT_ROSTER_GROUPS)))
			return STANZA_NOT_ACCEPTABLE;
		if (has_group(item, name))
			return STANZA_BAD_REQUEST;
		item->group[item->group_count++] = name;
	}
	return STANZA_PASS;
}

static int
take_details(struct stanza *stanza, const struct element *element, struct roster_item *item)
{
	item->name = element_attribute(element, "name");
	if (is_too_long(stanza, item->name))
		return STANZA_NOT_ACCEPTABLE;
	return take_groups(stanza, element, item);
}

static bool
is_removal(const struct element *element)
{
	return slice_is(element_attribute(element, "subscription"), "remove");
}

/* The one item of a set, and whom it names. */
static int
check_set(struct stanza *stanza, struct element **element, struct jid *jid)
{
	if (element_count(stanza->payload) != 1)
		return STANZA_BAD_REQUEST;
	*element = element_first(stanza->payload);
	if (!element_is(*element, NS_ROSTER, "item") ||
	    !jid_parse(stanza->arena, element_attribute(*element, "jid"), jid) ||
	    !jid_is_bare(jid))
		return STANZA_BAD_REQUEST;
	return slice_equal(jid->bare, stanza->from.bare) ? STANZA_NOT_ALLOWED : STANZA_PASS;
}

static int
compute_set(struct stanza *stanza, struct turn_op *op, struct turn_request *request)
{
	struct server *server = router_server(stanza->router);
	struct roster_item *items = arena_alloc(stanza->arena, 2 * sizeof(*items));
	struct roster_item *old = &items[0], *new = &items[1];
	struct roster roster;
	struct element *element;
	struct jid jid;
	struct txn *txn;
	int verdict = check_set(stanza, &element, &jid);

	if (verdict != STANZA_PASS)
		return verdict;
	txn = store_read(server->core);
	roster_read(&roster, server, stanza->arena, txn, op->account);
	roster_find(&roster, jid.bare, old);
	*new = *old;
	new->flags |= ROSTER_LISTED;
	verdict = take_details(stanza, element, new);
	if (roster.is_corrupt)
		verdict = STANZA_INTERNAL_SERVER_ERROR;
	if (verdict == STANZA_PASS && roster_put(&roster, old, new, request) == ROSTER_FULL)
		verdict = STANZA_NOT_ACCEPTABLE;
	txn_end(&txn);
	return verdict;
}

/* R39: the result first, then the pushes. */
static int
set_is_done(struct stanza *stanza, struct turn_op *op)
{
	router_reply(stanza, NULL);
	roster_push(stanza, op->account);
	return STANZA_DONE;
}

static int
roster_on_set(struct stanza *stanza)
{
	struct turn_op op = { .kind = TURN_ROSTER,
		.account = stanza->account,
		.compute = compute_set,
		.done = set_is_done };
	struct element *element;
	struct jid jid;
	int verdict = check_set(stanza, &element, &jid);

	if (verdict == STANZA_PASS && is_removal(element))
		return subscription_remove(stanza);
	return verdict == STANZA_PASS ? turn_begin(stanza, &op) : verdict;
}

/* RFC 6121 2.1.5: nobody else may change it, and 2.3.3 has the words. */
static int
roster_on_others(struct stanza *stanza)
{
	return STANZA_FORBIDDEN;
}

/* A push comes from the server alone: clients that believe anybody's are not to be met (CVE-2015-8688). */
static int
roster_on_outgoing(struct stanza *stanza)
{
	if (stanza->kind == KIND_IQ && stanza_is_request(stanza) &&
	    stanza->payload->ns == NS_ROSTER && !jid_is_bare(&stanza->to) &&
	    stanza->session != NULL)
		return STANZA_FORBIDDEN;
	return STANZA_PASS;
}

static const struct iq_row roster_iqs[] = {
	{ NS_ROSTER, "query", IQ_GET, SCOPE_SELF, roster_on_get },
	{ NS_ROSTER, "query", IQ_SET, SCOPE_SELF, roster_on_set },
	{ NS_ROSTER, "query", IQ_GET | IQ_SET, SCOPE_ACCOUNT, roster_on_others },
	{ 0 }
};

static const struct stage_row roster_stages[] = {
	{ STAGE_OUTGOING, "roster", roster_on_outgoing },
	{ 0 }
};

static const struct kept_row roster_keeps[] = { { STORE_CORE, STORE_ROSTER, 0, NULL }, { 0 } };

const struct feature roster_feature = {
	.name = "roster",
	.spec = "RFC 6121 2",
	.about = "Keeps each account's contacts and tells its clients of changes, the recent ones alone where "
		 "they know the rest.",
	.iqs = roster_iqs,
	.stages = roster_stages,
	.keeps = roster_keeps,
};
