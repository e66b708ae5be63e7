/* router.h -- the way of a stanza: submit, outgoing, owner, incoming, delivery; the only place that writes errors. */
#pragma once

#include "routing/delivery.h"
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
/*
 * One alone: nobody finds it any more, and its outbox is still as it left it. False: what it had is not settled yet; asked again, and at
 * once after session_look_at_rest().
 */
typedef bool session_done_fn(struct session *session);
void	router_on_unbound(struct router *router, session_done_fn *handle);
void	router_on_hibernating(struct router *router, session_fn *handle);	/* it has no connection any more */
void	router_on_leaving(struct router *router, session_fn *handle);	/* it goes on at another worker */
/* Its resource became available with a priority of 0 or more, or is so from now on; told by presence. */
void	router_on_available(struct router *router, session_fn *handle);
void	router_available(struct session *session);
void	router_on_look(struct router *router, session_fn *handle);	/* session_look() */

struct server *router_server(struct router *router);

/* --- for handlers --- */

/* Answers an iq get or set; payload may be NULL. */
int	router_reply(struct stanza *stanza, struct element *payload);	/* STANZA_DONE */

/*
 * The same with an element made by the caller, from whom and why; "to" is set here. What the server itself asked, from
 * the address of a host, comes back to STAGE_ANSWER.
 */
void	router_answer(struct stanza *stanza, struct element *answer);

/* One more copy, to one session. Its bytes are written once for all targets of the same element. */
void	router_deliver(struct stanza *stanza, struct element *element, struct slot_ref target);

/* False, and counted, for a session that has ended or has outbox_bytes waiting: it gets no more until its client reads. */
bool	router_has_room(struct router *router, struct slot_ref target);

/* What gathers the copies of the stanza under way, for fan-outs: delivery_form() and delivery_add_form(). */
struct delivery *router_delivery(struct stanza *stanza);

/* Asks the features of STAGE_INCOMING on behalf of the local account in stanza->account. */
int	router_incoming(struct stanza *stanza);

/* Who says what may wait for an inactive client; one, at start. */
void	router_set_flags_of(struct router *router, delivery_flags_fn *flags_of);

/* Called once what the stanza under way does is done, in the order asked; data is copied. */
typedef void after_fn(struct server *server, void *data);
void	router_after(struct router *router, after_fn *act, const void *data, size_t size);

/*
 * Does something of the server's own accord, as the address in from: a stanza without sender is made for it, and
 * what it delivers happens as one effect. Not from inside a handler: there, router_after().
 */
void	router_act(struct server *server, struct slice from,
	    int (*act)(struct stanza *stanza, void *context), void *context);

/* To each available resource of a local account; returns how many there were. */
int	router_deliver_available(struct stanza *stanza, struct element *element,
	    uint64_t account);

/*
 * A stanza the server makes itself: routed as one that came from the address in its "from", without a sender's
 * session. Not from inside a handler.
 */
void	router_send(struct server *server, struct element *element);

/* The same from anywhere: behind what is under way. */
void	router_send_later(struct router *router, const struct element *element);

/* The id of a local account, 0 where there is none. */
uint64_t router_account(struct router *router, const struct jid *jid);
