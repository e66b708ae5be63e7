/* routing_rules_test.c -- every case of RFC 6121 8.5 and what becomes of it: each row, and all cases. */
#include "tests/unit/unit.h"

#include <string.h>

#include "routing/rules.h"

enum { UNKNOWN, NONE, NEGATIVE, WILLING, SITUATIONS };

static const enum rule_resources situations[] = { RESOURCES_UNKNOWN, RESOURCES_NONE,
	RESOURCES_NEGATIVE, RESOURCES_WILLING };

/*
 * A letter for each action, as they stand in the header: to the Resource, to the Best, to all Willing, to all that are aVailable,
 * Answered, Kept, refused (X), ignored (-).
 */
static const char letters[] = "RBWVAKX-";

/* Who has which resources: unknown, none available, negative ones, willing ones. */
static const struct {
	enum stanza_kind kind;
	enum stanza_type type;
	const char *account, *resource, *absent;
} cases[] = {
	{ KIND_MESSAGE, TYPE_NORMAL,		"XKKB", "XRRR", "XKKB" },
	{ KIND_MESSAGE, TYPE_CHAT,		"XKKB", "XRRR", "XKKB" },
	{ KIND_MESSAGE, TYPE_GROUPCHAT,		"XXXX", "XRRR", "XXXX" },
	{ KIND_MESSAGE, TYPE_HEADLINE,		"X--W", "XRRR", "X---" },
	{ KIND_MESSAGE, TYPE_ERROR,		"----", "-RRR", "----" },
	{ KIND_PRESENCE, TYPE_AVAILABLE,	"-VVV", "-RRR", "----" },
	{ KIND_PRESENCE, TYPE_UNAVAILABLE,	"-VVV", "-RRR", "----" },
	{ KIND_PRESENCE, TYPE_SUBSCRIBE,	"----", "-RRR", "----" },
	{ KIND_PRESENCE, TYPE_SUBSCRIBED,	"----", "-RRR", "----" },
	{ KIND_PRESENCE, TYPE_UNSUBSCRIBE,	"----", "-RRR", "----" },
	{ KIND_PRESENCE, TYPE_UNSUBSCRIBED,	"----", "-RRR", "----" },
	{ KIND_PRESENCE, TYPE_PROBE,		"----", "-RRR", "----" },
	{ KIND_PRESENCE, TYPE_ERROR,		"----", "-RRR", "----" },
	{ KIND_IQ, TYPE_GET,			"XAAA", "XRRR", "XXXX" },
	{ KIND_IQ, TYPE_SET,			"XAAA", "XRRR", "XXXX" },
	{ KIND_IQ, TYPE_RESULT,			"----", "-RRR", "----" },
	{ KIND_IQ, TYPE_ERROR,			"----", "-RRR", "----" },
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static void
check(size_t i, enum rule_target target, const char *expected)
{
	for (int situation = 0; situation < SITUATIONS; situation++) {
		enum rule_action action = rules_find(cases[i].kind, cases[i].type, target,
		    situations[situation]);

		if (letters[action] != expected[situation])
			fail_msg("%s %s, target %d, situation %d: %c",
			    stanza_kind_name(cases[i].kind), stanza_type_name(cases[i].type),
			    (int)target, situation, letters[action]);
	}
}

static void
every_case_has_the_action_of_the_rfc(void **state)
{
	for (size_t i = 0; i < CASES; i++) {
		check(i, TARGET_ACCOUNT, cases[i].account);
		check(i, TARGET_RESOURCE, cases[i].resource);
		check(i, TARGET_ABSENT, cases[i].absent);
	}
}

static const struct rule *
deciding(size_t i, enum rule_target target, enum rule_resources resources)
{
	size_t count;
	const struct rule *rules = rules_all(&count);

	while (!(rules->kind == cases[i].kind && (rules->types & RULE_TYPE(cases[i].type)) &&
	    (rules->targets & target) && (rules->resources & resources)))
		rules++;
	return rules;
}

/* A row that decides nothing would be one that nobody has thought about. */
static void
every_row_decides_something(void **state)
{
	bool decides[64] = { false };
	size_t count;
	const struct rule *rules = rules_all(&count);

	for (size_t i = 0; i < CASES; i++)
		for (int situation = 0; situation < SITUATIONS; situation++)
			for (unsigned target = TARGET_ACCOUNT; target <= TARGET_ABSENT;
			     target <<= 1)
				decides[deciding(i, target, situations[situation]) - rules] =
				    true;
	for (size_t row = 0; row < count; row++)
		if (!decides[row])
			fail_msg("row %zu", row);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_has_the_action_of_the_rfc),
		cmocka_unit_test(every_row_decides_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
