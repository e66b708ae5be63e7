/* stanza_error.h -- the conditions of RFC 6120 8.3.3 and 4.9.3 with their types. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "xml/element.h"

/* What a handler returns: an outcome, or (positive) a stanza error condition. */
enum stanza_condition {
	STANZA_PASS = -3,		/* not mine */
	STANZA_LATER = -2,		/* a callback will answer */
	STANZA_DONE = -1,
	STANZA_BAD_REQUEST = 1,
	STANZA_CONFLICT,
	STANZA_FEATURE_NOT_IMPLEMENTED,
	STANZA_FORBIDDEN,
	STANZA_GONE,
	STANZA_INTERNAL_SERVER_ERROR,
	STANZA_ITEM_NOT_FOUND,
	STANZA_JID_MALFORMED,
	STANZA_NOT_ACCEPTABLE,
	STANZA_NOT_ALLOWED,
	STANZA_NOT_AUTHORIZED,
	STANZA_POLICY_VIOLATION,
	STANZA_RECIPIENT_UNAVAILABLE,
	STANZA_REDIRECT,
	STANZA_REGISTRATION_REQUIRED,
	STANZA_REMOTE_SERVER_NOT_FOUND,
	STANZA_REMOTE_SERVER_TIMEOUT,
	STANZA_RESOURCE_CONSTRAINT,
	STANZA_SERVICE_UNAVAILABLE,
	STANZA_SUBSCRIPTION_REQUIRED,
	STANZA_UNDEFINED_CONDITION,
	STANZA_UNEXPECTED_REQUEST,
	STANZA_CONDITION_COUNT
};

const char *stanza_condition_name(enum stanza_condition condition);	/* "bad-request" */
const char *stanza_condition_type(enum stanza_condition condition);	/* "modify" */

/*
 * The error stanza that answers stanza: same name and id, from and to swapped, type
 * error, with <error type= by=?><condition/><text/></error>. NULL where an error may not be answered:
 * the stanza is itself an error, or an iq result. text may be NULL.
 */
struct element *stanza_error_reply(struct arena *arena, const struct element *stanza,
		    enum stanza_condition condition, const char *text);

enum stream_condition {
	STREAM_BAD_FORMAT = 1,
	STREAM_BAD_NAMESPACE_PREFIX,
	STREAM_CONFLICT,
	STREAM_CONNECTION_TIMEOUT,
	STREAM_HOST_GONE,
	STREAM_HOST_UNKNOWN,
	STREAM_IMPROPER_ADDRESSING,
	STREAM_INTERNAL_SERVER_ERROR,
	STREAM_INVALID_FROM,
	STREAM_INVALID_NAMESPACE,
	STREAM_INVALID_XML,
	STREAM_NOT_AUTHORIZED,
	STREAM_NOT_WELL_FORMED,
	STREAM_POLICY_VIOLATION,
	STREAM_REMOTE_CONNECTION_FAILED,
	STREAM_RESET,
	STREAM_RESOURCE_CONSTRAINT,
	STREAM_RESTRICTED_XML,
	STREAM_SEE_OTHER_HOST,
	STREAM_SYSTEM_SHUTDOWN,
	STREAM_UNDEFINED_CONDITION,
	STREAM_UNSUPPORTED_ENCODING,
	STREAM_UNSUPPORTED_FEATURE,
	STREAM_UNSUPPORTED_STANZA_TYPE,
	STREAM_UNSUPPORTED_VERSION,
	STREAM_CONDITION_COUNT
};

const char *stream_condition_name(enum stream_condition condition);
