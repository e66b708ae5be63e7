/* jid.h -- addresses of RFC 7622, prepared once; afterwards every compare is of bytes. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"

/* Parts that are absent have length 0. full and bare are runs of one text; bare ends where the resource begins. */
struct jid {
	struct slice local;
	struct slice domain;
	struct slice resource;
	struct slice bare;
	struct slice full;
};

#define JID_PART_MAX 1023		/* bytes of one part, RFC 7622 3 */
#define JID_MAX	     3071

/*
 * Splits (RFC 7622 3.1) and prepares text; false if any part is empty, too long or forbidden. The
 * result lives in the arena. Text that is plain lower-case ASCII costs one copy.
 */
bool	jid_parse(struct arena *arena, struct slice text, struct jid *jid);

/* Parts are prepared already; an empty resource makes a bare one. */
void	jid_make(struct arena *arena, struct slice local, struct slice domain,
	    struct slice resource, struct jid *jid);
void	jid_copy(struct arena *arena, const struct jid *from, struct jid *to);

/* The parts of a text that is prepared already (our own memory): no checks, no copy. */
void	jid_split(struct slice prepared, struct jid *jid);

static inline bool
jid_is_bare(const struct jid *jid)
{
	return jid->resource.length == 0;
}

static inline bool
jid_is_domain(const struct jid *jid)
{
	return jid->local.length == 0 && jid->resource.length == 0;
}
