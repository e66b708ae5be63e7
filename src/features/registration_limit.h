/* registration_limit.h -- how many accounts an address may make in an hour, whichever workers it comes to. */
#pragma once

#include "routing/stanza.h"
#include "shm/store.h"

struct server;

/* What counts as one address: 4 bytes of IPv4, or 8 of an IPv6 network; 16 with zeros behind. */
struct registration_address {
	uint8_t bytes[16];
};

struct registration_address registration_address_of(const uint8_t address[16], bool is_ipv6);

/* 0: it may have another account; else in so many seconds. */
uint64_t registration_limit_wait(struct server *server, struct arena *arena,
	    const struct registration_address *address);

/*
 * The changes that note one more account, for the request that makes it: returns how many, at most
 * REGISTRATION_CHANGES_MAX, or RESULT_FULL at the limit. Those of other addresses that have become old go on the way.
 */
#define REGISTRATION_CHANGES_MAX 9
int	registration_limit_note(struct server *server, struct arena *arena,
	    const struct registration_address *address, struct store_change *changes);
