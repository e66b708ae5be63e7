/* roster_item.h -- one contact of an account: what is kept of it, and how clients see it (RFC 6121 2.1). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "xml/element.h"

enum roster_flag {
	ROSTER_TO = 1 << 0,		/* the account sees the contact's presence */
	ROSTER_FROM = 1 << 1,		/* the contact sees the account's */
	ROSTER_ASK = 1 << 2,		/* the account has asked, and waits ("Pending Out") */
	ROSTER_IN = 1 << 3,		/* the contact has asked, and waits ("Pending In") */
	ROSTER_APPROVED = 1 << 4,	/* asked for in advance (RFC 6121 3.4) */
	ROSTER_LISTED = 1 << 5,		/* stands in the roster: clients know of it */
	ROSTER_REMOVED = 1 << 6,	/* in the change log alone */
};

#define ROSTER_BOTH   (ROSTER_TO | ROSTER_FROM)
#define ROSTER_STATE  (ROSTER_BOTH | ROSTER_ASK | ROSTER_IN)
/* Without any of these nothing is kept. */
#define ROSTER_REASON (ROSTER_STATE | ROSTER_APPROVED | ROSTER_LISTED)

#define ROSTER_GROUPS_MAX 100	/* what roster_groups may be at most */

struct roster_item {
	struct slice jid;		/* bare, prepared */
	struct slice name;		/* empty: none */
	unsigned     flags;		/* enum roster_flag */
	unsigned     group_count;
	struct slice group[ROSTER_GROUPS_MAX];
	struct slice request;		/* the stanza that asked, as written, while ROSTER_IN stands */
};

/* Bytes for the store, in the arena; the request is left out of the log. */
struct slice roster_item_pack(struct arena *arena, const struct roster_item *item, bool with_request);

/* Slices point into bytes. False: they are not an item's. */
bool	roster_item_unpack(struct slice bytes, struct roster_item *item);
/* Only the address and the flags, for fan-outs. */
bool	roster_item_peek(struct slice bytes, struct slice *jid, unsigned *flags);

/* <item/> below a query. */
void	roster_item_show(struct arena *arena, struct element *query, const struct roster_item *item);

/* How many bytes it takes on its way to a client. */
size_t	roster_item_size(struct arena *arena, const struct roster_item *item);
