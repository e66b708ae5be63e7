/* routing_iq_table_test.c -- each iq has one owner. */
#include "routing/iq_table.h"

#include "tests/unit/unit.h"

static int
first_owner(struct stanza *stanza)
{
	return STANZA_DONE;
}

static int
second_owner(struct stanza *stanza)
{
	return STANZA_DONE;
}

static const struct iq_row first = { NS_PING, "ping", IQ_GET, SCOPE_HOST | SCOPE_SELF,
	first_owner };

static void
a_row_is_found_by_all_that_it_names(void **state)
{
	struct iq_table *table = iq_table_new();
	const struct iq_row *row;

	assert_true(iq_table_add(table, "first", &first));
	row = iq_table_find(table, NS_PING, SLICE("ping"), IQ_GET, SCOPE_HOST);
	assert_ptr_equal(row, &first);
	assert_null(iq_table_find(table, NS_PING, SLICE("ping"), IQ_SET, SCOPE_HOST));
	assert_null(iq_table_find(table, NS_PING, SLICE("ping"), IQ_GET, SCOPE_ACCOUNT));
	assert_null(iq_table_find(table, NS_PING, SLICE("pin"), IQ_GET, SCOPE_HOST));
	assert_null(iq_table_find(table, NS_TIME, SLICE("ping"), IQ_GET, SCOPE_HOST));
	assert_null(iq_table_find(table, NS_OTHER, SLICE("ping"), IQ_GET, SCOPE_HOST));
	iq_table_free(&table);
	assert_null(table);
}

static void
two_owners_of_one_case_are_refused(void **state)
{
	static const struct iq_row same = { NS_PING, "ping", IQ_GET | IQ_SET, SCOPE_SELF,
		second_owner };
	struct iq_table *table = iq_table_new();

	assert_true(iq_table_add(table, "first", &first));
	assert_false(iq_table_add(table, "second", &same));
	iq_table_free(&table);
}

static void
owners_may_share_an_element_where_their_cases_differ(void **state)
{
	static const struct iq_row set = { NS_PING, "ping", IQ_SET, SCOPE_SELF, second_owner };
	static const struct iq_row other_scope = { NS_PING, "ping", IQ_GET, SCOPE_ACCOUNT,
		second_owner };
	struct iq_table *table = iq_table_new();

	assert_true(iq_table_add(table, "first", &first));
	assert_true(iq_table_add(table, "second", &set));
	assert_true(iq_table_add(table, "third", &other_scope));
	assert_ptr_equal(iq_table_find(table, NS_PING, SLICE("ping"), IQ_SET, SCOPE_SELF), &set);
	assert_ptr_equal(iq_table_find(table, NS_PING, SLICE("ping"), IQ_GET, SCOPE_SELF), &first);
	iq_table_free(&table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_row_is_found_by_all_that_it_names),
		cmocka_unit_test(two_owners_of_one_case_are_refused),
		cmocka_unit_test(owners_may_share_an_element_where_their_cases_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
