/* disco.c -- XEP-0030: tells what a host and an account offer, from the features' own tables. */
#include "features/feature.h"

#include "config/config.h"
#include "stream/server.h"

static void
add_identity(struct arena *arena, struct element *query, const char *category,
    const char *type, const char *name)
{
	struct element *identity = element_add(arena, query, NS_DISCO_INFO, "identity");

	element_set(arena, identity, "category", slice_from_text(category));
	element_set(arena, identity, "type", slice_from_text(type));
	if (name != NULL)
		element_set(arena, identity, "name", slice_from_text(name));
}

static void
add_vars(struct arena *arena, struct element *query, const char *const *vars)
{
	for (; vars != NULL && *vars != NULL; vars++)
		element_set(arena, element_add(arena, query, NS_DISCO_INFO, "feature"), "var",
		    slice_from_text(*vars));
}

static bool
is_host(const struct stanza *stanza)
{
	return stanza->to.local.length == 0;
}

static bool
names_node(const struct stanza *stanza)
{
	return element_attribute(stanza->payload, "node").length > 0;
}

/* Nodes belong to features that have some (XEP-0030 3.2: item-not-found). */
static int
ask_of_node(struct stanza *stanza)
{
	int verdict = STANZA_PASS;

	for (const struct feature *const *feature = features_all();
	     *feature != NULL && verdict == STANZA_PASS; feature++)
		if ((*feature)->on_node != NULL)
			verdict = (*feature)->on_node(stanza);
	return verdict == STANZA_PASS ? STANZA_ITEM_NOT_FOUND : verdict;
}

static int
disco_on_info(struct stanza *stanza)
{
	struct arena *arena = stanza->arena;
	struct element *query = element_new(arena, NS_DISCO_INFO, "query");
	const struct feature *const *feature;

	if (names_node(stanza))
		return ask_of_node(stanza);
	if (is_host(stanza)) {
		add_identity(arena, query, "server", "im", "Rookery");
	} else {
		add_identity(arena, query, "account", "registered", NULL);
		add_identity(arena, query, "pubsub", "pep", NULL);
	}
	for (feature = features_all(); *feature != NULL; feature++) {
		if ((*feature)->is_on != NULL && !(*feature)->is_on(stanza->host))
			continue;
		add_vars(arena, query,
		    is_host(stanza) ? (*feature)->host_vars : (*feature)->account_vars);
		if (is_host(stanza) && (*feature)->on_host_info != NULL)
			(*feature)->on_host_info(stanza, query);
	}
	return router_reply(stanza, query);
}

/* Components and rooms will be items of a host. */
static int
disco_on_items(struct stanza *stanza)
{
	if (names_node(stanza))
		return ask_of_node(stanza);
	return router_reply(stanza, element_new(stanza->arena, NS_DISCO_ITEMS, "query"));
}

/* XEP-0030 8: what another account offers is for its contacts alone; there are none yet. */
static int
disco_on_stranger(struct stanza *stanza)
{
	return STANZA_SERVICE_UNAVAILABLE;
}

static const struct iq_row disco_iqs[] = {
	{ NS_DISCO_INFO, "query", IQ_GET, SCOPE_HOST | SCOPE_SELF, disco_on_info },
	{ NS_DISCO_ITEMS, "query", IQ_GET, SCOPE_HOST | SCOPE_SELF, disco_on_items },
	{ NS_DISCO_INFO, "query", IQ_GET, SCOPE_ACCOUNT, disco_on_stranger },
	{ NS_DISCO_ITEMS, "query", IQ_GET, SCOPE_ACCOUNT, disco_on_stranger },
	{ 0 }
};

static const char *const disco_vars[] = { "http://jabber.org/protocol/disco#info",
	"http://jabber.org/protocol/disco#items", NULL };

const struct feature disco_feature = {
	.name = "disco",
	.spec = "XEP-0030 2.5rc3",
	.about = "Tells clients what the server and their account offer.",
	.iqs = disco_iqs,
	.host_vars = disco_vars,
	.account_vars = disco_vars,
};
