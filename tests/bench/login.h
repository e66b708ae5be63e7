/* login.h -- from a connection to an available resource: TLS, SCRAM-SHA-1, bind. */
#pragma once

#include <stdbool.h>

#include "tests/bench/peer.h"

struct login_options {
	const char   *host;
	const char   *user;		/* account n is USERn@HOST */
	const char   *password;
	const char   *resource;
	enum peer_tls tls;
	uint16_t      port;
	unsigned      parallel;		/* logins under way at once */
	const char   *greeting;		/* sent at the end; NULL: presence alone */
	bool	      is_managed;	/* with stream management (managed.h); who has a session that waits resumes it */
	/* NULL, or what comes after the login; false: it has no place there */
	bool	    (*on_element)(struct peer *peer, struct slice element);
};

/* state of a peer */
enum login_state {
	LOGIN_NONE, LOGIN_FEATURES, LOGIN_PROCEED, LOGIN_CHALLENGE, LOGIN_SUCCESS, LOGIN_BIND,
	LOGIN_ENABLE, LOGIN_RESUME, LOGIN_DONE
};

/*
 * Logs all of them in and returns when the last one has sent its presence, or false with a message
 * on standard error at the first that fails. Salted passwords are computed once for each salt, so
 * accounts that share one cost the client little.
 */
bool	login_all(const struct login_options *options, struct peer *peers, unsigned count);

/* The same one by one, within peer_turn(), for those that come when they like. */
void	login_begin(const struct login_options *options);
bool	login_start(struct peer *peer);
unsigned login_count(void);
bool	login_has_failed(void);
