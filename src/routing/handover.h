/* handover.h -- what an ended session left in its outbox: to the account's others, to the store, or back to who sent it. */
#pragma once

#include <stdbool.h>

#include "shm/shm.h"

struct element;
struct server;
struct session;

/*
 * XEP-0198 4: a stanza that was not acknowledged is handled as one for a client that is not there (RFC 6121 8.5). The
 * session is not found any more, and its slot is still there. A death in between may hand on one of them twice. False: the
 * rest has to wait until the stores have room, or some wait for a store's answer.
 */
bool	handover(struct session *session);

/* From the router: one of them has its place. */
void	handover_settled(struct server *server, struct slot_ref left_by);

/* Sends what came of one of them back to its sender, behind what is under way. */
void	handover_bounce(struct server *server, struct element *error);
