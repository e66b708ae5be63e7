/* blocking.h -- XEP-0191: whether an account blocks somebody, for features that deliver in their own way. */
#pragma once

#include "features/blocking_list.h"
#include "shm/store.h"

struct server;

/* Borrowed until the transaction (of the core store) ends. An account without a list has an empty one. */
void	blocking_read(const struct server *server, struct txn *txn, uint64_t account,
	    struct blocking_list *list, uint64_t *version);

/* Nothing passes between an account's own resources but what passes: it is never blocked by itself. */
bool	blocking_blocks(const struct server *server, struct txn *txn, uint64_t account,
	    const struct jid *jid);
