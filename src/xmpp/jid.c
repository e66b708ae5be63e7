/* jid.c -- splitting, putting together and copying addresses. */
#include "xmpp/jid.h"

#include "xmpp/jid_prepare.h"

/*
 * RFC 7622 3.1: the first '/' ends the bare JID, then the first '@' in that ends the
 * localpart. Tells which separators there were, for an absent part is no empty part.
 */
static void
split(struct slice text, struct jid *jid, bool *has_local, bool *has_resource)
{
	size_t slash = slice_find(text, '/'), at;

	*has_resource = slash < text.length;
	jid->full = text;
	jid->bare = slice_of(text.data, slash);
	jid->resource = *has_resource ? slice_after(text, slash + 1) : SLICE_EMPTY;
	at = slice_find(jid->bare, '@');
	*has_local = at < jid->bare.length;
	jid->local = *has_local ? slice_of(text.data, at) : SLICE_EMPTY;
	jid->domain = *has_local ? slice_after(jid->bare, at + 1) : jid->bare;
}

/* Writes the part at *end, which moves on. */
static struct slice
put(char **end, struct slice part)
{
	struct slice copy = slice_of(*end, part.length);

	if (part.length > 0)
		memcpy(*end, part.data, part.length);
	*end += part.length;
	return copy;
}

bool
jid_parse(struct arena *arena, struct slice text, struct jid *jid)
{
	bool has_local, has_resource;
	struct jid raw;
	struct slice local = SLICE_EMPTY, domain, resource = SLICE_EMPTY;

	split(text, &raw, &has_local, &has_resource);
	if (!jid_prepare_domain(arena, raw.domain, &domain))
		return false;
	if (has_local && !jid_prepare_local(arena, raw.local, &local))
		return false;
	if (has_resource && !jid_prepare_resource(arena, raw.resource, &resource))
		return false;
	jid_make(arena, local, domain, resource, jid);
	return true;
}

void
jid_make(struct arena *arena, struct slice local, struct slice domain,
	 struct slice resource, struct jid *jid)
{
	char *start, *end;

	start =
	    arena_alloc(arena, local.length + 1 + domain.length + 1 + resource.length);
	end = start;
	jid->local = put(&end, local);
	if (local.length > 0)
		*end++ = '@';
	jid->domain = put(&end, domain);
	jid->bare = slice_of(start, (size_t)(end - start));
	if (resource.length > 0)
		*end++ = '/';
	jid->resource = put(&end, resource);
	jid->full = slice_of(start, (size_t)(end - start));
}

void
jid_copy(struct arena *arena, const struct jid *from, struct jid *to)
{
	jid_make(arena, from->local, from->domain, from->resource, to);
}

void
jid_split(struct slice prepared, struct jid *jid)
{
	bool has_local, has_resource;

	split(prepared, jid, &has_local, &has_resource);
}
