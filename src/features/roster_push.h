/* roster_push.h -- interested resources hear of every version of their roster, once and in order (RFC 6121 2.1.6). */
#pragma once

#include "features/roster_store.h"
#include "routing/router.h"

/*
 * Adds to what the stanza delivers: to each interested resource of the account, on whatever worker, what it has not been
 * told yet of the roster as it stands now in the store. Two workers may do so at once: see effect_tells().
 */
void	roster_push(struct stanza *stanza, uint64_t account);

/* "12.345": the version as clients see it. Another account of the same name never had it. */
struct slice roster_push_version(struct arena *arena, uint64_t account, uint64_t version);
/* False: it is none of that account. */
bool	roster_push_parse(struct slice text, uint64_t account, uint64_t *version);

/* One push, without "to". */
struct element *roster_push_element(struct arena *arena, uint64_t account, uint64_t version,
		    const struct roster_item *item);
