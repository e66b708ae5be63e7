/* guard.h -- who may connect, try passwords and begin sessions now, counted for all workers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/slice.h"
#include "shm/limits.h"
#include "xmpp/stanza_error.h"

struct server;

/* A connection's; the keys of its address, its place among those without a login, and among all. */
struct guard {
	uint64_t	   address;	/* IPv6: of its network of 64 bits */
	uint64_t	   connected;	/* the same */
	uint64_t	   network;
	bool		   is_trusted;
	bool		   is_counted;
	struct limits_seat seat;
	struct limits_seat connected_seat;
};

/* Why not, in words that say when to try again. */
struct refusal {
	enum stream_condition condition;	/* 0: there is nothing against it */
	char		      text[120];
};

/*
 * A new connection. False: refusal says why. Once it has logged in guard_login() is due, and guard_leave() once it is
 * gone; twice is once.
 */
bool	guard_admit(struct server *server, const struct sockaddr_storage *address,
	    struct guard *guard, struct refusal *refusal);
void	guard_login(struct server *server, struct guard *guard);
void	guard_leave(struct server *server, struct guard *guard);

/* Says it and closes; under direct TLS nothing can be said. The log gets a line a second at most. */
void	guard_refuse(struct server *server, int fd, bool direct_tls,
	    const struct refusal *refusal);

/* --- passwords --- */

/* Seconds until passwords from there are looked at again; 0: now. */
uint64_t guard_login_wait(struct server *server, const struct guard *guard);

/* A wrong one. name: the bare JID that was claimed. */
void	guard_login_failed(struct server *server, const struct guard *guard, struct slice name);

/* How many milliseconds the next answer about that name is to wait: more with each failure. */
uint64_t guard_login_delay(struct server *server, struct slice name);

/* --- sessions --- */

enum governor_kind { GOVERNOR_LOGIN, GOVERNOR_RESUME };

#define GOVERNOR_LONGEST_MS 15000

/*
 * In a storm those who resume come first: they are counted and never wait. The others get milliseconds to wait until
 * their turn, which they have taken with this; more than GOVERNOR_LONGEST_MS: they have not, and are to come again then.
 */
uint64_t governor_admit(struct server *server, enum governor_kind kind);

/* Seconds until the account may begin another session; 0: now, and it is counted. */
uint64_t guard_bind_wait(struct server *server, uint64_t account);
