/* roster_turn.h -- changes of one roster take turns on a worker: the next begins when the store has answered the last. */
#pragma once

/*
 * A client that sends fifty contacts at once would otherwise compute all from what stands before the first, and
 * have forty-nine conflicts. Between workers the store's conditions decide; who loses computes anew.
 */

#include "features/roster_store.h"
#include "routing/router.h"

struct roster_op;

/*
 * Reads, and fills the request. STANZA_PASS: ask the store (an empty request: nothing is to change, done() comes at
 * once); else the verdict. Called again after a conflict.
 */
typedef int roster_compute_fn(struct stanza *stanza, struct roster_op *op,
	    struct roster_request *request);
/* It is committed: what is to be told. */
typedef int roster_done_fn(struct stanza *stanza, struct roster_op *op);

/* Copied as it is wherever it waits: no pointers but functions. */
struct roster_op {
	uint64_t	   account;	/* whose turn it is */
	roster_compute_fn *compute;
	roster_done_fn	  *done;
	unsigned	   tries;
	/* subscription_change.h: what compute() found, for done() to tell */
	uint64_t	   contact;	/* its account; 0: none here */
	uint16_t	   was, is;	/* enum roster_flag of the own item, before and after */
	uint16_t	   contact_was, contact_is;
	uint8_t		   to_contact;	/* a bit for each enum subscription that arrives there */
	uint8_t		   to_user;
	uint8_t		   type;	/* enum subscription */
	bool		   is_refused;	/* the contact's side does not want to hear of it */
};

/* From a handler. STANZA_LATER, or what compute(), done() or a full store answer. */
int	roster_turn(struct stanza *stanza, const struct roster_op *op);
void	roster_turns_free(struct server *server);
