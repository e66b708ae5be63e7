/* precis_context.h -- where the code points of ContextJ and ContextO may stand. */
#pragma once

#include <stdbool.h>

#include "xmpp/code_points.h"

/* What the rules ask about a whole text: found out once, when first asked. */
struct precis_context {
	const struct code_points *text;	/* borrowed */
	unsigned		  facts;
};

void	precis_context_init(struct precis_context *context,
	    const struct code_points *text);

/* Whether the rule (RFC 5892 A) of the code point at this place is met. */
bool	precis_context_allows(struct precis_context *context, size_t place);
