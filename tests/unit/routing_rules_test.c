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

/*
 * Who has which resources: unknown, none available, negative ones, willing ones. Their sections in RFC 6121: unknown 8.5.1,
 * account 8.5.2.2 (none, negative) and 8.5.2.1 (willing), resource 8.5.3.1, absent 8.5.3.2.
 */
static const struct {
	enum stanza_kind kind;
	enum stanza_type type;
	const char *account, *resource, *absent;
} cases[] = {
	/* 8.5.2.1.1, 8.5.2.2.1, 8.5.3.1, 8.5.3.2.1 */
	{ KIND_MESSAGE, TYPE_NORMAL,		"XKKB", "XRRR", "XKKB" },
	{ KIND_MESSAGE, TYPE_CHAT,		"XKKB", "XRRR", "XKKB" },
	{ KIND_MESSAGE, TYPE_GROUPCHAT,		"XXXX", "XRRR", "XXXX" },
	{ KIND_MESSAGE, TYPE_HEADLINE,		"---W", "-RRR", "----" },
	{ KIND_MESSAGE, TYPE_ERROR,		"----", "-RRR", "----" },
	/* 8.5.2.1.2, 8.5.2.2.2, 8.5.3.1, 8.5.3.2.2; subscriptions and probes: 3 and 4.3, before any rule. */
	{ KIND_PRESENCE, TYPE_AVAILABLE,	"-VVV", "-RRR", "----" },
	{ KIND_PRESENCE, TYPE_UNAVAILABLE,	"-VVV", "-RRR", "----" },
	{ KIND_PRESENCE, TYPE_SUBSCRIBE,	"----", "----", "----" },
	{ KIND_PRESENCE, TYPE_SUBSCRIBED,	"----", "----", "----" },
	{ KIND_PRESENCE, TYPE_UNSUBSCRIBE,	"----", "----", "----" },
	{ KIND_PRESENCE, TYPE_UNSUBSCRIBED,	"----", "----", "----" },
	{ KIND_PRESENCE, TYPE_PROBE,		"----", "----", "----" },
	{ KIND_PRESENCE, TYPE_ERROR,		"----", "-RRR", "----" },
	/* 8.5.2.1.3, 8.5.2.2.3, 8.5.3.1, 8.5.3.2.3 */
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

/*
 * 8.5.4, table 1, in its words: kept (O), an error (E), silence (S), to the resource (D), to the best (M), to all (A). With
 * one willing resource D to the bare JID is that one: the best, or all.
 */
static const struct {
	int		 situation;
	enum rule_target target;
	const char	*normal, *chat, *groupchat, *headline;
} table_1[] = {
	{ UNKNOWN,  TARGET_ACCOUNT,	"SE", "SE", "E",  "S" },
	{ UNKNOWN,  TARGET_ABSENT,	"SE", "SE", "SE", "SE" },
	{ NONE,	    TARGET_ACCOUNT,	"OE", "OE", "E",  "S" },
	{ NONE,	    TARGET_ABSENT,	"SE", "OE", "SE", "SE" },
	{ NEGATIVE, TARGET_ACCOUNT,	"OE", "OE", "E",  "S" },
	{ NEGATIVE, TARGET_RESOURCE,	"D",  "D",  "D",  "D" },
	{ NEGATIVE, TARGET_ABSENT,	"SE", "OE", "SE", "SE" },
	{ WILLING,  TARGET_ACCOUNT,	"MA", "MA", "E",  "A" },
	{ WILLING,  TARGET_RESOURCE,	"D",  "D",  "D",  "D" },
	{ WILLING,  TARGET_ABSENT,	"SE", "MA", "SE", "SE" },
};

static void
check_table_1(size_t row, enum stanza_type type, const char *allowed)
{
	static const char words[] = { [RULE_RESOURCE] = 'D', [RULE_BEST] = 'M',
		[RULE_WILLING] = 'A', [RULE_KEEP] = 'O', [RULE_REFUSE] = 'E', [RULE_IGNORE] = 'S' };
	enum rule_action action = rules_find(KIND_MESSAGE, type, table_1[row].target,
	    situations[table_1[row].situation]);

	if (strchr(allowed, words[action]) == NULL)
		fail_msg("row %zu, %s: %c", row, stanza_type_name(type), words[action]);
}

/* "normal" to a resource that is not there is treated as "chat" is: see rules.c. */
static void
messages_keep_table_1(void **state)
{
	for (size_t row = 0; row < sizeof(table_1) / sizeof(table_1[0]); row++) {
		bool is_absent = table_1[row].target == TARGET_ABSENT;

		check_table_1(row, TYPE_NORMAL,
		    is_absent ? table_1[row].chat : table_1[row].normal);
		check_table_1(row, TYPE_CHAT, table_1[row].chat);
		check_table_1(row, TYPE_GROUPCHAT, table_1[row].groupchat);
		check_table_1(row, TYPE_HEADLINE, table_1[row].headline);
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
		cmocka_unit_test(messages_keep_table_1),
		cmocka_unit_test(every_row_decides_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
