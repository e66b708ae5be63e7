/* xmpp_data_form_test.c -- facts about data forms: what is read, what is refused, what is built. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "xml/writer.h"
#include "xml_support.h"
#include "xmpp/data_form.h"

static struct arena arena;
static struct data_form form;
static bool was_read;

static void
on_stanza(void *owner, struct element *stanza)
{
	was_read = data_form_read(&arena, element_copy(&arena, stanza), &form);
}

static void
on_open(void *owner, struct element *header)
{
}

static void
on_end(void *owner)
{
}

/* What stands in <x xmlns='jabber:x:data' type='submit'>. */
static bool
read_form(const char *type, const char *inside)
{
	static const struct parser_events events = { on_open, on_stanza, on_end };
	struct parser *parser = parser_new(&events, NULL, &xml_limits);
	static char text[200000];
	size_t consumed;

	snprintf(text, sizeof(text), XML_HEADER "<x xmlns='jabber:x:data' type='%s'>%s</x>", type,
	    inside);
	arena_reset(&arena);
	was_read = false;
	assert_int_equal(parser_feed(parser, slice_from_text(text), &consumed), PARSER_OK);
	parser_free(&parser);
	return was_read;
}

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

static void
fields_are_found_by_name(void **state)
{
	assert_true(read_form("submit",
	    "<title>t</title><field var='FORM_TYPE' type='hidden'><value>urn:x</value></field>"
	    "<field type='fixed'><value>a</value><value>b</value></field>"
	    "<field var='with'><value>romeo@a.lit</value></field>"
	    "<field var='ids' type='list-multi'><value>1</value><value/><value>3</value></field>"
	    "<field var='none'/>"));
	assert_slice(form.type, "submit");
	assert_slice(form.form_type, "urn:x");
	assert_int_equal(form.count, 3);
	assert_slice(data_form_value(&form, "with"), "romeo@a.lit");
	assert_int_equal(data_form_find(&form, "ids")->count, 3);
	assert_slice(data_form_find(&form, "ids")->values[1], "");
	assert_slice(data_form_find(&form, "ids")->values[2], "3");
	assert_int_equal(data_form_find(&form, "none")->count, 0);
	assert_slice(data_form_value(&form, "none"), "");
	assert_slice(data_form_value(&form, "other"), "");
	assert_null(data_form_find(&form, "FORM_TYPE"));
}

static void
what_nobody_asked_for_is_unknown(void **state)
{
	assert_true(read_form("submit", "<field var='a'/><field var='b'/>"));
	assert_slice(data_form_unknown(&form)->var, "a");
	data_form_find(&form, "a");
	assert_slice(data_form_unknown(&form)->var, "b");
	data_form_value(&form, "b");
	assert_null(data_form_unknown(&form));
}

static void
what_cannot_be_is_refused(void **state)
{
	assert_false(read_form("", ""));
	assert_false(read_form("other", ""));
	assert_false(read_form("submit", "<field var='a'/><field var='a'/>"));
	assert_false(read_form("submit",
	    "<field var='a' type='text-single'><value>1</value><value>2</value></field>"));
	assert_false(read_form("submit",
	    "<field var='FORM_TYPE'><value>1</value><value>2</value></field>"));
	assert_false(read_form("submit", "<field var='FORM_TYPE'><value>1</value></field>"
					 "<field var='FORM_TYPE'><value>1</value></field>"));
	assert_true(read_form("cancel", ""));
	assert_true(read_form("submit", "<field var='a'><value>1</value><value>2</value></field>"));
}

static bool
read_fields(int count, int values)
{
	struct buffer text;
	bool was_taken;

	buffer_init(&text);
	for (int i = 0; i < count; i++) {
		buffer_printf(&text, "<field var='f%d'>", i);
		for (int j = 0; j < values; j++)
			buffer_append_text(&text, "<value>v</value>");
		buffer_append_text(&text, "</field>");
	}
	buffer_append_byte(&text, 0);
	was_taken = read_form("submit", buffer_slice(&text).data);
	buffer_clear(&text);
	return was_taken;
}

static void
fields_and_values_have_limits(void **state)
{
	assert_true(read_fields(DATA_FORM_FIELDS_MAX, 1));
	assert_false(read_fields(DATA_FORM_FIELDS_MAX + 1, 1));
	assert_true(read_fields(1, DATA_FORM_VALUES_MAX));
	assert_false(read_fields(1, DATA_FORM_VALUES_MAX + 1));
	assert_false(read_fields(2, DATA_FORM_VALUES_MAX / 2 + 1));
}

static void
booleans_have_four_words(void **state)
{
	bool value = false;

	assert_true(data_form_bool(SLICE("1"), &value) && value);
	assert_true(data_form_bool(SLICE("true"), &value) && value);
	assert_true(data_form_bool(SLICE("0"), &value) && !value);
	assert_true(data_form_bool(SLICE("false"), &value) && !value);
	assert_false(data_form_bool(SLICE("yes"), &value));
	assert_false(data_form_bool(SLICE_EMPTY, &value));
}

static void
a_form_is_built(void **state)
{
	struct element *x = data_form_new(&arena, "form", "urn:x");
	struct element *field = data_form_add(&arena, x, "with", "jid-single", "With <whom>");
	char out[600];
	size_t length;

	data_form_add_value(&arena, field, SLICE("a&b"));
	data_form_add(&arena, x, "start", NULL, NULL);
	length = writer_write(x, NS_CLIENT, out, sizeof(out));
	assert_slice(slice_of(out, length),
	    "<x xmlns='jabber:x:data' type='form'><field type='hidden' var='FORM_TYPE'>"
	    "<value>urn:x</value></field><field type='jid-single' var='with' "
	    "label='With &lt;whom&gt;'><value>a&amp;b</value></field><field var='start'/></x>");
	assert_true(data_form_read(&arena, x, &form));
	assert_slice(data_form_value(&form, "with"), "a&b");
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(fields_are_found_by_name),
		FACT(what_nobody_asked_for_is_unknown),
		FACT(what_cannot_be_is_refused),
		FACT(fields_and_values_have_limits),
		FACT(booleans_have_four_words),
		FACT(a_form_is_built),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
