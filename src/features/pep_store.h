/* pep_store.h -- personal nodes in the durable store: read by every worker, changed by requests that say what they saw. */
#pragma once

/*
 * In STORE_PEP an account has a record of its own, one for each node, and one for each item. Every change replaces
 * the account's record on condition of what was read: of two workers that change an account's nodes at once the second
 * gets RESULT_CONFLICT, and computes anew. Keys hold hashes of names; records hold the names, which are compared.
 */

#include "base/hash.h"
#include "features/pep_config.h"
#include "shm/store.h"

struct server;
struct turn_request;

struct pep {
	struct server *server;
	struct arena  *arena;		/* for what is found and written */
	struct txn    *txn;		/* of the core store; the caller's */
	uint64_t       account;
	uint32_t       nodes;
	uint64_t       bytes;		/* of all items */
	bool	       is_corrupt;	/* something could not be read: nothing is written */
	uint64_t       read_version;	/* of the account's record, in the store */
};

struct pep_node {
	struct slice	  name;
	struct hash128	  hash;
	bool		  exists;
	struct pep_config config;
	uint64_t	  serial;	/* of the item published last; only grows */
	uint32_t	  items;
	struct slice	  affiliations;	/* a pep_list: bare JIDs, enum pep_affiliation */
	struct slice	  subscriptions;	/* a pep_list: bare and full JIDs */
};

enum pep_affiliation {
	PEP_NONE, PEP_OWNER, PEP_PUBLISHER, PEP_PUBLISH_ONLY, PEP_MEMBER, PEP_OUTCAST,
	PEP_AFFILIATION_COUNT
};

struct pep_item {
	struct slice id;
	uint64_t     serial;
	uint64_t     time_us;		/* when it was published */
	struct slice payload;		/* as written */
};

void	pep_read(struct pep *pep, struct server *server, struct arena *arena, struct txn *txn,
	    uint64_t account);

/* False: there is none, and *node is an empty one of that name, with the defaults. */
bool	pep_find_node(struct pep *pep, struct slice name, struct pep_node *node);
bool	pep_find_item(struct pep *pep, const struct pep_node *node, struct slice id,
	    struct pep_item *item);

/* All, in the arena, in the order of publication; slices of all of these are borrowed until the transaction ends. */
int	pep_items(struct pep *pep, const struct pep_node *node, struct pep_item **items);
int	pep_nodes(struct pep *pep, struct pep_node **nodes);

/* --- changing --- */

/* For one more item; what does not fit is done by the next request (turn_op.is_partial). */
bool	pep_has_room(const struct turn_request *request);

/* Counts follow. old: the one of that id that it replaces, or NULL. */
void	pep_put_item(struct pep *pep, struct pep_node *node, const struct pep_item *item,
	    const struct pep_item *old, struct turn_request *request);
void	pep_drop_item(struct pep *pep, struct pep_node *node, const struct pep_item *item,
	    struct turn_request *request);
/* The node as it is now (not exists: gone). Returns its bytes, for turn_op.along. */
struct slice pep_put_node(struct pep *pep, const struct pep_node *node, bool existed,
	    struct turn_request *request);
/* Last of a request that changes anything. */
void	pep_put_account(struct pep *pep, struct turn_request *request);

/* A node as it is kept, between memory and bytes: slices point into these. */
#define PEP_NODE_BYTES (128u << 10)	/* so that it fits into a request beside the largest item */
struct slice pep_node_pack(struct arena *arena, const struct pep_node *node);
bool	pep_node_unpack(struct slice bytes, struct pep_node *node);
