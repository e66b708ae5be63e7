/* rules.h -- RFC 6121 8.5: what becomes of a stanza for a local account, as one table. */
#pragma once

#include "routing/stanza.h"

/* Whom it names. */
enum rule_target {
	TARGET_ACCOUNT = 1,	/* the bare JID */
	TARGET_RESOURCE = 2,	/* a resource that is connected */
	TARGET_ABSENT = 4,	/* a resource that is not */
};

/* What the account has. */
enum rule_resources {
	RESOURCES_WILLING = 1,	/* some that are available with a priority of at least 0 */
	RESOURCES_NEGATIVE = 2,	/* available ones, all of negative priority */
	RESOURCES_NONE = 4,	/* no available ones */
	RESOURCES_UNKNOWN = 8,	/* there is no such account */
};

enum rule_action {
	RULE_RESOURCE,		/* to the resource named */
	RULE_BEST,		/* to all that share the highest priority, never a negative one */
	RULE_WILLING,		/* to all of priority 0 and more */
	RULE_AVAILABLE,		/* to all that are available */
	RULE_ANSWER,		/* the server answers for the account */
	RULE_KEEP,		/* for later, or service-unavailable where nobody keeps it */
	RULE_REFUSE,		/* service-unavailable */
	RULE_IGNORE,
};

struct rule {
	enum stanza_kind kind;
	unsigned	 types;		/* bits of enum stanza_type: RULE_TYPE() */
	unsigned	 targets;	/* enum rule_target */
	unsigned	 resources;	/* enum rule_resources */
	enum rule_action action;
};

#define RULE_TYPE(type) (1u << (type))

/* Every case has its row. */
enum rule_action rules_find(enum stanza_kind kind, enum stanza_type type,
	    enum rule_target target, enum rule_resources resources);

/* For tests: all rows; the first that fits counts. */
const struct rule *rules_all(size_t *count);
