/* pep.c -- XEP-0163: each account is a pubsub service of its own (XEP-0060), which its contacts hear from. */
#include "features/feature.h"

#include "features/pep.h"
#include "shm/counters.h"
#include "stream/server.h"

/* --- XEP-0060's own errors --- */

static int
refuse(struct stanza *stanza, enum stanza_condition condition, const char *specific,
    const char *feature)
{
	struct arena *arena = stanza->arena;
	struct element *reply = stanza_error_reply(arena, stanza->element, condition, NULL);
	struct element *error;

	counter_add(router_server(stanza->router)->shm, COUNTER_STANZA_ERRORS, 1);
	if (reply == NULL)
		return STANZA_DONE;
	error = element_add(arena, element_child(reply, NS_CLIENT, "error"), NS_PUBSUB_ERRORS,
	    specific);
	if (feature != NULL)
		element_set(arena, error, "feature", slice_from_text(feature));
	router_answer(stanza, reply);
	return STANZA_DONE;
}

int
pep_refuse(struct stanza *stanza, enum stanza_condition condition, const char *specific)
{
	return refuse(stanza, condition, specific, NULL);
}

int
pep_unsupported(struct stanza *stanza, const char *feature)
{
	return refuse(stanza, STANZA_FEATURE_NOT_IMPLEMENTED, "unsupported", feature);
}

int
pep_node_name(struct stanza *stanza, const struct element *element, struct slice *name)
{
	*name = element_attribute(element, "node");
	if (name->length == 0)
		return pep_refuse(stanza, STANZA_BAD_REQUEST, "nodeid-required");
	return name->length > PEP_NAME_MAX ? STANZA_NOT_ACCEPTABLE : STANZA_PASS;
}

/* --- which action --- */

struct action {
	enum xml_namespace ns;
	const char	  *name;
	enum stanza_type   type;
	bool		   for_all;	/* not the owner alone */
	int		 (*handle)(struct stanza *stanza, struct element *action);
	const char	  *unsupported;	/* what XEP-0060 calls it, where it is not there */
};

static const struct action actions[] = {
	{ NS_PUBSUB, "items", TYPE_GET, true, pep_on_items, NULL },
	{ NS_PUBSUB, "publish", TYPE_SET, true, pep_on_publish, NULL },
	{ NS_PUBSUB, "retract", TYPE_SET, true, pep_on_retract, NULL },
	{ NS_PUBSUB, "create", TYPE_SET, false, pep_on_create, NULL },
	{ NS_PUBSUB, "subscribe", TYPE_SET, true, pep_on_subscribe, NULL },
	{ NS_PUBSUB, "unsubscribe", TYPE_SET, true, pep_on_unsubscribe, NULL },
	{ NS_PUBSUB, "options", TYPE_GET, true, NULL, "subscription-options" },
	{ NS_PUBSUB, "options", TYPE_SET, true, NULL, "subscription-options" },
	{ NS_PUBSUB, "subscriptions", TYPE_GET, true, pep_on_subscriptions, NULL },
	{ NS_PUBSUB, "affiliations", TYPE_GET, true, pep_on_affiliations, NULL },
	{ NS_PUBSUB_OWNER, "configure", TYPE_GET, false, pep_on_configure_get, NULL },
	{ NS_PUBSUB_OWNER, "configure", TYPE_SET, false, pep_on_configure_set, NULL },
	{ NS_PUBSUB_OWNER, "default", TYPE_GET, false, pep_on_default, NULL },
	{ NS_PUBSUB_OWNER, "delete", TYPE_SET, false, pep_on_delete, NULL },
	{ NS_PUBSUB_OWNER, "purge", TYPE_SET, false, pep_on_purge, NULL },
	{ NS_PUBSUB_OWNER, "subscriptions", TYPE_GET, false, pep_on_subscribers_get, NULL },
	{ NS_PUBSUB_OWNER, "subscriptions", TYPE_SET, false, pep_on_subscribers_set, NULL },
	{ NS_PUBSUB_OWNER, "affiliations", TYPE_GET, false, pep_on_affiliates_get, NULL },
	{ NS_PUBSUB_OWNER, "affiliations", TYPE_SET, false, pep_on_affiliates_set, NULL },
};

#define ACTIONS (sizeof(actions) / sizeof(actions[0]))

static const struct action *
find(const struct stanza *stanza, const struct element *element)
{
	for (size_t i = 0; element != NULL && i < ACTIONS; i++)
		if (element_is(element, actions[i].ns, actions[i].name) &&
		    actions[i].type == stanza->type)
			return &actions[i];
	return NULL;
}

/* The first child says what is wanted; options may stand behind it. */
static int
pep_on_iq(struct stanza *stanza)
{
	struct element *element = element_first(stanza->payload);
	const struct action *action = find(stanza, element);

	if (action == NULL)
		return STANZA_BAD_REQUEST;
	if (!action->for_all && !slice_equal(stanza->from.bare, stanza->to.bare))
		return STANZA_FORBIDDEN;
	if (action->handle == NULL)
		return pep_unsupported(stanza, action->unsupported);
	return action->handle(stanza, element);
}

static const struct iq_row pep_iqs[] = {
	{ NS_PUBSUB, "pubsub", IQ_GET | IQ_SET, SCOPE_SELF | SCOPE_ACCOUNT, pep_on_iq },
	{ NS_PUBSUB_OWNER, "pubsub", IQ_GET | IQ_SET, SCOPE_SELF | SCOPE_ACCOUNT, pep_on_iq },
	{ 0 }
};

#define PUBSUB "http://jabber.org/protocol/pubsub#"

static const char *const pep_vars[] = {
	PUBSUB "access-open",
	PUBSUB "access-presence",
	PUBSUB "access-roster",
	PUBSUB "access-whitelist",
	PUBSUB "auto-create",
	PUBSUB "auto-subscribe",
	PUBSUB "config-node",
	PUBSUB "config-node-max",
	PUBSUB "create-and-configure",
	PUBSUB "create-nodes",
	PUBSUB "delete-items",
	PUBSUB "delete-nodes",
	PUBSUB "filtered-notifications",
	PUBSUB "item-ids",
	PUBSUB "last-published",
	PUBSUB "manage-subscriptions",
	PUBSUB "member-affiliation",
	PUBSUB "modify-affiliations",
	PUBSUB "multi-items",
	PUBSUB "outcast-affiliation",
	PUBSUB "persistent-items",
	PUBSUB "presence-notifications",
	PUBSUB "presence-subscribe",
	PUBSUB "publish",
	PUBSUB "publish-only-affiliation",
	PUBSUB "publish-options",
	PUBSUB "publisher-affiliation",
	PUBSUB "purge-nodes",
	PUBSUB "retract-items",
	PUBSUB "retrieve-affiliations",
	PUBSUB "retrieve-default",
	PUBSUB "retrieve-items",
	PUBSUB "retrieve-subscriptions",
	PUBSUB "rsm",
	PUBSUB "subscribe",
	NULL
};

static const struct kept_row pep_keeps[] = { { STORE_CORE, STORE_PEP, 0, NULL }, { 0 } };

const struct feature pep_feature = {
	.name = "pep",
	.spec = "XEP-0163 1.2.2",
	.about = "Keeps what an account publishes of itself (avatar, bookmarks, keys) and tells the resources that "
		 "want to hear of it.",
	.iqs = pep_iqs,
	.account_vars = pep_vars,
	.keeps = pep_keeps,
};
