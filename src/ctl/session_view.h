/* session_view.h -- sessions as shared memory shows them at one moment, copied. */
#pragma once

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/slots.h"
#include "xmpp/jid.h"

struct ctl;

struct session_view {
	struct slot_ref ref;
	uint32_t	type;		/* enum slot_type */
	uint32_t	flags;		/* enum slot_flag */
	uint32_t	worker;
	uint32_t	pid;
	int		priority;
	uint64_t	account;	/* 0: not authenticated */
	uint64_t	resource_hash;	/* as in a route; 0: not bound */
	struct jid	jid;		/* in the arena of ctl; empty until bound */
	char		address[INET6_ADDRSTRLEN];
	uint32_t	port;
	uint64_t	since_us;
	uint64_t	bound_us;	/* 0: not bound */
	uint64_t	stanzas_in, stanzas_out;
	uint64_t	octets_in, octets_out;
	uint64_t	queue_entries, queue_bytes;
	uint32_t	resume_ms;	/* of stream management: how long it waits for its client */
	uint64_t	deadline_ms;	/* until when, while it does (clock_ms) */
	uint32_t	h_in, h_safe;	/* stanzas of its client: handled, and such as it may be told */
	char		id[25];		/* of the stream */
	char		tls[33];	/* "": none */
	char		mechanism[25];
};

struct session_views {
	struct session_view *all;
	size_t		     count;
	size_t		     capacity;
};

/* All connections and sessions, by JID; those without one come last. */
void	session_views_read(struct ctl *ctl, struct session_views *views);
void	session_views_free(struct session_views *views);

/* Whether the address names the session: its full JID, its account, or its host. */
bool	session_view_is(const struct session_view *view, const struct jid *jid);

/* "c2s_unauthed", the words of rookery-session(7). */
const char *session_type_name(uint32_t type);

/* "secure,available": in out, which is terminated. */
void	session_flags_text(uint32_t flags, char *out, size_t size);
