/* pep_change.c -- one node of an account, to be looked at or changed. */
#include "features/pep.h"

#include "config/config.h"
#include "features/bookmarks.h"
#include "shm/limits.h"
#include "stream/server.h"

int
pep_begin_named(struct stanza *stanza, uint64_t account, struct slice name,
    struct pep_change *change)
{
	struct server *server = router_server(stanza->router);

	*change = (struct pep_change){ .most = (uint32_t)server->config->pep_items,
		.txn = store_read(server->core) };
	pep_read(&change->pep, server, stanza->arena, change->txn, account);
	pep_find_node(&change->pep, name, &change->node);
	change->bytes = change->pep.bytes;
	return STANZA_PASS;
}

int
pep_begin(struct stanza *stanza, uint64_t account, const struct element *action,
    struct pep_change *change)
{
	struct slice name;
	int verdict = pep_node_name(stanza, action, &name);

	return verdict == STANZA_PASS ? pep_begin_named(stanza, account, name, change) : verdict;
}

/* --- items --- */

void
pep_note_item(struct pep_change *change, struct slice id, struct slice payload)
{
	if (bookmarks_other(change->node.name) == NULL)
		return;
	if (change->note_count == change->note_room) {
		change->note_room = change->note_room == 0 ? 16 : 2 * change->note_room;
		change->note = arena_grow(change->pep.arena, change->note,
		    (size_t)change->note_count * sizeof(*change->note),
		    (size_t)change->note_room * sizeof(*change->note));
	}
	change->note[change->note_count++] = (struct pep_note){ id, payload };
}

void
pep_change_put(struct pep_change *change, const struct pep_item *item,
    const struct pep_item *old, struct turn_request *request)
{
	pep_put_item(&change->pep, &change->node, item, old, request);
	pep_note_item(change, item->id, item->payload);
}

void
pep_change_drop(struct pep_change *change, const struct pep_item *item,
    struct turn_request *request)
{
	pep_drop_item(&change->pep, &change->node, item, request);
	pep_note_item(change, item->id, SLICE_EMPTY);
}

/* --- the end --- */

int
pep_end(struct pep_change *change, int verdict)
{
	txn_end(&change->txn);
	return change->pep.is_corrupt ? STANZA_INTERNAL_SERVER_ERROR : verdict;
}

int
pep_follow(struct pep_change *change, struct turn_op *op, struct turn_request *request)
{
	return bookmarks_follow(change, op, request);
}

static bool
is_too_much(const struct pep_change *change)
{
	const struct server *server = change->pep.server;

	return change->pep.bytes > change->bytes &&
	    change->pep.bytes > (uint64_t)server->config->pep_bytes &&
	    limit_met(server->shm, LIMIT_PEP_BYTES);
}

int
pep_write(struct pep_change *change, bool existed, struct turn_op *op,
    struct turn_request *request)
{
	int verdict = pep_follow(change, op, request);

	if (verdict != STANZA_PASS)
		return verdict;
	op->along = pep_put_node(&change->pep, &change->node, existed, request);
	pep_put_account(&change->pep, request);
	if (is_too_much(change))
		return STANZA_RESOURCE_CONSTRAINT;
	return op->along.length > PEP_NODE_BYTES ? STANZA_POLICY_VIOLATION : STANZA_PASS;
}

int
pep_set_list(struct stanza *stanza, struct turn_op *op, struct turn_request *request,
    int (*set)(struct stanza *stanza, struct pep_change *change, const struct element *entry))
{
	struct element *action = element_first(stanza->payload), *entry = element_first(action);
	struct pep_change change;
	int verdict = pep_begin(stanza, op->account, action, &change);

	if (verdict != STANZA_PASS)
		return verdict;
	if (!change.node.exists)
		verdict = STANZA_ITEM_NOT_FOUND;
	for (; entry != NULL && verdict == STANZA_PASS; entry = element_next(action, entry))
		verdict = set(stanza, &change, entry);
	if (verdict == STANZA_PASS)
		verdict = pep_write(&change, true, op, request);
	return pep_end(&change, verdict);
}

int
pep_just_reply(struct stanza *stanza, struct turn_op *op)
{
	return router_reply(stanza, NULL);
}
