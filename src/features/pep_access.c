/* pep_access.c -- XEP-0060 4: who may read a node, and who may publish there. */
#include "features/pep.h"

#include "features/pep_list.h"
#include "features/roster_store.h"

static bool
is_in_group(struct pep *pep, const struct pep_node *node, struct slice reader)
{
	struct roster_item *item = arena_alloc(pep->arena, sizeof(*item));
	struct roster roster;

	roster_read(&roster, pep->server, pep->arena, pep->txn, pep->account);
	if (!roster_find(&roster, reader, item))
		return false;
	for (unsigned i = 0; i < item->group_count; i++)
		if (pep_list_find(node->config.groups, item->group[i]) != 0)
			return true;
	return false;
}

static bool
is_let_in(struct pep *pep, const struct pep_node *node, struct slice reader)
{
	switch (node->config.access) {
	case PEP_OPEN:
		return true;
	case PEP_PRESENCE:
		return (roster_flags(pep->server, pep->txn, pep->account, reader) & ROSTER_FROM) != 0;
	case PEP_ROSTER:
		return is_in_group(pep, node, reader);
	default:
		return false;
	}
}

bool
pep_may_read(struct pep *pep, const struct pep_node *node, struct slice owner,
    struct slice reader)
{
	if (slice_equal(owner, reader))
		return true;
	switch (pep_list_find(node->affiliations, reader)) {
	case PEP_NONE:
		return is_let_in(pep, node, reader);
	case PEP_PUBLISH_ONLY:
	case PEP_OUTCAST:
		return false;
	default:
		return true;
	}
}

/* XEP-0060 6.1.3 and 6.5.9. */
int
pep_refuse_reader(struct stanza *stanza, const struct pep_node *node)
{
	if (pep_list_find(node->affiliations, stanza->from.bare) != PEP_NONE)
		return STANZA_FORBIDDEN;
	switch (node->config.access) {
	case PEP_PRESENCE:
		return pep_refuse(stanza, STANZA_NOT_AUTHORIZED,
		    "presence-subscription-required");
	case PEP_ROSTER:
		return pep_refuse(stanza, STANZA_NOT_AUTHORIZED, "not-in-roster-group");
	default:
		return pep_refuse(stanza, STANZA_NOT_ALLOWED, "closed-node");
	}
}

static bool
is_subscribed(const struct pep_node *node, struct slice bare)
{
	struct slice rest = node->subscriptions;
	struct pep_entry entry;
	struct jid jid;

	while (pep_list_next(&rest, &entry)) {
		jid_split(entry.name, &jid);
		if (slice_equal(jid.bare, bare))
			return true;
	}
	return false;
}

bool
pep_may_publish(const struct pep_node *node, struct slice owner, struct slice publisher,
    bool retract)
{
	if (slice_equal(owner, publisher))
		return true;
	if (!node->exists)
		return false;
	switch (pep_list_find(node->affiliations, publisher)) {
	case PEP_PUBLISHER:
		return true;
	case PEP_PUBLISH_ONLY:
		return !retract;
	case PEP_OUTCAST:
		return false;
	default:
		return !retract && (node->config.publish == PEP_ANYBODY ||
				       (node->config.publish == PEP_SUBSCRIBERS &&
					   is_subscribed(node, publisher)));
	}
}
