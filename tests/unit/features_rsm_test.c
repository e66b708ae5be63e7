/* features_rsm_test.c -- facts about result sets: what may be asked for, and what is told. */
#include "unit.h"

#include "features/rsm.h"
#include "xml/writer.h"

static struct arena arena;
static struct rsm rsm;

static int
setup(void **state)
{
	arena_init(&arena);
	return 0;
}

static int
teardown(void **state)
{
	arena_clear(&arena);
	return 0;
}

struct part {
	const char *name, *text;
};

/* A query with one set of these parts. */
static bool
read_parts(const struct part *parts, int count)
{
	struct element *query = element_new(&arena, NS_MAM, "query");
	struct element *set = element_add(&arena, query, NS_RSM, "set");

	for (int i = 0; i < count; i++)
		element_add_text(&arena, element_add(&arena, set, NS_RSM, parts[i].name),
		    slice_from_text(parts[i].text));
	return rsm_read(&arena, query, &rsm);
}

#define READ(...) \
	read_parts((const struct part[]){ __VA_ARGS__ }, \
	    (int)(sizeof((const struct part[]){ __VA_ARGS__ }) / sizeof(struct part)))

static void
a_page_is_read(void **state)
{
	assert_true(READ({ "max", " 10 " }, { "after", "a1" }, { "later-version", "x" }));
	assert_true(rsm.has_max && rsm.has_after && !rsm.has_before && !rsm.has_index);
	assert_int_equal(rsm.max, 10);
	assert_slice(rsm.after, "a1");
	assert_true(READ({ "before", "" }));
	assert_true(rsm.has_before);
	assert_slice(rsm.before, "");
	assert_true(READ({ "index", "4294967295" }, { "max", "0" }));
	assert_int_equal(rsm.index, UINT32_MAX);
	assert_true(READ({ "before", "b" }, { "after", "a" }));
}

static void
no_set_is_a_page_too(void **state)
{
	assert_true(rsm_read(&arena, element_new(&arena, NS_MAM, "query"), &rsm));
	assert_false(rsm.has_max || rsm.has_after || rsm.has_before || rsm.has_index);
}

static void
what_cannot_be_is_refused(void **state)
{
	struct element *query = element_new(&arena, NS_MAM, "query");

	assert_false(READ({ "max", "" }));
	assert_false(READ({ "max", "-1" }));
	assert_false(READ({ "max", "1.5" }));
	assert_false(READ({ "max", "4294967296" }));
	assert_false(READ({ "max", "99999999999999999999" }));
	assert_false(READ({ "max", "1" }, { "max", "1" }));
	assert_false(READ({ "after", "" }));
	assert_false(READ({ "after", "a" }, { "after", "a" }));
	assert_false(READ({ "before", "" }, { "before", "" }));
	assert_false(READ({ "index", "one" }));
	assert_false(READ({ "index", "1" }, { "after", "a" }));
	assert_false(READ({ "index", "1" }, { "before", "" }));
	element_add(&arena, query, NS_RSM, "set");
	element_add(&arena, query, NS_RSM, "set");
	assert_false(rsm_read(&arena, query, &rsm));
}

static void
check_answer(struct slice first, struct slice last, uint64_t index, uint64_t count,
    const char *expected)
{
	char out[300];
	size_t length = writer_write(rsm_answer(&arena, first, last, index, count), NS_CLIENT, out,
	    sizeof(out));

	assert_slice(slice_of(out, length), expected);
}

static void
a_page_is_told(void **state)
{
	check_answer(SLICE("a"), SLICE("c"), 7, 10,
	    "<set xmlns='http://jabber.org/protocol/rsm'><first index='7'>a</first>"
	    "<last>c</last><count>10</count></set>");
	check_answer(SLICE("a"), SLICE("a"), RSM_UNKNOWN, RSM_UNKNOWN,
	    "<set xmlns='http://jabber.org/protocol/rsm'><first>a</first><last>a</last></set>");
	check_answer(SLICE_EMPTY, SLICE_EMPTY, RSM_UNKNOWN, 0,
	    "<set xmlns='http://jabber.org/protocol/rsm'><count>0</count></set>");
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(a_page_is_read),
		FACT(no_set_is_a_page_too),
		FACT(what_cannot_be_is_refused),
		FACT(a_page_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
