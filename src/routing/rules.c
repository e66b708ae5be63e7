/* rules.c -- RFC 6121 8.5: what becomes of a stanza for a local account, as one table. */
#include "routing/rules.h"

#include "base/ensure.h"

#define ANY_TYPE     (~0u)
#define TALK	     (RULE_TYPE(TYPE_NORMAL) | RULE_TYPE(TYPE_CHAT))
#define GROUPCHAT    RULE_TYPE(TYPE_GROUPCHAT)
#define HEADLINE     RULE_TYPE(TYPE_HEADLINE)
#define ERRORS	     RULE_TYPE(TYPE_ERROR)
#define SILENT	     (HEADLINE | ERRORS)
#define STATE	     (RULE_TYPE(TYPE_AVAILABLE) | RULE_TYPE(TYPE_UNAVAILABLE))
#define REQUESTS     (RULE_TYPE(TYPE_GET) | RULE_TYPE(TYPE_SET))

#define ANY_TARGET   (TARGET_ACCOUNT | TARGET_RESOURCE | TARGET_ABSENT)
#define ACCOUNT	     TARGET_ACCOUNT
#define RESOURCE     TARGET_RESOURCE
#define ABSENT	     TARGET_ABSENT

#define ANY	     (RESOURCES_WILLING | RESOURCES_NEGATIVE | RESOURCES_NONE | RESOURCES_UNKNOWN)
#define WILLING	     RESOURCES_WILLING
#define UNWILLING    (RESOURCES_NEGATIVE | RESOURCES_NONE)
#define UNKNOWN	     RESOURCES_UNKNOWN

/*
 * The first row that fits. Two differ from the RFC. A resource that is not there counts as the account for
 * conversations: 8.5.3.2.1 leaves "normal" to be refused there, which loses what was written to a device that has just
 * gone (R22). And a request reaches a resource also from those it does not show its presence to, which 8.5.3.1 advises
 * against: rooms and calls need it, and who has a resource's name has been told it.
 *
 * Subscriptions and probes never come here: the presence feature has taken them.
 */
static const struct rule rules[] = {
	/* kind		  type	      to		 resources   action */
	{ KIND_MESSAGE,  SILENT,     ANY_TARGET,	 UNKNOWN,    RULE_IGNORE },
	{ KIND_MESSAGE,  ANY_TYPE,   ANY_TARGET,	 UNKNOWN,    RULE_REFUSE },
	{ KIND_MESSAGE,  ANY_TYPE,   RESOURCE,		 ANY,	     RULE_RESOURCE },
	{ KIND_MESSAGE,  TALK,	     ACCOUNT | ABSENT,	 WILLING,    RULE_BEST },
	{ KIND_MESSAGE,  TALK,	     ACCOUNT | ABSENT,	 UNWILLING,  RULE_KEEP },
	{ KIND_MESSAGE,  GROUPCHAT,  ACCOUNT | ABSENT,	 ANY,	     RULE_REFUSE },
	{ KIND_MESSAGE,  HEADLINE,   ACCOUNT,		 WILLING,    RULE_WILLING },
	{ KIND_MESSAGE,  SILENT,     ACCOUNT | ABSENT,	 ANY,	     RULE_IGNORE },

	{ KIND_PRESENCE, ANY_TYPE,   ANY_TARGET,	 UNKNOWN,    RULE_IGNORE },
	{ KIND_PRESENCE, STATE | ERRORS, RESOURCE,	 ANY,	     RULE_RESOURCE },
	{ KIND_PRESENCE, STATE,	     ACCOUNT,		 ANY,	     RULE_AVAILABLE },
	{ KIND_PRESENCE, ANY_TYPE,   ANY_TARGET,	 ANY,	     RULE_IGNORE },

	{ KIND_IQ,	 REQUESTS,   ANY_TARGET,	 UNKNOWN,    RULE_REFUSE },
	{ KIND_IQ,	 ANY_TYPE,   ANY_TARGET,	 UNKNOWN,    RULE_IGNORE },
	{ KIND_IQ,	 ANY_TYPE,   RESOURCE,		 ANY,	     RULE_RESOURCE },
	{ KIND_IQ,	 REQUESTS,   ACCOUNT,		 ANY,	     RULE_ANSWER },
	{ KIND_IQ,	 REQUESTS,   ABSENT,		 ANY,	     RULE_REFUSE },
	{ KIND_IQ,	 ANY_TYPE,   ACCOUNT | ABSENT,	 ANY,	     RULE_IGNORE },
};

#define RULES (sizeof(rules) / sizeof(rules[0]))

const struct rule *
rules_all(size_t *count)
{
	*count = RULES;
	return rules;
}

enum rule_action
rules_find(enum stanza_kind kind, enum stanza_type type, enum rule_target target,
    enum rule_resources resources)
{
	size_t i = 0;

	while (i < RULES &&
	    !(rules[i].kind == kind && (rules[i].types & RULE_TYPE(type)) &&
		(rules[i].targets & target) && (rules[i].resources & resources)))
		i++;
	ensure(i < RULES);
	return rules[i].action;
}
