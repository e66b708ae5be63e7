/* hold.h -- client state indication (XEP-0352): what may wait in the outbox of a client that is inactive. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/outbox.h"

struct session;

/*
 * The outbox stays the only queue: while a client is inactive its owner reads no further than `open`, as long as all that
 * stands behind it may wait (ENTRY_CAN_WAIT). Before those are read, presences that a later one replaces are marked, once and
 * in the shared memory, so that every reader passes over the same ones.
 */
struct hold {
	bool		     is_on;
	uint64_t	     open;	/* the last entry that may be read */
	struct outbox_cursor next;	/* the first that was not looked at */
	uint64_t	     grace_ms;	/* until then nothing waits: the client's radio is awake */
};

/* The client says whether it is active; a new stream and a resumed one are. */
void	hold_set(struct session *session, bool is_inactive);

/* All that waits is to be read now. */
void	hold_open(struct session *session);

/* The last entry that may be read, UINT64_MAX for all; looks at what has come. */
uint64_t hold_limit(struct session *session);

/* There is no connection any more: nothing is held back, and nothing read. */
void	hold_end(struct session *session);
