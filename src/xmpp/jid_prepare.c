/* jid_prepare.c -- parts of JIDs: plain ASCII by a table, the rest by PRECIS and IDNA. */
#include "xmpp/jid_prepare.h"

#include "xmpp/domain.h"
#include "xmpp/jid.h"
#include "xmpp/precis.h"

/* What comes out of its profile as it went in. */
enum plain {
	IN_LOCAL = 1,  /* printable, no upper case, not excluded */
	IN_OPAQUE = 2, /* printable, and the space */
};

#define LOCAL  (IN_LOCAL | IN_OPAQUE)
#define OPAQUE IN_OPAQUE

/* OPAQUE alone: capitals and the characters that RFC 7622 3.3.1 excludes: "&'/:<>@. */
static const unsigned char plain[256] = {
	[' '] = OPAQUE,        ['!'] = LOCAL,           ['"'] = OPAQUE,
	['#' ... '%'] = LOCAL, ['&' ... '\''] = OPAQUE, ['(' ... '.'] = LOCAL,
	['/'] = OPAQUE,        ['0' ... '9'] = LOCAL,   [':'] = OPAQUE,
	[';'] = LOCAL,         ['<'] = OPAQUE,          ['='] = LOCAL,
	['>'] = OPAQUE,        ['?'] = LOCAL,           ['@' ... 'Z'] = OPAQUE,
	['[' ... '~'] = LOCAL,
};

/*
 * No mapping makes a text shorter than a third, no A-label than two sevenths; what is
 * longer would be refused at the end, after more work than it is worth.
 */
#define TEXT_MAX (4 * JID_PART_MAX)

static bool
is_plain(struct slice text, enum plain where)
{
	unsigned char all = 0xff;

	for (size_t i = 0; i < text.length; i++)
		all &= plain[(unsigned char)text.data[i]];
	return all & where;
}

static bool
has_part_length(struct slice part)
{
	return part.length > 0 && part.length <= JID_PART_MAX;
}

/* RFC 7622 3.3.1: characters that the profile lets through and a localpart does not. */
static bool
has_excluded(struct slice local)
{
	for (size_t i = 0; i < local.length; i++) {
		unsigned char c = (unsigned char)local.data[i];

		if (c < 0x80 && !(plain[c] & IN_LOCAL))
			return true;
	}
	return false;
}

bool
jid_prepare_local(struct arena *arena, struct slice text, struct slice *out)
{
	*out = text;
	if (is_plain(text, IN_LOCAL))
		return has_part_length(text);
	return text.length <= TEXT_MAX &&
	       precis_enforce(arena, &precis_username, text, out) &&
	       has_part_length(*out) && !has_excluded(*out);
}

bool
jid_prepare_domain(struct arena *arena, struct slice text, struct slice *out)
{
	*out = text;
	if (domain_is_plain(text))
		return true;
	return text.length <= TEXT_MAX && domain_prepare(arena, text, out);
}

/* A space may come first: the RFC's example of the contrary is its erratum 4560. */
bool
jid_prepare_resource(struct arena *arena, struct slice text, struct slice *out)
{
	*out = text;
	if (is_plain(text, IN_OPAQUE))
		return has_part_length(text);
	return text.length <= TEXT_MAX &&
	       precis_enforce(arena, &precis_opaque, text, out) && has_part_length(*out);
}

bool
jid_prepare_password(struct arena *arena, struct slice text, struct slice *out)
{
	*out = text;
	if (is_plain(text, IN_OPAQUE))
		return text.length > 0;
	return precis_enforce(arena, &precis_opaque, text, out);
}
