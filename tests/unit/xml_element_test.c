/* xml_element_test.c -- looking into trees, building and copying them. */
#include "unit.h"

#include "xml/element.h"
#include "xml_support.h"

static struct arena arena;

static int
clear_arena(void **state)
{
	arena_clear(&arena);
	return 0;
}

static struct element *
letter(void)
{
	struct element *message = element_new(&arena, NS_CLIENT, "message");

	element_set(&arena, message, "to", SLICE("juliet@a.lit"));
	element_set(&arena, message, "id", SLICE("1"));
	element_add_text(&arena, element_add(&arena, message, NS_CLIENT, "body"),
	    SLICE("Hark"));
	element_add_text(&arena, message, SLICE(" "));
	element_add(&arena, message, NS_DELAY, "delay");
	return message;
}

static void
an_attribute_that_is_absent_has_no_data(void **state)
{
	struct element *message = letter();

	assert_slice(element_attribute(message, "to"), "juliet@a.lit");
	assert_null(element_attribute(message, "from").data);
	assert_null(element_attribute_ns(message, NS_XML, "to").data);
}

static void
setting_replaces_and_unsetting_removes(void **state)
{
	struct element *message = letter();

	element_set(&arena, message, "to", SLICE("nurse@a.lit"));
	assert_slice(element_attribute(message, "to"), "nurse@a.lit");
	element_unset(message, "to");
	element_unset(message, "never");
	assert_null(element_attribute(message, "to").data);
	assert_slice(element_attribute(message, "id"), "1");
}

static void
children_are_found_past_text(void **state)
{
	struct element *message = letter(), *body = element_first(message), *delay;

	assert_true(element_is(body, NS_CLIENT, "body"));
	delay = element_next(message, body);
	assert_true(element_is(delay, NS_DELAY, "delay"));
	assert_null(element_next(message, delay));
	assert_ptr_equal(element_child(message, NS_DELAY, "delay"), delay);
	assert_null(element_child(message, NS_CLIENT, "delay"));
	assert_int_equal(element_count(message), 2);
	assert_int_equal(element_count(body), 0);
}

static void
text_in_several_runs_is_joined(void **state)
{
	struct element *body = element_new(&arena, NS_CLIENT, "body");

	assert_slice(element_text(&arena, body), "");
	element_add_text(&arena, body, SLICE("one "));
	assert_slice(element_text(&arena, body), "one ");
	element_add(&arena, body, NS_CLIENT, "b");
	element_add_text(&arena, body, SLICE("two"));
	assert_slice(element_text(&arena, body), "one two");
}

static void
a_removed_child_leaves_the_others_in_order(void **state)
{
	static const char *const names[] = { "a", "b", "c" };

	for (int gone = 0; gone < 3; gone++) {
		struct element *top = element_new(&arena, NS_CLIENT, "x"), *child[3];

		for (int i = 0; i < 3; i++)
			child[i] = element_add(&arena, top, NS_CLIENT, names[i]);
		element_remove(top, child[gone]);
		assert_int_equal(element_count(top), 2);
		assert_null(element_child(top, NS_CLIENT, names[gone]));
		element_append(&arena, top, child[gone]);
		assert_ptr_equal(top->last->element, child[gone]);
		assert_int_equal(element_count(top), 3);
	}
}

static void
append_to_a_second_parent(void)
{
	struct element *child = element_first(letter());

	element_append(&arena, element_new(&arena, NS_CLIENT, "x"), child);
}

static void
an_element_has_one_parent(void **state)
{
	assert_true(unit_aborts(append_to_a_second_parent));
}

static void
a_copy_needs_nothing_of_the_old_arena(void **state)
{
	struct buffer before = { 0 }, after = { 0 };
	struct arena other;
	struct element *message = letter(), *foreign, *copy;

	foreign = element_add(&arena, message, NS_OTHER, "x");
	foreign->ns_uri = arena_copy(&arena, SLICE("urn:example"));
	xml_dump(message, &before);
	arena_init(&other);
	copy = element_copy(&other, message);
	arena_clear(&arena);
	xml_dump(copy, &after);
	assert_true(slice_equal(buffer_slice(&before), buffer_slice(&after)));
	assert_null(copy->parent);
	arena_clear(&other);
	buffer_clear(&before);
	buffer_clear(&after);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_attribute_that_is_absent_has_no_data),
		cmocka_unit_test(setting_replaces_and_unsetting_removes),
		cmocka_unit_test(children_are_found_past_text),
		cmocka_unit_test(text_in_several_runs_is_joined),
		cmocka_unit_test(a_removed_child_leaves_the_others_in_order),
		cmocka_unit_test(an_element_has_one_parent),
		cmocka_unit_test(a_copy_needs_nothing_of_the_old_arena),
	};

	arena_init(&arena);
	return cmocka_run_group_tests(tests, NULL, clear_arena);
}
