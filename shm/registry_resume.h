/* registry_resume.h -- resume ids (XEP-0198): which session one names, and how far an ended one had come. */
#pragma once

#include "shm/registry.h"

#define RESUME_ID_SIZE	     24		/* characters, each of 6 random bits */
#define RESUME_RECORD_SIZE   24		/* bytes, as stored */
#define RESUME_ENDED_MAX     10		/* ended sessions of one account that are remembered */

struct resumable {
	struct slot_ref session;	/* of one that has not ended */
	bool		is_over;	/* it has ended, and this is what remains: */
	uint32_t	h;		/* stanzas of its client that were handled */
	uint64_t	ended_us;
};

/* An id is found only under the account that it was made for. */
bool	registry_resumable(struct registry *registry, struct txn *txn, uint64_t account,
	    struct slice id, struct resumable *found);

int	registry_resume_keep(struct registry *registry, uint64_t account, struct slice id,
	    struct slot_ref session);

/*
 * The session has ended: h stays. Of an account the RESUME_ENDED_MAX that ended last are kept; and none where there are
 * four times as many in all as there may be sessions.
 */
int	registry_resume_end(struct registry *registry, uint64_t account, struct slice id, uint32_t h,
	    uint64_t now_us);

/* Forgets those that ended before, and ids whose session ended without a word. Returns how many. */
int	registry_resume_sweep(struct registry *registry, uint64_t before_us);
