/* archive_stanza_id.c -- XEP-0359: the ids an account's archive gives, and none that only pretend to be. */
#include "features/archive.h"

/* What only prepares to the address is it as well, to a client. */
static bool
is_by(struct arena *arena, struct slice text, struct slice by)
{
	struct jid jid;

	return slice_equal(text, by) ||
	    (jid_parse(arena, text, &jid) && slice_equal(jid.full, by));
}

void
archive_strip_ids(struct arena *arena, struct element *element, struct slice by)
{
	struct element *child = element_first(element);

	while (child != NULL) {
		struct element *next = element_next(element, child);

		if (element_is(child, NS_STANZA_ID, "stanza-id") &&
		    is_by(arena, element_attribute(child, "by"), by))
			element_remove(element, child);
		else
			archive_strip_ids(arena, child, by);
		child = next;
	}
}

/* Of what has come in: false ones went when it came. */
bool
archive_has_id(const struct element *stanza, struct slice by)
{
	for (struct element *child = element_first(stanza); child != NULL;
	     child = element_next(stanza, child))
		if (element_is(child, NS_STANZA_ID, "stanza-id") &&
		    slice_equal(element_attribute(child, "by"), by))
			return true;
	return false;
}

void
archive_add_id(struct arena *arena, struct element *stanza, struct slice by, struct slice id)
{
	struct element *child = element_add(arena, stanza, NS_STANZA_ID, "stanza-id");

	element_set(arena, child, "by", by);
	element_set(arena, child, "id", id);
}
