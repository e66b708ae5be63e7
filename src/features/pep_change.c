/* pep_change.c -- one node of an account, to be looked at or changed. */
#include "features/pep.h"

#include "config/config.h"
#include "stream/server.h"

int
pep_begin(struct stanza *stanza, uint64_t account, const struct element *action,
    struct pep_change *change)
{
	struct server *server = router_server(stanza->router);
	struct slice name;
	int verdict = pep_node_name(stanza, action, &name);

	if (verdict != STANZA_PASS)
		return verdict;
	change->most = (uint32_t)server->config->pep_items;
	change->txn = store_read(server->core);
	pep_read(&change->pep, server, stanza->arena, change->txn, account);
	pep_find_node(&change->pep, name, &change->node);
	return STANZA_PASS;
}

int
pep_end(struct pep_change *change, int verdict)
{
	txn_end(&change->txn);
	return change->pep.is_corrupt ? STANZA_INTERNAL_SERVER_ERROR : verdict;
}

int
pep_write(struct pep_change *change, bool existed, struct pep_op *op,
    struct pep_request *request)
{
	op->node = pep_put_node(&change->pep, &change->node, existed, request);
	pep_put_account(&change->pep, request);
	return op->node.length > PEP_NODE_BYTES ? STANZA_POLICY_VIOLATION : STANZA_PASS;
}

int
pep_just_reply(struct stanza *stanza, struct pep_op *op)
{
	return router_reply(stanza, NULL);
}
