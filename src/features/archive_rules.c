/* archive_rules.c -- which messages an archive keeps: XEP-0313 5.1.1, and the hints of XEP-0334. */
#include "features/archive.h"

static bool
has_hint(const struct stanza *stanza, const char *hint)
{
	return element_child(stanza->element, NS_HINTS, hint) != NULL;
}

/* Hints in an error are those of the message it answers (XEP-0334 5), and errors are never kept. */
bool
archive_is_worthy(const struct stanza *stanza)
{
	if (stanza->kind != KIND_MESSAGE ||
	    (stanza->type != TYPE_NORMAL && stanza->type != TYPE_CHAT))
		return false;
	if (has_hint(stanza, "no-store") || has_hint(stanza, "no-permanent-store"))
		return false;
	return has_hint(stanza, "store") ||
	    element_child(stanza->element, NS_CLIENT, "body") != NULL;
}
