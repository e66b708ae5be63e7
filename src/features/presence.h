/* presence.h -- who sees whose presence, and how it gets there; what the files of presence and subscriptions share. */
#pragma once

#include "features/roster_store.h"
#include "routing/router.h"

struct session;

#define AUDIENCE_MAX 256

/* Sessions that presence goes to, and what stands in its "to". */
struct audience {
	struct effect_piece to;
	struct slot_ref	    session[AUDIENCE_MAX];
	int		    count;
};

/* One session, or the available resources of an account that take more. */
void	audience_one(struct stanza *stanza, struct audience *audience, struct slice to,
	    struct slot_ref session);
void	audience_account(struct stanza *stanza, struct audience *audience, struct slice to,
	    uint64_t account);
void	audience_interested(struct stanza *stanza, struct audience *audience, struct slice to,
	    uint64_t account);

void	audience_send(struct stanza *stanza, const struct audience *audience,
	    const struct element *presence);

/*
 * The last presence of each available resource of the account, with its age, but that of `except`; returns how many
 * there were. hide: that each of them is unavailable.
 */
int	presence_show(struct stanza *stanza, const struct audience *audience, uint64_t account,
	    struct slot_ref except);
int	presence_hide(struct stanza *stanza, const struct audience *audience, uint64_t account);

/* Only of that resource; false where it is not available. */
bool	presence_show_resource(struct stanza *stanza, const struct audience *audience,
	    uint64_t account, struct slice resource);

/* <presence type='...'/> from that address; NULL: available. */
struct element *presence_made(struct stanza *stanza, const char *type, struct slice from);

/*
 * To all that see the presence of the account: its own available resources, then those of each contact (R26). The bytes are
 * written once.
 */
void	presence_broadcast(struct stanza *stanza, const struct element *presence, uint64_t account);

/*
 * Whether viewer sees the presence of owner: by both rosters, so that an account that was deleted and made anew
 * is a stranger.
 */
bool	presence_is_seen(struct stanza *stanza, struct txn *core, uint64_t owner,
	    struct slice owner_jid, uint64_t viewer, struct slice viewer_jid);

/*
 * The session's presence is that in stanza->element from now on, and is told to all that see it; the first one has
 * it told of others. A verdict as of a handler.
 */
int	presence_again(struct stanza *stanza);

/* presence_initial.c: what a resource is told when it becomes available (R27). */
void	presence_initial(struct stanza *stanza);

/* presence_probe.c: RFC 6121 4.3.2, R32. */
int	presence_on_probe(struct stanza *stanza);

/* presence_directed.c: RFC 6121 4.6, R30. Returns STANZA_PASS, or why it may not be sent. */
int	presence_direct(struct stanza *stanza);
/* Tells all to whom the session had directed presence that it is gone. */
void	presence_undirect(struct stanza *stanza, struct slot_ref session, struct element *presence);
