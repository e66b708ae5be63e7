/* router.h -- the way of a stanza: submit, outgoing, owner, incoming, delivery; the only place that writes errors. */
#pragma once

#include "routing/iq_table.h"
#include "routing/stage.h"

struct registry;
struct server;
struct session;
struct session_events;

/* Also makes server->sessions; features are added before the first accept. */
void	router_start(struct server *server);
void	router_free(struct server *server);
bool	router_add_iq(struct router *router, const char *feature, const struct iq_row *row);
void	router_add_stage(struct router *router, const struct stage_row *row);

/* A session has ended or got a resource: features that care. */
typedef void session_fn(struct session *session);
void	router_on_bound(struct router *router, session_fn *handle);
void	router_on_ending(struct router *router, session_fn *handle);

struct server *router_server(struct router *router);

/* --- for handlers --- */

/* Answers an iq get or set; payload may be NULL. */
int	router_reply(struct stanza *stanza, struct element *payload);	/* STANZA_DONE */

/* One more copy, to one session. Its bytes are written once for all targets of the same element. */
void	router_deliver(struct stanza *stanza, struct element *element, struct slot_ref target);

/* To each available resource of a local account; returns how many there were. */
int	router_deliver_available(struct stanza *stanza, struct element *element,
	    uint64_t account);

/*
 * A stanza the server makes itself: routed as one that came from the address in its "from", without a sender's
 * session. Not from inside a handler.
 */
void	router_send(struct server *server, struct element *element);

/* The id of a local account, 0 where there is none. */
uint64_t router_account(struct router *router, const struct jid *jid);
