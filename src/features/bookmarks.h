/* bookmarks.h -- XEP-0402 with its compatibility: rooms stand in a node of items, in the old node, and in private XML, as one. */
#pragma once

/*
 * Two nodes hold the same: "urn:xmpp:bookmarks:1" an item for each room, "storage:bookmarks" (XEP-0048) one item with
 * all of them, which is also what private XML (XEP-0049) shows. Whoever changes the one changes the other in the same
 * request, so that they never differ; of two workers the second computes anew from what the first has left.
 */

#include "features/pep.h"

#define BOOKMARKS_NODE	   "urn:xmpp:bookmarks:1"
#define BOOKMARKS_OLD_NODE "storage:bookmarks"

/* STANZA_PASS, also for other nodes; else what is wrong with an item that is to be published there. */
int	bookmarks_check(struct stanza *stanza, struct slice node, struct slice id,
	    const struct element *payload);

/*
 * Adds to the request what the noted items of one node mean for the other, and to op->also the items of it that change.
 * Leaves op->is_partial where not all fits into one request. STANZA_PASS, or the verdict.
 */
int	bookmarks_follow(struct pep_change *change, struct turn_op *op,
	    struct turn_request *request);

/* NULL: this is no node of bookmarks. */
const char *bookmarks_other(struct slice node);

/* Private XML: <storage/> as it stands, NULL where there is none; and a set of nothing else, from a handler. */
struct element *bookmarks_get(struct stanza *stanza);
int	bookmarks_set(struct stanza *stanza);
