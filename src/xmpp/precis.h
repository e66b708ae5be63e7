/* precis.h -- the profiles of PRECIS (RFC 8264) that XMPP uses, enforced on UTF-8. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"

struct precis_profile;

extern const struct precis_profile precis_username; /* UsernameCaseMapped, RFC 8265 3.3 */
extern const struct precis_profile precis_opaque;   /* OpaqueString, RFC 8265 4.2 */

/*
 * False if the text is empty, not UTF-8 or against the profile. What comes out lives in
 * the arena, is never empty, and comes out of another call as it is.
 */
bool	precis_enforce(struct arena *arena, const struct precis_profile *profile,
	    struct slice text, struct slice *out);
