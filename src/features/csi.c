/* csi.c -- XEP-0352: what may wait while a client is inactive; session/hold.c lets it wait. */
#include "features/feature.h"

#include "config/config.h"
#include "features/content.h"
#include "shm/layout.h"

/* What somebody wants to see at once (R59). */
#define IMPORTANT                                                                                 \
	(CONTENT_BODY | CONTENT_SUBJECT | CONTENT_INVITE | CONTENT_CALL | CONTENT_ENCRYPTED |     \
	    CONTENT_ERROR | CONTENT_SENT)

/* "{namespace}name", or "{namespace}" for all of it. */
static bool
is_named(const struct element *element, struct slice item)
{
	size_t end = slice_find(item, '}');
	struct slice name = slice_after(item, end + 1);

	return slice_equal(element->ns_uri, slice_of(item.data + 1, end - 1)) &&
	    (name.length == 0 || slice_equal(element->name, name));
}

static bool
has_named(const struct element *message, const struct option_list *items)
{
	if (items->count == 0)
		return false;
	for (const struct element *child = element_first(message); child != NULL;
	     child = element_next(message, child))
		for (size_t i = 0; i < items->count; i++)
			if (is_named(child, slice_from_text(items->item[i])))
				return true;
	return false;
}

/* Of a copy it is what was copied that counts. */
static const struct element *
copied(const struct element *message)
{
	struct element *carbon = element_child(message, NS_CARBONS, "received");
	struct element *forwarded = carbon == NULL
	    ? NULL
	    : element_child(carbon, NS_FORWARD, "forwarded");
	struct element *inner = forwarded == NULL
	    ? NULL
	    : element_child(forwarded, NS_CLIENT, "message");

	return inner == NULL ? message : inner;
}

static uint8_t
flags_of_message(const struct config *config, const struct element *element)
{
	const struct element *message = copied(element);
	struct slice type = element_attribute(message, "type");

	if (slice_is(type, "error"))
		return 0;
	if (slice_is(type, "headline"))
		return ENTRY_CAN_WAIT;
	return (content_of(message) & IMPORTANT) != 0 ||
		has_named(message, &config->csi_important_payloads)
	    ? 0
	    : ENTRY_CAN_WAIT;
}

/* Subscriptions and errors are told at once. */
static uint8_t
flags_of_presence(const struct element *presence)
{
	struct slice type = element_attribute(presence, "type");

	return type.data == NULL || slice_is(type, "unavailable")
	    ? ENTRY_CAN_WAIT | ENTRY_REPLACES
	    : 0;
}

static uint8_t
csi_flags_of(const struct config *config, enum stanza_kind kind, const struct element *element)
{
	switch (kind) {
	case KIND_MESSAGE:
		return flags_of_message(config, element);
	case KIND_PRESENCE:
		return flags_of_presence(element);
	default:
		return 0;
	}
}

const struct feature csi_feature = {
	.name = "csi",
	.spec = "XEP-0352 1.0.0",
	.about = "Lets what is not urgent wait while a client is inactive, and sends only the last presence of each contact.",
	.flags_of = csi_flags_of,
};
