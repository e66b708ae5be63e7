/* account_change.h -- new accounts, new passwords, and the end of both: keys from the thread pool, then one request of the store. */
#pragma once

#include "routing/pending.h"

#define ACCOUNT_NAME_MAX 64	/* bytes of the localpart of a new account */

/*
 * More changes for the request that makes an account, worked out anew for each try: returns how many, or a negative
 * result that ends it. What they point to may lie in the stanza's arena.
 */
#define ACCOUNT_MORE_MAX 16
typedef int account_more_fn(struct stanza *stanza, const void *data, struct store_change *changes);

/*
 * From a handler: makes an account, or gives one new keys. Returns STANZA_LATER, or resource-constraint while too many
 * have one under way. done gets a stanza without payload, so that no copy of the password waits anywhere, and RESULT_OK,
 * RESULT_INVALID (no client could send that password), RESULT_EXISTS, RESULT_NOT_FOUND, or what the store said. The
 * account's sessions but the asker's are reset.
 */
struct account_wish {
	struct slice	 bare_jid;	/* prepared, at a host of ours */
	uint64_t	 account;	/* its id; 0: it must not exist */
	struct slice	 password;
	account_more_fn *more;		/* may be NULL */
};

int	account_change(struct stanza *stanza, const struct account_wish *wish, pending_fn *done,
	    const void *data, size_t size);

/*
 * From a handler: deletes the account of that id, never another that came to its name. done as above; its sessions are
 * ended behind what done does.
 */
int	account_delete(struct stanza *stanza, struct slice bare_jid, uint64_t account,
	    pending_fn *done, const void *data, size_t size);

/*
 * Asks all sessions of an account that have logged in, on every worker, but the one in except (slot UINT32_MAX: none).
 * Returns how many there were.
 */
int	account_end_sessions(struct server *server, uint64_t account, enum slot_order order,
	    struct slot_ref except);
