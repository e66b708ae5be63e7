/* router_private.h -- what the files of the router share. */
#pragma once

#include "routing/account_ids.h"
#include "routing/delivery.h"
#include "routing/pending.h"
#include "routing/router.h"

#define ROUTER_FEATURES_MAX 64

struct after {
	after_fn     *act;
	void	     *data;
	struct after *next;
};

struct router {
	struct server	*server;
	struct iq_table *iqs;
	struct pending	*pending;
	struct account_ids *account_ids;
	struct arena	 arena;		/* of the stanza under way */
	struct delivery	 delivery;
	bool		 busy;		/* a stanza is under way */
	struct after	*after;		/* what comes behind it */
	struct after   **after_end;
	bool		 is_after;	/* it is being worked off */
	struct stage_row stages[STAGE_COUNT][ROUTER_FEATURES_MAX];
	int		 stage_count[STAGE_COUNT];
	session_fn	*on_bound[ROUTER_FEATURES_MAX];
	session_fn	*on_ending[ROUTER_FEATURES_MAX];
	int		 bound_count;
	int		 ending_count;
	session_fn	*on_available[ROUTER_FEATURES_MAX];
	session_fn	*on_look[ROUTER_FEATURES_MAX];
	session_fn	*on_hibernating[ROUTER_FEATURES_MAX];
	int		 hibernating_count;
	session_fn	*on_leaving[ROUTER_FEATURES_MAX];
	int		 leaving_count;
	session_done_fn	*on_unbound;
	int		 available_count;
	int		 look_count;
};

/* router_after.c: each may route stanzas of its own, and what those leave behind comes last. */
void	router_run_after(struct router *router);
void	router_drop_after(struct router *router);

/* A client's, numbered; the element lives until the call returns. */
void	router_on_stanza(struct session *session, struct element *stanza);

/* Asks the features of a stage, in order; STANZA_PASS when none took it. */
int	router_stage(struct stanza *stanza, enum stage stage);

/* Goes on with a stanza outside the way it came: what act() gathers happens as one effect. */
void	router_continue(struct stanza *stanza, int (*act)(struct stanza *stanza, void *context),
	    void *context);

/* account.c: for a local account, RFC 6121 8.5. */
int	account_route(struct stanza *stanza);

/* A message for its account that one of its sessions did not get: it was archived and copied on its way there. */
int	account_hand_on(struct stanza *stanza);

/* The sender's session gets its message back as that error: STAGE_DELIVERED sees it. */
void	account_bounced(const struct stanza *stanza, struct element *error);
