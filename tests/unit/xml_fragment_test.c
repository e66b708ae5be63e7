/* xml_fragment_test.c -- what was kept as bytes is read back as it was, and nothing else is. */
#include "unit.h"

#include "xml/fragment.h"
#include "xml/writer.h"

static struct arena arena;

static int
clear_arena(void **state)
{
	arena_clear(&arena);
	return 0;
}

static void
assert_comes_back(const char *text)
{
	struct element *element = fragment_read(&arena, slice_from_text(text));
	struct buffer written;

	assert_non_null(element);
	buffer_init(&written);
	writer_append(element, NS_CLIENT, &written);
	assert_true(slice_is(buffer_slice(&written), text));
	buffer_clear(&written);
}

static void
an_element_comes_back_as_it_was_written(void **state)
{
	assert_comes_back("<body/>");
	assert_comes_back("<body a='1' xml:lang='en'>R &amp; J &lt;<b xmlns='b:b'>2</b>3</body>");
	assert_comes_back("<x xmlns='x:y'><y xmlns='jabber:client'><z xmlns=''/></y></x>");
}

/* Deeper and larger than a peer may send: what was let in comes out. */
static void
no_limit_of_peers_holds(void **state)
{
	struct buffer text;

	buffer_init(&text);
	for (int i = 0; i < 500; i++)
		buffer_append_text(&text, "<a xmlns='a:a'><b xmlns='b:b'>");
	for (int i = 0; i < 100000; i++)
		buffer_append_byte(&text, 'x');
	for (int i = 0; i < 500; i++)
		buffer_append_text(&text, "</b></a>");
	assert_non_null(fragment_read(&arena, buffer_slice(&text)));
	buffer_clear(&text);
}

static void
anything_but_one_element_is_refused(void **state)
{
	static const char *const texts[] = { "", " ", "text", "<a>", "<a></b>", "</a>",
		"<a/><b/>", "<a/>b", "<a/></stream:stream>", "</stream:stream>", "<a/><",
		"<a><?pi?></a>", "<p:a/>", "<a>\xff</a>" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (fragment_read(&arena, slice_from_text(texts[i])) != NULL)
			fail_msg("%s", texts[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(an_element_comes_back_as_it_was_written, clear_arena),
		cmocka_unit_test_teardown(no_limit_of_peers_holds, clear_arena),
		cmocka_unit_test_teardown(anything_but_one_element_is_refused, clear_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
