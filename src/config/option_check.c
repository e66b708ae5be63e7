/* option_check.c -- the shape of texts: paths, names, addresses, JIDs. */
#include "config/option_check.h"

#include "base/text.h"
#include "config/address.h"
#include "config/network.h"

#define PATH_LONGEST 4095 /* PATH_MAX without its NUL */
#define NAME_LONGEST 32	  /* useradd(8) */
#define SOCKET_LONGEST (107 - 8) /* unix(7) without "/control" */

const char *
check_text(struct slice text)
{
	if (text.length > PATH_LONGEST)
		return "is longer than 4095 bytes";
	while (text.length > 0) {
		int32_t c = text_utf8_next(&text);

		if (c < 0)
			return "is not valid UTF-8";
		if (c < 0x20 || (c >= 0x7f && c < 0xa0))
			return "holds a control character";
	}
	return NULL;
}

const char *
check_path(struct slice text)
{
	if (!slice_starts_with(text, SLICE("/")))
		return "must be an absolute path, one that starts with \"/\"";
	return NULL;
}

const char *
check_socket_dir(struct slice text)
{
	return text.length > SOCKET_LONGEST
	    ? "is longer than 99 bytes, so that no socket in it can have an address"
	    : NULL;
}

static bool
is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '_' || c == '-' || c == '.';
}

const char *
check_name(struct slice text)
{
	if (text.length == 0 || text.length > NAME_LONGEST)
		return "must have 1 to 32 characters";
	for (size_t i = 0; i < text.length; i++)
		if (!is_name_byte(text.data[i]) || (i == 0 && text.data[i] == '-'))
			return "is no name: letters, digits, \"_\", \".\" and \"-\" make one";
	return NULL;
}

const char *
check_log(struct slice text)
{
	if (slice_is(text, "stderr") || slice_is(text, "syslog") ||
	    slice_starts_with(text, SLICE("/")))
		return NULL;
	return "must be \"stderr\", \"syslog\" or an absolute path";
}

const char *
check_address(struct slice text)
{
	struct sockaddr_storage found[ADDRESS_MAX];
	const char *why;

	return address_read(text, found, &why) == 0 ? why : NULL;
}

const char *
check_network(struct slice text)
{
	struct network network;

	return network_read(text, &network)
	    ? NULL
	    : "is no network, such as \"192.0.2.0/24\", \"2001:db8::/32\" or \"192.0.2.7\"";
}

/* The layers above prepare it; here it only has to look like one. */
const char *
check_bare_jid(struct slice text)
{
	size_t at = slice_find(text, '@');

	if (at == 0 || at + 1 >= text.length || slice_find(text, '/') < text.length ||
	    slice_find(text, ' ') < text.length ||
	    slice_find(slice_after(text, at + 1), '@') < text.length - at - 1)
		return "is no bare JID, such as \"alice@example.org\"";
	return NULL;
}

static bool
is_contact_kind(struct slice word)
{
	static const char *const kinds[] = { "abuse", "admin", "feedback", "sales", "security",
		"status", "support" };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (slice_is(word, kinds[i]))
			return true;
	return false;
}

/* XEP-0157 3: a URI; what stands behind its scheme is not looked at. */
const char *
check_contact(struct slice text)
{
	size_t space = slice_find(text, ' ');
	struct slice address;

	if (!is_contact_kind(slice_of(text.data, space)))
		return "must begin with abuse, admin, feedback, sales, security, status or support";
	address = slice_trim(slice_after(text, space));
	if (slice_find(address, ':') == 0 || slice_find(address, ':') + 1 >= address.length ||
	    slice_find(address, ' ') < address.length)
		return "must end with a URI, such as \"mailto:abuse@example.org\"";
	return check_text(text);
}

const char *
check_payload(struct slice text)
{
	size_t end = slice_find(text, '}');
	struct slice name;

	if (text.length < 3 || text.data[0] != '{' || end < 2 || end == text.length)
		return "is no element, such as \"{urn:xmpp:attention:0}attention\"";
	name = slice_after(text, end + 1);
	return slice_find(text, ' ') < text.length || slice_find(name, '}') < name.length ||
		slice_find(name, '{') < name.length
	    ? "must have a namespace in braces, and at most a name behind it"
	    : check_text(text);
}

const char *
check_host(struct slice text)
{
	for (size_t i = 0; i < text.length; i++)
		if (!is_name_byte(text.data[i]) && text.data[i] != ':')
			return "is no domain and no address";
	return text.length > 253 ? "is longer than a domain may be" : NULL;
}
