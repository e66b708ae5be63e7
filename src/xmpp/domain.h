/* domain.h -- domain names and address literals: what RFC 7622 3.2 lets a JID be at. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"

/*
 * Maps the name (RFC 5895) and turns A-labels into U-labels; false unless every label is
 * then an NR-LDH label or a U-label of IDNA 2008. An IPv6 literal comes out in its
 * shortest form (RFC 5952). out lives in the arena.
 */
bool	domain_prepare(struct arena *arena, struct slice text, struct slice *out);

/* Whether domain_prepare() would return text as it is: for ASCII without A-labels. */
bool	domain_is_plain(struct slice text);
