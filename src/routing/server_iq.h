/* server_iq.h -- what the server itself asks of a client, and the answer that finds its way back. */
#pragma once

#include "routing/stanza.h"
#include "shm/slots.h"

struct server;
struct session;

/*
 * Gets the answer, of type result or error, as a handler would: it may deliver, or ask a store. NULL: none came in
 * time, or the session has ended; then there is no stanza under way.
 */
typedef void server_iq_fn(struct server *server, struct slot_ref session, struct stanza *answer,
	    void *data);

/*
 * Sends <iq type='get' from='host' id=.../> with that payload. Not from inside a handler: there, router_after(). False,
 * and nothing was sent, when the same id still waits, as many others do as may, or the session has no room. data is
 * copied.
 */
bool	server_iq_ask(struct session *session, struct slice id, struct element *payload,
	    server_iq_fn *on_answer, const void *data, size_t size);

/* From the router, for every answer to a host: only that of the session that was asked counts. False: no such. */
bool	server_iq_on_answer(struct stanza *stanza);

void	server_iq_on_ending(struct session *session);
void	server_iqs_free(struct server *server);
