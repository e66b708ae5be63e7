/* pending.h -- stanzas that wait for a store: kept whole, found again by the request's number. */
#pragma once

#include "routing/stanza.h"
#include "shm/store.h"

/*
 * What a handler wants called when the answer is there. It gets the stanza as the handler had it (session is NULL where the
 * sender has gone), the store's result, and a copy of data. It may deliver, reply, ask again (and return STANZA_LATER), or
 * return a condition.
 */
typedef int pending_fn(struct stanza *stanza, int result, void *data);

struct pending;
struct server;

struct pending *pending_new(struct router *router);
void	pending_free(struct pending **pending);

/*
 * From a handler: asks, and keeps a copy of the stanza. Returns STANZA_LATER, or the condition to answer with when
 * the ring has no room (resource-constraint): the ring bounds how much may wait. The request is a step of the effect
 * that is drafted: what the handler delivers and what it asks for both happen, or neither does. Where the
 * effect has no memory on_answer hears RESULT_FULL, and whatever it answers with goes to nobody.
 */
int	pending_ask(struct stanza *stanza, enum store_kind kind, const struct store_change *changes,
	    int count, pending_fn *on_answer, const void *data, size_t size);
/* The same of what nobody waits for: store_ask_later(). */
int	pending_ask_later(struct stanza *stanza, enum store_kind kind,
	    const struct store_change *changes, int count, pending_fn *on_answer,
	    const void *data, size_t size);

/*
 * From a handler: keeps a copy of the stanza until pending_release() calls on_answer with that result. Whoever holds it
 * releases it, unless the server ends first.
 */
struct waiting;
struct waiting *pending_hold(struct stanza *stanza, pending_fn *on_answer, const void *data,
	    size_t size);
/* Not from inside a handler: there, router_after(). */
void	pending_release(struct server *server, struct waiting **waiting, int result);

/* From a handler: the same, and it is released after ms. Returns STANZA_LATER. */
int	pending_wait(struct stanza *stanza, uint64_t ms, pending_fn *on_answer);

/* From the router: the effect has run, or is given up. */
void	pending_on_effect(struct pending *pending, bool has_run);

/* From the worker: an answer has come. Unknown ones (of a predecessor, or a second time) are dropped. */
void	pending_on_answer(struct server *server, enum store_kind kind,
	    const struct store_answer *answer);
/* An answer to another worker number, whose process is gone: nobody waits for it, but what it settles is noted. */
void	pending_settle(struct server *server, const struct store_answer *answer);
