/* share.h -- while memory for stanzas is scarce, who causes more than its share of them waits. */
#pragma once

#include <stdint.h>

#include "shm/limits.h"

struct session;

struct share {
	limit_bucket bucket;	/* what its stanzas have put into outboxes while memory was scarce */
	uint64_t     until_ms;	/* it waits, and no longer than that */
};

/* A stanza of its puts so many bytes into outboxes. Its input may have to wait, until there is memory or its time is over. */
void	share_charge(struct session *session, uint64_t octets);
