/* turn.h -- changes of what an account has take turns on a worker: the next begins when the store has answered the last. */
#pragma once

/*
 * A client that sends fifty contacts from fifty places at once would otherwise have all computed from what stands before
 * the first, and forty-nine conflicts. Between workers the store's conditions decide; who loses computes anew.
 */

#include "routing/router.h"
#include "shm/store.h"

/* Of one kind and account one change is under way. */
enum turn_kind { TURN_ROSTER, TURN_BLOCKLIST, TURN_PRIVATE, TURN_PUSH, TURN_NODES, TURN_KINDS };

#define TURN_PRIVATE_CHANGES 12

struct turn_op;

/* What the store is asked; a kind says how much there is room for. */
struct turn_request {
	struct store_change *change;
	int		     count;
	int		     most;
};

/*
 * Reads, and fills the request. STANZA_PASS: ask the store (an empty request: nothing is to change, done() comes at
 * once); else the verdict. Called again after a conflict, and after success where it left is_partial.
 */
typedef int turn_compute_fn(struct stanza *stanza, struct turn_op *op,
	    struct turn_request *request);
/* It is committed: what is to be told. */
typedef int turn_done_fn(struct stanza *stanza, struct turn_op *op);

/* Copied as it is wherever it waits: no pointers but functions and the two slices. May be the first field of more. */
struct turn_op {
	enum turn_kind	 kind;
	uint64_t	 account;	/* whose turn it is */
	turn_compute_fn *compute;
	turn_done_fn	*done;
	size_t		 size;		/* of what it is the first field of; 0: it is all */
	struct slice	 along, also;	/* bytes from compute() to done() */
	unsigned	 tries;
	bool		 is_partial;	/* more is to be done than one request holds */
	bool		 is_again;	/* some of it is done */
};

/* From a handler. STANZA_LATER, or what compute(), done() or a full store answer. */
int	turn_begin(struct stanza *stanza, const struct turn_op *op);
void	turns_free(struct server *server);
