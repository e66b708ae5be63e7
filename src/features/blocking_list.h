/* blocking_list.h -- whom an account blocks, as it stands in the store: sorted, so that a stanza's sender is found fast. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "xmpp/jid.h"

/* Packed: a count, where each entry ends (32 bits each, in the machine's order), and the entries themselves. */
struct blocking_list {
	struct slice packed;	/* borrowed */
	uint32_t     count;
};

/* False: these bytes are no list, and *list is an empty one. No bytes are an empty one. */
bool	blocking_list_open(struct slice packed, struct blocking_list *list);

struct slice blocking_list_at(const struct blocking_list *list, uint32_t index);
bool	blocking_list_has(const struct blocking_list *list, struct slice jid);

/* XEP-0191 5: the address itself, its bare JID, its domain with the resource, or its domain. */
bool	blocking_list_matches(const struct blocking_list *list, const struct jid *jid);

/* A new list, in the arena: with the JIDs, or without them. Empty bytes where nothing is left. */
struct slice blocking_list_add(struct arena *arena, const struct blocking_list *list,
	    const struct slice *jids, uint32_t count);
struct slice blocking_list_remove(struct arena *arena, const struct blocking_list *list,
	    const struct slice *jids, uint32_t count);
