/* pep_turn.h -- changes of one account's nodes take turns on a worker: the next begins when the store has answered the last. */
#pragma once

#include "features/pep_store.h"
#include "routing/router.h"

struct pep_op;

/*
 * Reads, and fills the request. STANZA_PASS: ask the store (an empty request: nothing is to change, done() comes at
 * once); else the verdict. Called again after a conflict, and after success where it left is_partial.
 */
typedef int pep_compute_fn(struct stanza *stanza, struct pep_op *op, struct pep_request *request);
/* It is committed: what is to be told. */
typedef int pep_done_fn(struct stanza *stanza, struct pep_op *op);

/* Copied as it is wherever it waits: no pointers but functions, and the two slices. */
struct pep_op {
	uint64_t	account;	/* whose turn it is */
	pep_compute_fn *compute;
	pep_done_fn    *done;
	unsigned	tries;
	bool		is_partial;	/* more is to be done than one request holds */
	bool		is_again;	/* some of it is done */
	char		id[24];		/* of the item, where the client gave none */
	struct slice	node;		/* its bytes, for done(): pep_put_node() */
	struct slice	also;		/* a pep_list of items that change in the node that goes with it */
};

/* From a handler. STANZA_LATER, or what compute(), done() or a full store answer. */
int	pep_turn(struct stanza *stanza, const struct pep_op *op);
void	pep_turns_free(struct server *server);
