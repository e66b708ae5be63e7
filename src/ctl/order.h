/* order.h -- what a running server is asked to do with some of its sessions. */
#pragma once

#include <stddef.h>

#include "ctl/session_view.h"
#include "shm/layout.h"

struct ctl;

/* Sessions of the account, bound or not, and those jid (NULL: none) names. Attached already. Returns an exit status. */
int	order_sessions(struct ctl *ctl, uint64_t account, const struct jid *jid,
	    enum slot_order order, uint64_t *count);
