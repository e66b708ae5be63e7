/* stanza.h -- one stanza on its way: who, to whom, what kind, and what became of it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "shm/shm.h"
#include "xml/element.h"
#include "xmpp/jid.h"
#include "xmpp/stanza_error.h"

struct config_host;
struct recipients;
struct router;
struct session;

enum stanza_kind { KIND_MESSAGE, KIND_PRESENCE, KIND_IQ };

/* RFC 6121 5.2.2 and 4.7.1, RFC 6120 8.2.3. */
enum stanza_type {
	TYPE_NORMAL, TYPE_CHAT, TYPE_GROUPCHAT, TYPE_HEADLINE,		/* messages */
	TYPE_AVAILABLE, TYPE_UNAVAILABLE, TYPE_SUBSCRIBE, TYPE_SUBSCRIBED,
	TYPE_UNSUBSCRIBE, TYPE_UNSUBSCRIBED, TYPE_PROBE,		/* presence */
	TYPE_GET, TYPE_SET, TYPE_RESULT,				/* iq */
	TYPE_ERROR							/* all */
};

/* Lives while it is routed; everything in it is in the arena. */
struct stanza {
	struct router	*router;
	struct arena	*arena;
	struct element	*element;
	enum stanza_kind kind;
	enum stanza_type type;
	struct slice	 id;		/* .data NULL: none */
	struct jid	 from;		/* full, where a client sent it */
	struct jid	 to;		/* domain empty: no "to" */
	struct element	*payload;	/* the only child of an iq get or set */
	struct session	*session;	/* the sender, when it is a client of this worker */
	struct slot_ref	 origin;	/* slot UINT32_MAX: the server */
	uint64_t	 number;	/* in the sender's session */
	const struct config_host *host;	/* that serves "to"; NULL: not ours */
	uint64_t	 account;	/* of "to" when it is a local account; 0: none */
	const struct recipients *recipients;	/* from STAGE_DELIVERED on: see stage.h */
	bool		 is_traced;	/* somebody watches its sender or recipient */
	bool		 is_later;	/* a callback will answer: the sender's next stanza waits */
	bool		 is_handed_on;	/* from a session that ended before its client had got it: */
	struct slot_ref	 left_by;	/* that one */
	uint64_t	 stamp_us;	/* wall clock of when it was, 0: not said */
	bool		 is_aside;	/* but not for this: its place in the order is settled, or it has none */
};

/* Kind and type from the element's name and type attribute; false where RFC 6120 or 6121 knows no such type. */
bool	stanza_classify(struct stanza *stanza);

/* "message", "get"...: for the log and the trace. */
const char *stanza_kind_name(enum stanza_kind kind);
const char *stanza_type_name(enum stanza_type type);

static inline bool
stanza_is_request(const struct stanza *stanza)
{
	return stanza->kind == KIND_IQ && (stanza->type == TYPE_GET || stanza->type == TYPE_SET);
}
