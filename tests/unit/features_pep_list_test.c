/* features_pep_list_test.c -- names with a kind each, packed; and bytes that are none of it. */
#include "features/pep_list.h"

#include "tests/unit/unit.h"

static struct arena arena;

static int
set_up(void **state)
{
	arena_init(&arena);
	return 0;
}

static int
tear_down(void **state)
{
	arena_clear(&arena);
	return 0;
}

static void
a_name_is_in_it_once(void **state)
{
	struct slice list = SLICE_EMPTY;

	list = pep_list_set(&arena, list, SLICE("a"), 1);
	list = pep_list_set(&arena, list, SLICE("b"), 2);
	list = pep_list_set(&arena, list, SLICE("a"), 3);
	assert_int_equal(pep_list_count(list), 2);
	assert_int_equal(pep_list_find(list, SLICE("a")), 3);
	assert_int_equal(pep_list_find(list, SLICE("b")), 2);
	assert_int_equal(pep_list_find(list, SLICE("c")), 0);
	assert_true(pep_list_is_valid(list));
}

static void
kind_0_takes_it_out(void **state)
{
	struct slice list = pep_list_set(&arena, SLICE_EMPTY, SLICE("a"), 1);

	list = pep_list_set(&arena, list, SLICE("nobody"), 0);
	assert_int_equal(pep_list_count(list), 1);
	list = pep_list_set(&arena, list, SLICE("a"), 0);
	assert_int_equal(list.length, 0);
	assert_true(pep_list_is_valid(list));
}

static void
names_come_in_their_order(void **state)
{
	struct slice list = pep_list_set(&arena, SLICE_EMPTY, SLICE("x"), 1);
	struct pep_entry entry;

	list = pep_list_set(&arena, list, SLICE(""), 9);
	assert_true(pep_list_next(&list, &entry));
	assert_true(slice_is(entry.name, "x"));
	assert_true(pep_list_next(&list, &entry));
	assert_int_equal(entry.name.length, 0);
	assert_int_equal(entry.kind, 9);
	assert_false(pep_list_next(&list, &entry));
}

/* What was cut anywhere is no list, and nothing behind its end is read. */
static void
cut_bytes_are_none(void **state)
{
	struct slice list = pep_list_set(&arena, SLICE_EMPTY, SLICE("juliet@localhost"), 4);
	struct slice two = pep_list_set(&arena, list, SLICE("romeo@localhost"), 4);

	for (size_t length = 1; length < two.length; length++) {
		struct slice cut = arena_copy(&arena, slice_of(two.data, length));

		assert_int_equal(pep_list_is_valid(cut), length == list.length);
		assert_int_equal(pep_list_count(cut), length >= list.length);
	}
	assert_false(pep_list_is_valid(SLICE("\0\1\0a")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_name_is_in_it_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(kind_0_takes_it_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_come_in_their_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cut_bytes_are_none, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
