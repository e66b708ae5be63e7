/* account.h -- reading and changing accounts, whether the server runs or not. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "auth/credentials.h"
#include "shm/layout.h"
#include "xmpp/jid.h"

struct ctl;

struct account_view {
	bool		   exists;
	uint64_t	   id;
	uint64_t	   version;
	struct credentials credentials;
};

/* The operand: a bare JID with a localpart, on a host of the configuration. Returns an exit status. */
int	account_parse(struct ctl *ctl, struct jid *jid);

/* What is stored now; no account, and no data directory at all, is no failure. Returns an exit status. */
int	account_read(struct ctl *ctl, struct slice bare_jid, struct account_view *account);

/*
 * Puts the credentials (version 0: the account must not exist; else its version must be that) or, with NULL,
 * deletes the account. A running server does it, and ends the sessions of account id with `order` (ORDER_NONE: none
 * are ended); else it is done here, under the lock of the data directory. Returns an enum result.
 */
int	account_change(struct ctl *ctl, struct slice bare_jid, uint64_t version, uint64_t id,
	    const struct credentials *credentials, enum slot_order order);
