/* push_store.h -- an account's push services in the durable store: one record, read by every worker. */
#pragma once

#include "base/arena.h"
#include "shm/store.h"

struct server;

#define PUSH_NODE_MAX	 1023	/* bytes of a node's name */
#define PUSH_OPTIONS_MAX 4096	/* of the form that is published along */
#define PUSH_MAX	 50	/* what the option may allow: so a record always fits into a request */
#define PUSH_ID_LENGTH	 37	/* of an iq's id */

/* An account made anew has another id, so it inherits nothing. */
struct push_service {
	struct slice jid;
	struct slice node;	/* empty: none */
	struct slice options;	/* as written; empty: none */
	uint16_t     errors;	/* in a row */
};

/* In the arena. */
struct push_services {
	struct server	   *server;
	struct arena	   *arena;
	uint64_t	    account;
	uint64_t	    version;	/* of the record; 0: none */
	int		    count;
	struct push_service service[PUSH_MAX];
};

struct push_services *push_read(struct server *server, struct arena *arena, uint64_t account);

/* Replaces the record, on condition that it is as it was read. */
struct store_change push_change(const struct push_services *services);

/* NULL: not enabled. */
struct push_service *push_find(struct push_services *services, struct slice jid, struct slice node);
void	push_remove(struct push_services *services, struct push_service *service);

/*
 * The id of what is published: it names account and registration, so that any worker understands the answer, and one
 * to what was enabled before with other options names nothing.
 */
struct slice push_id(const struct push_services *services, const struct push_service *service);
bool	push_id_account(struct slice id, uint64_t *account);
struct push_service *push_find_id(struct push_services *services, struct slice id);
