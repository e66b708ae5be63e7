/* features_blocking_list_test.c -- whom a list names, what it becomes, and bytes that are none. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "features/blocking_list.h"

static struct arena arena;

static int
clear_arena(void **state)
{
	arena_clear(&arena);
	return 0;
}

static struct blocking_list
open_list(struct slice packed)
{
	struct blocking_list list;

	assert_true(blocking_list_open(packed, &list));
	return list;
}

static struct blocking_list
list_of(const char *jid)
{
	struct blocking_list none = open_list(SLICE_EMPTY);
	struct slice entry = slice_from_text(jid);

	return open_list(blocking_list_add(&arena, &none, &entry, 1));
}

/* XEP-0191 5. */
static void
each_form_of_address_matches_its_own(void **state)
{
	static const struct {
		const char *blocked;
		const char *jid;
		bool	    matches;
	} rows[] = {
		{ "a@b/c", "a@b/c", true },
		{ "a@b/c", "a@b/d", false },
		{ "a@b/c", "a@b", false },
		{ "a@b/c", "b/c", false },
		{ "a@b", "a@b", true },
		{ "a@b", "a@b/c", true },
		{ "a@b", "x@b", false },
		{ "a@b", "b", false },
		{ "b/c", "b/c", true },
		{ "b/c", "a@b/c", true },
		{ "b/c", "b/d", false },
		{ "b/c", "b", false },
		{ "b", "b", true },
		{ "b", "a@b", true },
		{ "b", "b/c", true },
		{ "b", "a@b/c", true },
		{ "b", "a@bb", false },
		{ "b", "a@x.b", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct blocking_list list = list_of(rows[i].blocked);
		struct jid jid;

		jid_split(slice_from_text(rows[i].jid), &jid);
		if (blocking_list_matches(&list, &jid) != rows[i].matches)
			fail_msg("%s %s", rows[i].blocked, rows[i].jid);
	}
}

static void
nobody_is_in_an_empty_one(void **state)
{
	struct blocking_list list = open_list(SLICE_EMPTY);
	struct jid jid;

	jid_split(SLICE("a@b/c"), &jid);
	assert_false(blocking_list_matches(&list, &jid));
	assert_int_equal(list.count, 0);
}

static struct slice
numbered(int i)
{
	return arena_printf(&arena, "%d@capulet.example", i);
}

static void
entries_are_found_wherever_they_stand(void **state)
{
	struct blocking_list list = open_list(SLICE_EMPTY);
	struct slice jids[300];

	for (int i = 0; i < 300; i++)
		jids[i] = numbered(i * 7 % 300 * 2);
	list = open_list(blocking_list_add(&arena, &list, jids, 200));
	list = open_list(blocking_list_add(&arena, &list, jids + 100, 200));
	assert_int_equal(list.count, 300);
	for (int i = 0; i < 600; i++)
		assert_int_equal(blocking_list_has(&list, numbered(i)), i % 2 == 0);
	for (uint32_t i = 1; i < list.count; i++)
		assert_true(slice_compare(blocking_list_at(&list, i - 1),
				blocking_list_at(&list, i)) < 0);
}

static void
what_is_removed_is_gone_and_the_rest_stays(void **state)
{
	struct blocking_list list = open_list(SLICE_EMPTY);
	struct slice jids[4] = { SLICE("a@b"), SLICE("c"), SLICE("b@b"), SLICE("x@y") };

	list = open_list(blocking_list_add(&arena, &list, jids, 3));
	list = open_list(blocking_list_remove(&arena, &list, jids + 2, 2));
	assert_int_equal(list.count, 2);
	assert_true(blocking_list_has(&list, SLICE("a@b")));
	assert_false(blocking_list_has(&list, SLICE("b@b")));
	assert_int_equal(blocking_list_remove(&arena, &list, jids, 2).length, 0);
}

/* Adding what is there gives the same bytes: nothing is written. */
static void
the_same_set_has_the_same_bytes(void **state)
{
	struct blocking_list none = open_list(SLICE_EMPTY), list;
	struct slice jids[3] = { SLICE("z@b"), SLICE("c"), SLICE("b@b") };
	struct slice packed = blocking_list_add(&arena, &none, jids, 3);

	list = open_list(packed);
	assert_true(slice_equal(blocking_list_add(&arena, &list, jids + 1, 2), packed));
	assert_true(slice_equal(blocking_list_add(&arena, &list, jids, 0), packed));
}

static void
cut_or_changed_bytes_are_no_list(void **state)
{
	struct blocking_list list = open_list(SLICE_EMPTY);
	struct slice jids[2] = { SLICE("a@b"), SLICE("c") };
	struct slice packed = blocking_list_add(&arena, &list, jids, 2);

	for (size_t length = 1; length < packed.length; length++) {
		assert_false(blocking_list_open(slice_of(packed.data, length), &list));
		assert_int_equal(list.count, 0);
	}
	for (size_t i = 0; i < 3 * sizeof(uint32_t); i++) {
		struct slice copy = arena_copy(&arena, packed);

		((char *)(uintptr_t)copy.data)[i] ^= 0x40;
		assert_false(blocking_list_open(copy, &list));
	}
	assert_false(blocking_list_open(SLICE("\0\0\0\0"), &list));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_teardown(name, clear_arena)
		TEST(each_form_of_address_matches_its_own),
		TEST(nobody_is_in_an_empty_one),
		TEST(entries_are_found_wherever_they_stand),
		TEST(what_is_removed_is_gone_and_the_rest_stays),
		TEST(the_same_set_has_the_same_bytes),
		TEST(cut_or_changed_bytes_are_no_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
