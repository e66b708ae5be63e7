/* account_data.h -- small things kept for an account: key account, space and a name's hash, in the place STORE_DATA. */
#pragma once

#include "base/arena.h"
#include "features/data_space.h"
#include "shm/store.h"
#include "xml/element.h"

struct server;

/* name empty: the space's own record, before all others. An account made anew has another id, so it inherits nothing. */
struct slice account_data_key(struct arena *arena, const struct server *server, uint64_t account,
	    enum data_space space, struct slice name);

/* *value is borrowed until the transaction ends; *version is 0 where there is none. */
bool	account_data_get(const struct server *server, struct txn *txn, struct slice key,
	    struct slice *value, uint64_t *version);

/* value empty: it goes. version as account_data_get() told it, or STORE_ANY_VERSION. */
struct store_change account_data_change(struct slice key, uint64_t version, struct slice value);

/* The element kept under a key, in the arena; NULL: none, or it cannot be read. */
struct element *account_data_element(struct arena *arena, const struct server *server,
		    struct slice key);
/* Its bytes; empty where they are more than most. */
struct slice account_data_bytes(struct arena *arena, const struct element *element, size_t most);

/* Neither attributes nor anything inside: as good as nothing kept. */
bool	account_data_is_blank(const struct element *element);
