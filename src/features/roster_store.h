/* roster_store.h -- rosters in the durable store: read by every worker, changed by requests that say what they saw. */
#pragma once

/*
 * An account's roster is a meta record, an item for each contact and a log of its last changes. Every change replaces
 * the meta record on condition of what was read: of two workers that change one roster at once the second gets
 * RESULT_CONFLICT, and computes anew. A change that clients see raises the version by one and stands in the log.
 */

#include "features/roster_item.h"
#include "shm/store.h"

struct server;
struct turn_request;

#define ROSTER_LOG 200		/* so many versions back a client hears of changes alone */
#define ROSTER_BYTES_MAX (1u << 20)	/* of all items on their way to a client */

struct roster {
	struct server *server;
	struct arena  *arena;		/* for what is found and written */
	struct txn    *txn;		/* of the core store; the caller's */
	uint64_t       account;
	uint64_t       version;		/* 0: nothing was ever in it */
	uint32_t       items;		/* those that clients see */
	uint32_t       requests;	/* contacts that have asked and wait */
	uint64_t       bytes;		/* of the items on their way to a client */
	bool	       is_corrupt;	/* could not be read: it is never written */
	uint64_t       read_version;	/* of the meta record, in the store */
};

void	roster_read(struct roster *roster, struct server *server, struct arena *arena,
	    struct txn *txn, uint64_t account);

/* Borrowed until the transaction ends, or copied. False: there is none, and *item is an empty one of that address. */
bool	roster_find(struct roster *roster, struct slice jid, struct roster_item *item);
/* enum roster_flag of one contact of an account, for a look by itself; 0: none. */
unsigned roster_flags(struct server *server, struct txn *txn, uint64_t account, struct slice jid);
void	roster_item_copy(struct arena *arena, struct roster_item *item);

/* Borrowed; only those that have one of the flags. */
void	roster_each(struct roster *roster, unsigned flags,
	    bool (*each)(void *owner, const struct roster_item *item), void *owner);
/* The same for fan-outs: nothing but the address. */
void	roster_each_jid(struct roster *roster, unsigned flags,
	    bool (*each)(void *owner, struct slice jid, unsigned flags), void *owner);

/* What became of the roster with that version; false: the log does not reach back so far. */
bool	roster_change(struct roster *roster, uint64_t version, struct roster_item *item);

/* --- changing --- */

#define ROSTER_CHANGES 12	/* of two rosters, at most */

enum roster_limit { ROSTER_OK, ROSTER_FULL };

/*
 * Adds to the request what turns old into new (both of one address); an item without ROSTER_REASON is removed. At most one
 * change of each roster a request. ROSTER_FULL: options forbid it, nothing was added.
 */
void	roster_keep(struct roster *roster, struct turn_request *request);	/* as it is: a condition alone */
enum roster_limit roster_put(struct roster *roster, const struct roster_item *old,
	    const struct roster_item *new, struct turn_request *request);
