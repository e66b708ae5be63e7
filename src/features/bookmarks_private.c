/* bookmarks_private.c -- XEP-0049: bookmarks as clients of the first days ask for them. */
#include "features/bookmarks.h"

#include "base/clock.h"
#include "config/config.h"
#include "features/account_data.h"
#include "features/feature.h"
#include "stream/server.h"
#include "xml/fragment.h"

struct element *
bookmarks_get(struct stanza *stanza)
{
	struct server *server = router_server(stanza->router);
	struct txn *txn = store_read(server->core);
	struct element *storage = NULL;
	struct pep_item *items;
	struct pep_node node;
	struct pep pep;
	int count = 0;

	pep_read(&pep, server, stanza->arena, txn, stanza->account);
	if (pep_find_node(&pep, SLICE(BOOKMARKS_OLD_NODE), &node))
		count = pep_items(&pep, &node, &items);
	if (count > 0)
		storage = fragment_read(stanza->arena, items[count - 1].payload);
	txn_end(&txn);
	return storage;
}

/* Published by the account itself, in the place of its newest item. */
static int
compute_set(struct stanza *stanza, struct turn_op *op, struct turn_request *request)
{
	const struct config *config = router_server(stanza->router)->config;
	struct pep_change change;
	struct pep_node *node = &change.node;
	struct pep_item old, item = { .id = SLICE("current"),
		.time_us = clock_wall_us(),
		.payload = account_data_bytes(stanza->arena, element_first(stanza->payload),
		    (size_t)config->private_xml_bytes) };
	bool existed, replaces;
	int verdict;

	if (item.payload.length == 0)
		return STANZA_POLICY_VIOLATION;
	verdict = pep_begin_named(stanza, op->account, SLICE(BOOKMARKS_OLD_NODE), &change);
	if (verdict != STANZA_PASS)
		return verdict;
	existed = node->exists;
	replaces = existed && pep_find_item(&change.pep, node, item.id, &old);
	node->exists = true;
	item.serial = ++node->serial;
	pep_change_put(&change, &item, replaces ? &old : NULL, request);
	return pep_end(&change, pep_write(&change, existed, op, request));
}

static int
set_is_done(struct stanza *stanza, struct turn_op *op)
{
	struct pep_node node;

	router_reply(stanza, NULL);
	pep_node_unpack(op->along, &node);
	pep_notify_item(stanza, &node, SLICE("current"));
	pep_notify_also(stanza, op);
	return STANZA_DONE;
}

int
bookmarks_set(struct stanza *stanza)
{
	struct turn_op op = { .kind = TURN_NODES,
		.account = stanza->account,
		.compute = compute_set,
		.done = set_is_done };

	return turn_begin(stanza, &op);
}

static const char *const bookmarks_vars[] = { BOOKMARKS_NODE "#compat",
	BOOKMARKS_NODE "#compat-pep", "urn:xmpp:bookmarks-conversion:0", NULL };

const struct feature bookmarks_feature = {
	.name = "bookmarks",
	.spec = "XEP-0402 1.2.0",
	.about = "Keeps an account's rooms as one, whichever of three specifications a client asks by.",
	.account_vars = bookmarks_vars,
};
