/* feature.h -- one file holds a whole feature; this is what it says of itself. */
#pragma once

#include "features/data_space.h"
#include "routing/router.h"
#include "session/session.h"
#include "shm/store.h"

/*
 * What a feature keeps under an account, and so what goes when the account is deleted: all records of a place whose keys
 * begin with the account's id, big endian; in STORE_DATA with the id and the space.
 */
struct kept_row {
	enum store_kind	 store;
	enum store_place place;		/* the last row has 0 */
	enum data_space	 space;
	/*
	 * Asked first, until it has none: changes that remove what is not found by its key, or what something else goes
	 * with. Fills at most STORE_CHANGES_MAX, and returns how many. NULL: there is nothing of the kind.
	 */
	int (*gather)(struct server *server, struct arena *arena, uint64_t account,
	    struct store_change *change);
};

struct feature {
	const char	       *name;	/* as in the log, the trace and the manual */
	const char	       *spec;	/* "XEP-0199 2.0.1" */
	const char	       *about;	/* one sentence for the manual */
	const struct iq_row    *iqs;	/* ends with name NULL */
	const struct stage_row *stages;	/* ends with handle NULL */
	/* What disco#info tells of a host and of an account; each ends with NULL. */
	const char *const      *host_vars;
	const char *const      *account_vars;
	const struct kept_row  *keeps;
	/* More for the disco#info of stanza->host. */
	void		      (*on_host_info)(struct stanza *stanza, struct element *query);
	/* Whether a host, and its accounts, tell so; NULL: all do. */
	bool		      (*is_on)(const struct config_host *host);
	session_fn	       *on_bound;
	session_fn	       *on_ending;
	session_done_fn	       *on_unbound;	/* nobody finds it any more: see router.h */
	session_fn	       *on_hibernating;	/* it has lost its connection, and waits for its client */
	session_fn	       *on_leaving;	/* it goes on at another worker: what is here is freed */
	void		      (*on_start)(struct server *server);	/* the router stands; no session yet */
	void		      (*on_stop)(struct server *server);
	session_fn	       *on_available;	/* router.h says when */
	session_fn	       *on_look;
	stage_fn	       *on_node;	/* disco of a node: answers, or passes where it is not its own */
	delivery_flags_fn      *flags_of;
};

/* Starts the router with all features. False when two own the same iq: the log says which. */
bool	features_start(struct server *server);
void	features_stop(struct server *server);

/* In the order of calls; ends with NULL. */
const struct feature *const *features_all(void);
