/* csi.c -- XEP-0352: what may wait while a client is inactive; session/hold.c lets it wait. */
#include "features/feature.h"

#include "features/content.h"
#include "shm/layout.h"

/* What somebody wants to see at once (R59). */
#define IMPORTANT                                                                                 \
	(CONTENT_BODY | CONTENT_SUBJECT | CONTENT_INVITE | CONTENT_CALL | CONTENT_ENCRYPTED |     \
	    CONTENT_ERROR | CONTENT_SENT)

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
flags_of_message(const struct element *element)
{
	const struct element *message = copied(element);
	struct slice type = element_attribute(message, "type");

	if (slice_is(type, "error"))
		return 0;
	if (slice_is(type, "headline"))
		return ENTRY_CAN_WAIT;
	return (content_of(message) & IMPORTANT) != 0 ? 0 : ENTRY_CAN_WAIT;
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
csi_flags_of(enum stanza_kind kind, const struct element *element)
{
	switch (kind) {
	case KIND_MESSAGE:
		return flags_of_message(element);
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
