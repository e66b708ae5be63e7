/* pep_affiliate.c -- XEP-0060 5.7 and 8.9: who may do more, or less, with a node than its access model says. */
#include "features/pep.h"

#include "config/config.h"
#include "features/pep_list.h"
#include "shm/limits.h"
#include "stream/server.h"

static const char *const names[PEP_AFFILIATION_COUNT] = { [PEP_NONE] = "none",
	[PEP_OWNER] = "owner",
	[PEP_PUBLISHER] = "publisher",
	[PEP_PUBLISH_ONLY] = "publish-only",
	[PEP_MEMBER] = "member",
	[PEP_OUTCAST] = "outcast" };

static void
add_affiliation(struct arena *arena, struct element *list, const char *attribute,
    struct slice value, uint8_t affiliation)
{
	struct element *element = element_add(arena, list, list->ns, "affiliation");

	element_set(arena, element, attribute, arena_copy(arena, value));
	element_set(arena, element, "affiliation", slice_from_text(names[affiliation]));
}

/* --- one's own --- */

int
pep_on_affiliations(struct stanza *stanza, struct element *action)
{
	struct server *server = router_server(stanza->router);
	struct element *answer = element_new(stanza->arena, NS_PUBSUB, "pubsub");
	struct element *list = element_add(stanza->arena, answer, NS_PUBSUB, "affiliations");
	struct slice name = element_attribute(action, "node");
	bool is_owner = slice_equal(stanza->from.bare, stanza->to.bare);
	struct txn *txn = store_read(server->core);
	struct pep_node *nodes;
	struct pep pep;
	int count;

	if (name.data != NULL)
		element_set(stanza->arena, list, "node", name);
	pep_read(&pep, server, stanza->arena, txn, stanza->account);
	count = pep_nodes(&pep, &nodes);
	for (int i = 0; i < count; i++) {
		uint8_t affiliation = is_owner
		    ? PEP_OWNER
		    : pep_list_find(nodes[i].affiliations, stanza->from.bare);

		if (affiliation != PEP_NONE &&
		    (name.data == NULL || slice_equal(nodes[i].name, name)))
			add_affiliation(stanza->arena, list, "node", nodes[i].name, affiliation);
	}
	txn_end(&txn);
	return router_reply(stanza, answer);
}

/* --- the owner's view --- */

int
pep_on_affiliates_get(struct stanza *stanza, struct element *action)
{
	struct element *answer = element_new(stanza->arena, NS_PUBSUB_OWNER, "pubsub");
	struct element *list = element_add(stanza->arena, answer, NS_PUBSUB_OWNER,
	    "affiliations");
	struct pep_change change;
	struct pep_entry entry;
	struct slice rest;
	int verdict = pep_begin(stanza, stanza->account, action, &change);

	if (verdict != STANZA_PASS)
		return verdict;
	element_set(stanza->arena, list, "node", change.node.name);
	add_affiliation(stanza->arena, list, "jid", stanza->to.bare, PEP_OWNER);
	rest = change.node.affiliations;
	while (pep_list_next(&rest, &entry))
		if (entry.kind < PEP_AFFILIATION_COUNT)
			add_affiliation(stanza->arena, list, "jid", entry.name, entry.kind);
	verdict = pep_end(&change, change.node.exists ? STANZA_PASS : STANZA_ITEM_NOT_FOUND);
	return verdict == STANZA_PASS ? router_reply(stanza, answer) : verdict;
}

static bool
find_name(struct slice text, uint8_t *affiliation)
{
	for (uint8_t i = 0; i < PEP_AFFILIATION_COUNT; i++)
		if (slice_is(text, names[i])) {
			*affiliation = i;
			return true;
		}
	return false;
}

/* Who may no longer read has no use for it. */
static void
drop_subscriptions(struct arena *arena, struct pep_node *node, struct slice bare)
{
	struct slice rest = node->subscriptions;
	struct pep_entry entry;
	struct jid jid;

	while (pep_list_next(&rest, &entry)) {
		jid_split(entry.name, &jid);
		if (slice_equal(jid.bare, bare))
			node->subscriptions = pep_list_set(arena, node->subscriptions,
			    entry.name, 0);
	}
}

/* An account owns its nodes, alone and for ever; no attribute: it stays as it is (XEP-0060 8.9.2.1). */
static int
set_affiliation(struct stanza *stanza, struct pep_change *change, const struct element *wish)
{
	struct slice text = element_attribute(wish, "jid");
	struct slice name = element_attribute(wish, "affiliation");
	struct pep_node *node = &change->node;
	uint8_t affiliation;
	struct jid jid;

	if (!element_is(wish, NS_PUBSUB_OWNER, "affiliation") || text.length == 0)
		return STANZA_BAD_REQUEST;
	if (!jid_parse(stanza->arena, text, &jid))
		return STANZA_JID_MALFORMED;
	if (name.data == NULL)
		return STANZA_PASS;
	if (!find_name(name, &affiliation))
		return STANZA_BAD_REQUEST;
	if (affiliation == PEP_OWNER || slice_equal(jid.bare, stanza->to.bare))
		return STANZA_NOT_ALLOWED;
	if (affiliation != PEP_NONE && pep_list_find(node->affiliations, jid.bare) == PEP_NONE &&
	    pep_list_count(node->affiliations) >= change->pep.server->config->pep_people &&
	    limit_met(change->pep.server->shm, LIMIT_PEP_PEOPLE))
		return STANZA_RESOURCE_CONSTRAINT;
	node->affiliations = pep_list_set(stanza->arena, node->affiliations, jid.bare, affiliation);
	if (!pep_may_read(&change->pep, node, stanza->to.bare, jid.bare))
		drop_subscriptions(stanza->arena, node, jid.bare);
	return STANZA_PASS;
}

static int
compute_affiliates(struct stanza *stanza, struct turn_op *op, struct turn_request *request)
{
	return pep_set_list(stanza, op, request, set_affiliation);
}

int
pep_on_affiliates_set(struct stanza *stanza, struct element *action)
{
	struct turn_op op = { .kind = TURN_NODES,
		.account = stanza->account,
		.compute = compute_affiliates,
		.done = pep_just_reply };

	return turn_begin(stanza, &op);
}
