/* registration.h -- new accounts before the login: what a layer above does for streams, and how it answers. */
#pragma once

#include <stdbool.h>

struct arena;
struct config_host;
struct element;
struct server;
struct stream;

/* In server->registration; NULL there: nobody registers. */
struct stream_registration {
	/* Whether the stream offers it. */
	bool (*is_open)(const struct config_host *host, bool is_secure);
	/*
	 * An iq get or set whose only child is a query of jabber:iq:register. Returns the answer, made in the arena; or NULL, and
	 * stream_registered() is called later, not before this has returned. owner is the stream's owner.
	 */
	struct element *(*on_iq)(struct server *server, void *owner,
	    const struct config_host *host, bool is_secure, struct arena *arena,
	    struct element *iq);
};

/* The answer that was outstanding: the stream reads on. Nothing happens where it waits for none. */
void	stream_registered(struct stream *stream, const struct element *answer);
