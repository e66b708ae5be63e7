/* server.h -- what everything in one worker shares. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct account_change;
struct adhoc;
struct archive;
struct caps;
struct config;
struct deletion;
struct connections;
struct loop;
struct memo;
struct registry;
struct server_iqs;
struct shm;
struct store;
struct store_client;
struct stream_registration;
struct timers;
struct tls_context;
struct turns;

/*
 * Made by the worker before its first accept; every field but those of a reload stays as it is. All are
 * the worker's; what holds a pointer to the server borrows them.
 */
struct server {
	uint32_t	     number;		/* of the worker */
	struct shm	    *shm;		/* joined and recovered */
	struct registry	    *registry;
	struct store	    *core;		/* read-only */
	struct store	    *msg;
	struct store_client *core_client;
	struct store_client *msg_client;
	struct loop	    *loop;
	struct timers	    *timers;
	struct connections  *connections;
	uint8_t		     secret[32];	/* false salts: store_secret() */
	bool		     stopping;		/* no new sessions */
	/* replaced by a reload, between two turns of the loop */
	struct config	    *config;
	struct tls_context  *tls;
	/* of the layers above, reached through here so that none of them has globals */
	struct session_map  *sessions;
	struct router	    *router;
	struct archive	    *archive;
	struct memo	    *blocks_nobody;	/* accounts without a block list */
	struct memo	    *copies_nothing;	/* accounts of which no session has carbons */
	const struct stream_registration *registration;
	struct account_change *account_changes;
	struct deletion	    *deletion;
	struct adhoc	    *adhoc;
	struct server_iqs   *server_iqs;
	struct caps	    *caps;
	struct turns	    *turns;
};
