/* stanza_error.c -- the conditions of RFC 6120 8.3.3 and 4.9.3 with their types. */
#include "xmpp/stanza_error.h"

#include "base/ensure.h"

/* Where the RFC leaves a choice, the type that says "do not simply try again". */
static const struct {
	const char *name;
	const char *type;
} stanza_conditions[STANZA_CONDITION_COUNT] = {
	[STANZA_BAD_REQUEST] = { "bad-request", "modify" },
	[STANZA_CONFLICT] = { "conflict", "cancel" },
	[STANZA_FEATURE_NOT_IMPLEMENTED] = { "feature-not-implemented", "cancel" },
	[STANZA_FORBIDDEN] = { "forbidden", "auth" },
	[STANZA_GONE] = { "gone", "cancel" },
	[STANZA_INTERNAL_SERVER_ERROR] = { "internal-server-error", "cancel" },
	[STANZA_ITEM_NOT_FOUND] = { "item-not-found", "cancel" },
	[STANZA_JID_MALFORMED] = { "jid-malformed", "modify" },
	[STANZA_NOT_ACCEPTABLE] = { "not-acceptable", "modify" },
	[STANZA_NOT_ALLOWED] = { "not-allowed", "cancel" },
	[STANZA_NOT_AUTHORIZED] = { "not-authorized", "auth" },
	[STANZA_POLICY_VIOLATION] = { "policy-violation", "modify" },
	[STANZA_RECIPIENT_UNAVAILABLE] = { "recipient-unavailable", "wait" },
	[STANZA_REDIRECT] = { "redirect", "modify" },
	[STANZA_REGISTRATION_REQUIRED] = { "registration-required", "auth" },
	[STANZA_REMOTE_SERVER_NOT_FOUND] = { "remote-server-not-found", "cancel" },
	[STANZA_REMOTE_SERVER_TIMEOUT] = { "remote-server-timeout", "wait" },
	[STANZA_RESOURCE_CONSTRAINT] = { "resource-constraint", "wait" },
	[STANZA_SERVICE_UNAVAILABLE] = { "service-unavailable", "cancel" },
	[STANZA_SUBSCRIPTION_REQUIRED] = { "subscription-required", "auth" },
	[STANZA_UNDEFINED_CONDITION] = { "undefined-condition", "cancel" },
	[STANZA_UNEXPECTED_REQUEST] = { "unexpected-request", "modify" },
};

static const char *const stream_conditions[STREAM_CONDITION_COUNT] = {
	[STREAM_BAD_FORMAT] = "bad-format",
	[STREAM_BAD_NAMESPACE_PREFIX] = "bad-namespace-prefix",
	[STREAM_CONFLICT] = "conflict",
	[STREAM_CONNECTION_TIMEOUT] = "connection-timeout",
	[STREAM_HOST_GONE] = "host-gone",
	[STREAM_HOST_UNKNOWN] = "host-unknown",
	[STREAM_IMPROPER_ADDRESSING] = "improper-addressing",
	[STREAM_INTERNAL_SERVER_ERROR] = "internal-server-error",
	[STREAM_INVALID_FROM] = "invalid-from",
	[STREAM_INVALID_NAMESPACE] = "invalid-namespace",
	[STREAM_INVALID_XML] = "invalid-xml",
	[STREAM_NOT_AUTHORIZED] = "not-authorized",
	[STREAM_NOT_WELL_FORMED] = "not-well-formed",
	[STREAM_POLICY_VIOLATION] = "policy-violation",
	[STREAM_REMOTE_CONNECTION_FAILED] = "remote-connection-failed",
	[STREAM_RESET] = "reset",
	[STREAM_RESOURCE_CONSTRAINT] = "resource-constraint",
	[STREAM_RESTRICTED_XML] = "restricted-xml",
	[STREAM_SEE_OTHER_HOST] = "see-other-host",
	[STREAM_SYSTEM_SHUTDOWN] = "system-shutdown",
	[STREAM_UNDEFINED_CONDITION] = "undefined-condition",
	[STREAM_UNSUPPORTED_ENCODING] = "unsupported-encoding",
	[STREAM_UNSUPPORTED_FEATURE] = "unsupported-feature",
	[STREAM_UNSUPPORTED_STANZA_TYPE] = "unsupported-stanza-type",
	[STREAM_UNSUPPORTED_VERSION] = "unsupported-version",
};

/* Answers to answers would go round for ever (RFC 6120 8.3.1). */
static bool
may_be_answered(const struct element *stanza)
{
	struct slice type = element_attribute(stanza, "type");

	if (slice_is(type, "error"))
		return false;
	return !slice_is(stanza->name, "iq") || !slice_is(type, "result");
}

/* The value of an attribute under another name; absent stays absent. */
static void
carry(struct arena *arena, const struct element *from, const char *name,
      struct element *to, const char *as)
{
	struct slice value = element_attribute(from, name);

	if (value.data != NULL)
		element_set(arena, to, as, arena_copy(arena, value));
}

static struct element *
swap_addresses(struct arena *arena, const struct element *stanza)
{
	struct slice name = arena_copy(arena, stanza->name);
	struct element *reply = element_new(arena, stanza->ns, name.data);

	if (stanza->ns == NS_OTHER)
		reply->ns_uri = arena_copy(arena, stanza->ns_uri);
	carry(arena, stanza, "to", reply, "from");
	carry(arena, stanza, "from", reply, "to");
	carry(arena, stanza, "id", reply, "id");
	element_set(arena, reply, "type", SLICE("error"));
	return reply;
}

static void
add_text(struct arena *arena, struct element *error, const char *text)
{
	struct element *element = element_add(arena, error, NS_STANZA_ERRORS, "text");
	struct attribute *language = ARENA_NEW(arena, struct attribute);

	language->name = SLICE("lang");
	language->value = SLICE("en");
	language->ns = NS_XML;
	language->ns_uri = names_uri(NS_XML);
	element->attributes = language;
	element_add_text(arena, element, arena_copy(arena, slice_from_text(text)));
}

const char *
stanza_condition_name(enum stanza_condition condition)
{
	ensure(condition > 0 && condition < STANZA_CONDITION_COUNT);
	return stanza_conditions[condition].name;
}

const char *
stanza_condition_type(enum stanza_condition condition)
{
	ensure(condition > 0 && condition < STANZA_CONDITION_COUNT);
	return stanza_conditions[condition].type;
}

struct element *
stanza_error_reply(struct arena *arena, const struct element *stanza,
		   enum stanza_condition condition, const char *text)
{
	struct element *reply, *error;

	if (!may_be_answered(stanza))
		return NULL;
	reply = swap_addresses(arena, stanza);
	error = element_add(arena, reply, stanza->ns, "error");
	error->ns_uri = reply->ns_uri;
	element_set(arena, error, "type",
		    slice_from_text(stanza_condition_type(condition)));
	element_add(arena, error, NS_STANZA_ERRORS, stanza_condition_name(condition));
	if (text != NULL)
		add_text(arena, error, text);
	return reply;
}

const char *
stream_condition_name(enum stream_condition condition)
{
	ensure(condition > 0 && condition < STREAM_CONDITION_COUNT);
	return stream_conditions[condition];
}
