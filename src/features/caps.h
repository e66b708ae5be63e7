/* caps.h -- XEP-0115: what resources say they understand, as far as it was verified. */
#pragma once

/*
 * A presence names the hash of what its client supports. The worker of the client asks it once (disco#info), and what
 * the hash confirms is kept in the core store, where every worker reads it: of each only the "+notify" features,
 * which are what this server looks at. The store has a fixed number of places for them; what is pushed out is asked anew.
 */

#include "base/arena.h"
#include "shm/store.h"
#include "xml/element.h"

struct registry;
struct server;

#define CAPS_NAME_MAX 200

/* The name of what <c/> in a presence announces: hash function and value, in the arena. .data NULL: nothing of use. */
struct slice caps_name(struct arena *arena, const struct element *presence);

/* Names that end with NUL, one after the other; false: not known. Borrowed until the transaction ends. */
bool	caps_find(struct server *server, struct arena *arena, struct txn *core, struct slice name,
	    struct slice *wanted);
bool	caps_wants(struct slice wanted, struct slice node);

/* What an available resource wants to be notified of; false: not known. Both transactions are the caller's. */
bool	caps_of_resource(struct server *server, struct arena *arena, struct txn *core,
	    struct txn *registry, uint64_t account, uint64_t resource_hash, struct slice *wanted);

/* --- for caps.c and its tests --- */

/*
 * The verification string's hash of an answer (XEP-0115 5.1), in base64 in the arena. .data NULL: the answer is
 * ill-formed (5.4), or the function is none of ours.
 */
struct slice caps_hash(struct arena *arena, struct slice function, const struct element *query);
