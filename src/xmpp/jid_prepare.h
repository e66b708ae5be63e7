/* jid_prepare.h -- PRECIS (RFC 8264, 8265) and IDNA for the parts of a JID, and for passwords. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"

/* Each returns false where the profile forbids the text; *out lives in the arena or is text itself. */
bool	jid_prepare_local(struct arena *arena, struct slice text, struct slice *out);
bool	jid_prepare_domain(struct arena *arena, struct slice text, struct slice *out);
bool	jid_prepare_resource(struct arena *arena, struct slice text, struct slice *out);

/* OpaqueString for passwords (RFC 8265 4.2), as SCRAM asks (RFC 5802 2.2 with RFC 8265's update). */
bool	jid_prepare_password(struct arena *arena, struct slice text, struct slice *out);
