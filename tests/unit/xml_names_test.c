/* xml_names_test.c -- the list of namespaces. */
#include "unit.h"

#include "xml/names.h"

static void
every_namespace_of_the_list_is_found_by_its_text(void **state)
{
	for (int ns = NS_OTHER + 1; ns < NS_COUNT; ns++) {
		assert_true(names_uri((enum xml_namespace)ns).length > 0);
		assert_int_equal(names_find(names_uri((enum xml_namespace)ns)), ns);
	}
}

static void
no_text_is_no_namespace(void **state)
{
	assert_int_equal(names_find(SLICE_EMPTY), NS_NONE);
	assert_int_equal(names_uri(NS_NONE).length, 0);
	assert_int_equal(names_uri(NS_OTHER).length, 0);
}

static void
what_is_not_in_the_list_is_other(void **state)
{
	struct slice uri = names_uri(NS_CLIENT);

	assert_int_equal(names_find(SLICE("urn:example:unknown")), NS_OTHER);
	assert_int_equal(names_find(SLICE("x")), NS_OTHER);
	assert_int_equal(names_find(SLICE("jabber:Client")), NS_OTHER);
	assert_int_equal(names_find(slice_of(uri.data, uri.length - 1)), NS_OTHER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_namespace_of_the_list_is_found_by_its_text),
		cmocka_unit_test(no_text_is_no_namespace),
		cmocka_unit_test(what_is_not_in_the_list_is_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
