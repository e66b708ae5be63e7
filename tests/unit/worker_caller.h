/* worker_caller.h -- for tests: a client at the other end of a socket pair, before and after its login. */
#pragma once

#include "base/buffer.h"
#include "tests/unit/worker_kit.h"

#define CALLER_HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' " \
	"xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"

struct caller {
	struct worker  *worker;
	int		fd;
	struct slot_ref ref;	/* of its session; slot UINT32_MAX: was refused */
	struct buffer	in;
	const char     *name;	/* who is logging in */
	bool		lies;	/* proves a wrong password */
};

/* send_buffer: bytes on their way to the client, where not 0. */
void	caller_open(struct caller *caller, struct worker *worker, int send_buffer, bool direct_tls);
void	caller_close(struct caller *caller);

/* NULL once it has ended. */
struct session *caller_session(struct caller *caller);

/* One packet; say: and what follows from it. */
void	caller_send(struct caller *caller, const char *text);
void	caller_say(struct caller *caller, const char *text);
void	caller_say_bytes(struct caller *caller, struct slice bytes);

/* All that came since the last call; borrowed until then. hear_once: what the socket has now, no turn. */
const char *caller_hear(struct caller *caller);
const char *caller_hear_once(struct caller *caller);
bool	caller_is_closed(struct caller *caller);	/* nothing more will come */

/* SCRAM-SHA-1: <auth/>, and the <response/> to what came for it. */
const char *caller_first(struct caller *caller, const char *name);
const char *caller_final(struct caller *caller);

/* Steps of a client's way; what came is forgotten. */
void	caller_greet(struct caller *caller);
void	caller_login(struct caller *caller, const char *name);
void	caller_bind(struct caller *caller, const char *resource);

/* Open, logged in and bound; and with presence of that priority. */
void	caller_enter(struct caller *caller, struct worker *worker, const char *name,
	    const char *resource);
void	caller_appear(struct caller *caller, int priority);
