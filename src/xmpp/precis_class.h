/* precis_class.h -- what PRECIS derives for a code point from its Unicode properties. */
#pragma once

#include <stdint.h>

/* RFC 8264 8. */
enum precis_class {
	PRECIS_VALID,		/* in the IdentifierClass and in the FreeformClass */
	PRECIS_FREEFORM,	/* in the FreeformClass alone: ID_DIS or FREE_PVAL */
	PRECIS_CONTEXT_J,	/* where its rule is met: joiners */
	PRECIS_CONTEXT_O,	/* where its rule is met: others */
	PRECIS_DISALLOWED,
	PRECIS_UNASSIGNED,
};

enum precis_class precis_class_of(uint32_t c);
