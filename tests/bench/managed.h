/* managed.h -- stream management as the load client speaks it (XEP-0198): counts, acknowledgements, resumption. */
#pragma once

#include <stdbool.h>

#include "tests/bench/peer.h"

/* Once its resource is bound: asks for it. */
void	managed_enable(struct peer *peer);

/* Whether it has a session that waits; asks for that one instead of binding. */
bool	managed_can_resume(const struct peer *peer);
void	managed_resume(struct peer *peer);

/* Stanzas that are written from now on; every tenth asks for an acknowledgement. */
void	managed_note_sent(struct peer *peer, unsigned stanzas);

enum managed_word {
	MANAGED_STANZA,		/* none of ours: it was counted */
	MANAGED_COUNT,		/* asked or acknowledged, and answered */
	MANAGED_ENABLED,	/* and it may be resumed */
	MANAGED_RESUMED,	/* and all that it had sent was handled */
	MANAGED_WRONG
};

/* What comes to a peer that is managed or wants to be. */
enum managed_word managed_take(struct peer *peer, struct slice element);

/* Each is asked once more: how many of them are not told that all they sent was handled, when so much time has passed. */
unsigned managed_settle(struct peer *peers, unsigned count, uint64_t most_ns);

/* Acknowledges all and ends their streams, or their sessions would wait for them. */
void	managed_leave(struct peer *peers, unsigned count);
