/* features_subscription_test.c -- RFC 6121 appendix A, row by row: each state, each stanza, both directions. */
#include "tests/unit/unit.h"

#include "features/roster_item.h"
#include "features/subscription.h"

enum { N = 0, NO = ROSTER_ASK, NI = ROSTER_IN, NOI = ROSTER_ASK | ROSTER_IN, T = ROSTER_TO,
	TI = ROSTER_TO | ROSTER_IN, F = ROSTER_FROM, FO = ROSTER_FROM | ROSTER_ASK, B = ROSTER_BOTH };

static const unsigned states[] = { N, NO, NI, NOI, T, TI, F, FO, B };

#define STATES (sizeof(states) / sizeof(states[0]))

/*
 * RFC 6121 appendix A.2 (tables 2 to 5) and A.3 (tables 6 to 9): "MUST" (+) or "MUST NOT" and "SHOULD NOT" (-), then the
 * new state, in the order of A.1. What A.2.3 calls "pre-approval" is no state of A.1: the account's own flag (3.4).
 */
static const struct {
	const char	 *section;
	enum direction	  direction;
	enum subscription type;
	const char	 *passes;
	unsigned	  next[STATES];
} rows[] = {
	{ "A.2.1", OUTBOUND, SUBSCRIBE, "+++++++++", { NO, NO, NOI, NOI, T, TI, FO, FO, B } },
	{ "A.2.2", OUTBOUND, UNSUBSCRIBE, "+++++++++", { N, N, NI, NI, N, NI, F, F, F } },
	{ "A.2.3", OUTBOUND, SUBSCRIBED, "--++-+---", { N, NO, F, FO, T, B, F, FO, B } },
	{ "A.2.4", OUTBOUND, UNSUBSCRIBED, "--++-++++", { N, NO, N, NO, T, T, N, NO, T } },
	{ "A.3.1", INBOUND, SUBSCRIBE, "++--+----", { NI, NOI, NI, NOI, TI, TI, F, FO, B } },
	{ "A.3.2", INBOUND, UNSUBSCRIBE, "--++-++++", { N, NO, N, NO, T, T, N, NO, T } },
	{ "A.3.3", INBOUND, SUBSCRIBED, "-+-+---+-", { N, T, NI, TI, T, TI, F, B, B } },
	{ "A.3.4", INBOUND, UNSUBSCRIBED, "-+-+++-++", { N, N, NI, NI, N, NI, F, F, F } },
};

static void
every_cell_is_that_of_the_rfc(void **state)
{
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++)
		for (size_t i = 0; i < STATES; i++) {
			struct subscription_step step = subscription_step(rows[row].direction,
			    rows[row].type, states[i]);

			if (step.flags != rows[row].next[i] ||
			    step.passes != (rows[row].passes[i] == '+'))
				fail_msg("%s, state %zu", rows[row].section, i);
		}
}

static void
what_is_no_part_of_the_state_changes_nothing(void **state)
{
	struct subscription_step step = subscription_step(OUTBOUND, SUBSCRIBED,
	    ROSTER_LISTED | ROSTER_APPROVED | ROSTER_TO | ROSTER_IN);

	assert_int_equal(step.flags, ROSTER_BOTH);
	assert_true(step.passes);
}

static void
no_way_leads_out_of_the_nine_states(void **state)
{
	unsigned count = 0;

	for (unsigned flags = 0; flags <= ROSTER_STATE; flags++) {
		if (!subscription_is_state(flags))
			continue;
		count++;
		for (int type = 0; type < SUBSCRIPTION_COUNT; type++)
			for (int direction = OUTBOUND; direction <= INBOUND; direction++)
				assert_true(subscription_is_state(
				    subscription_step((enum direction)direction,
					(enum subscription)type, flags).flags));
	}
	assert_int_equal(count, STATES);
}

/*
 * Two accounts in step stay in step: whatever one of them sends, in any state that both can reach, what one is shown the
 * other sees.
 */
static void
both_sides_tell_the_same(void **state)
{
	static const unsigned mirror[][2] = { { N, N }, { NO, NI }, { NI, NO }, { NOI, NOI },
		{ T, F }, { TI, FO }, { F, T }, { FO, TI }, { B, B } };

	for (size_t i = 0; i < STATES; i++)
		for (int type = 0; type < SUBSCRIPTION_COUNT; type++) {
			struct subscription_step out = subscription_step(OUTBOUND,
			    (enum subscription)type, mirror[i][0]);
			unsigned other = mirror[i][1];
			bool is_there = false;

			if (out.passes)
				other = subscription_step(INBOUND, (enum subscription)type,
				    other).flags;
			for (size_t k = 0; k < STATES; k++)
				is_there |= mirror[k][0] == out.flags && mirror[k][1] == other;
			if (!is_there)
				fail_msg("state %zu, stanza %d", i, type);
		}
}

static void
two_in_step_are_not_stale_and_one_without_the_other_is(void **state)
{
	static const unsigned mirror[][2] = { { N, N }, { NO, NI }, { NI, NO }, { NOI, NOI },
		{ T, F }, { TI, FO }, { F, T }, { FO, TI }, { B, B } };

	for (size_t i = 0; i < STATES; i++) {
		assert_false(subscription_is_stale(mirror[i][0], mirror[i][1]));
		assert_int_equal(subscription_is_stale(mirror[i][0], N),
		    (mirror[i][0] & (ROSTER_BOTH | ROSTER_IN)) != 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_is_that_of_the_rfc),
		cmocka_unit_test(what_is_no_part_of_the_state_changes_nothing),
		cmocka_unit_test(no_way_leads_out_of_the_nine_states),
		cmocka_unit_test(both_sides_tell_the_same),
		cmocka_unit_test(two_in_step_are_not_stale_and_one_without_the_other_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
