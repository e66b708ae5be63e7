/* stanza.c -- one stanza on its way: who, to whom, what kind. */
#include "routing/stanza.h"

static const struct {
	const char	*kind;
	const char	*type;		/* NULL: absent */
	enum stanza_kind kind_value;
	enum stanza_type type_value;
} types[] = {
	{ "message", NULL, KIND_MESSAGE, TYPE_NORMAL },
	{ "message", "chat", KIND_MESSAGE, TYPE_CHAT },
	{ "message", "normal", KIND_MESSAGE, TYPE_NORMAL },
	{ "message", "groupchat", KIND_MESSAGE, TYPE_GROUPCHAT },
	{ "message", "headline", KIND_MESSAGE, TYPE_HEADLINE },
	{ "message", "error", KIND_MESSAGE, TYPE_ERROR },
	{ "presence", NULL, KIND_PRESENCE, TYPE_AVAILABLE },
	{ "presence", "unavailable", KIND_PRESENCE, TYPE_UNAVAILABLE },
	{ "presence", "subscribe", KIND_PRESENCE, TYPE_SUBSCRIBE },
	{ "presence", "subscribed", KIND_PRESENCE, TYPE_SUBSCRIBED },
	{ "presence", "unsubscribe", KIND_PRESENCE, TYPE_UNSUBSCRIBE },
	{ "presence", "unsubscribed", KIND_PRESENCE, TYPE_UNSUBSCRIBED },
	{ "presence", "probe", KIND_PRESENCE, TYPE_PROBE },
	{ "presence", "error", KIND_PRESENCE, TYPE_ERROR },
	{ "iq", "get", KIND_IQ, TYPE_GET },
	{ "iq", "set", KIND_IQ, TYPE_SET },
	{ "iq", "result", KIND_IQ, TYPE_RESULT },
	{ "iq", "error", KIND_IQ, TYPE_ERROR },
};

#define TYPES (sizeof(types) / sizeof(types[0]))

/* RFC 6121 5.2.2: a message of an unknown type is normal. Unknown types of others are wrong. */
bool
stanza_classify(struct stanza *stanza)
{
	struct slice type = element_attribute(stanza->element, "type");

	stanza->id = element_attribute(stanza->element, "id");
	for (size_t i = 0; i < TYPES; i++) {
		if (!slice_is(stanza->element->name, types[i].kind))
			continue;
		stanza->kind = types[i].kind_value;
		if (types[i].type == NULL ? type.data == NULL : slice_is(type, types[i].type)) {
			stanza->type = types[i].type_value;
			return true;
		}
	}
	stanza->type = TYPE_NORMAL;
	return stanza->kind == KIND_MESSAGE && slice_is(stanza->element->name, "message");
}

const char *
stanza_kind_name(enum stanza_kind kind)
{
	static const char *const names[] = { "message", "presence", "iq" };

	return names[kind];
}

const char *
stanza_type_name(enum stanza_type type)
{
	static const char *const names[] = { "normal", "chat", "groupchat", "headline",
		"available", "unavailable", "subscribe", "subscribed", "unsubscribe",
		"unsubscribed", "probe", "get", "set", "result", "error" };

	return names[type];
}
