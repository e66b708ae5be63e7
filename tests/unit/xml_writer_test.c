/* xml_writer_test.c -- what is written is canonical, and parses to the tree it was made of. */
#include "unit.h"

#include "xml/writer.h"
#include "xml_support.h"

static struct arena arena;

static int
clear_arena(void **state)
{
	arena_clear(&arena);
	return 0;
}

struct round {
	struct buffer text;
	struct buffer dump;
};

static void
on_open(void *owner, struct element *header)
{
}

static void
on_end(void *owner)
{
}

static void
on_stanza(void *owner, struct element *stanza)
{
	struct round *round = owner;

	writer_append(stanza, NS_CLIENT, &round->text);
	xml_dump(stanza, &round->dump);
}

/* What the first stanza of a text is written as, and its tree. */
static struct round
round_of(struct slice text)
{
	static const struct parser_events events = { on_open, on_stanza, on_end };
	struct round round = { 0 };
	struct parser *parser = parser_new(&events, &round, &xml_limits);
	size_t consumed;

	parser_feed(parser, SLICE(XML_HEADER), &consumed);
	assert_int_equal(parser_feed(parser, text, &consumed), PARSER_OK);
	parser_free(&parser);
	return round;
}

/* Written as expected; and that is read and written as itself, from the same tree. */
static void
assert_written(const char *text, const char *expected)
{
	struct round first = round_of(slice_from_text(text));
	struct round second = round_of(buffer_slice(&first.text));

	assert_slice(buffer_slice(&first.text), expected);
	assert_slice(buffer_slice(&second.text), expected);
	assert_true(slice_equal(buffer_slice(&first.dump), buffer_slice(&second.dump)));
	buffer_clear(&first.text);
	buffer_clear(&first.dump);
	buffer_clear(&second.text);
	buffer_clear(&second.dump);
}

static void
the_namespace_of_the_stream_is_left_out(void **state)
{
	assert_written("<message xmlns='jabber:client' to=\"a\"><body >x</body ></message>",
	    "<message to='a'><body>x</body></message>");
	assert_written("<iq><q xmlns='jabber:iq:roster'><i/></q><e/></iq>",
	    "<iq><q xmlns='jabber:iq:roster'><i/></q><e/></iq>");
	assert_written("<iq><q xmlns='u'><message xmlns='jabber:client'/></q></iq>",
	    "<iq><q xmlns='u'><message xmlns='jabber:client'/></q></iq>");
}

static void
prefixes_become_default_namespaces(void **state)
{
	assert_written("<c:a xmlns:c='jabber:client' xmlns:u='urn:u'><u:b><u:c/><c:d/></u:b>"
	    "<e xmlns=''/></c:a>", "<a><b xmlns='urn:u'><c/><d xmlns='jabber:client'/></b>"
	    "<e xmlns=''/></a>");
	assert_written("<a xmlns='urn:u&amp;&apos;'/>", "<a xmlns='urn:u&amp;&apos;'/>");
	assert_written("<a xmlns='urn:u'><b xmlns='urn:v'/></a>",
	    "<a xmlns='urn:u'><b xmlns='urn:v'/></a>");
}

static void
attributes_with_a_namespace_get_a_prefix(void **state)
{
	assert_written("<a xmlns:p='urn:p' xmlns:q='urn:q' b='0' p:b='1' q:b='2' p:c='3'/>",
	    "<a b='0' xmlns:a1='urn:p' a1:b='1' xmlns:a2='urn:q' a2:b='2' a1:c='3'/>");
	assert_written("<a xmlns:c='jabber:client' c:b='1'><d c:b='1'/></a>",
	    "<a xmlns:a0='jabber:client' a0:b='1'><d xmlns:a0='jabber:client' a0:b='1'/></a>");
	assert_written("<a xml:lang='de'><b xml:lang='' stream:c='1'/></a>",
	    "<a xml:lang='de'><b xml:lang='' stream:c='1'/></a>");
}

static void
the_prefixes_of_stream_and_xml_change_no_default(void **state)
{
	assert_written("<s:features xmlns:s='http://etherx.jabber.org/streams'>"
	    "<s:b><c/></s:b><d xmlns='u'><s:e><d/></s:e></d><f/></s:features>",
	    "<stream:features><stream:b><c/></stream:b><d xmlns='u'><stream:e><d/></stream:e>"
	    "</d><f/></stream:features>");
	assert_written("<xml:a><b/></xml:a>", "<xml:a><b/></xml:a>");
}

static void
nasty_characters_come_back_as_they_were(void **state)
{
	assert_written("<a b='&lt;&amp;&gt;&quot;&apos;&#9;&#10;&#13;'/>",
	    "<a b='&lt;&amp;&gt;&quot;&apos;&#9;&#10;&#13;'/>");
	assert_written("<a>'\"]]&gt;&lt;&amp;\t\n&#13;\r\n</a>",
	    "<a>'\"]]&gt;&lt;&amp;\t\n&#13;\n</a>");
	assert_written("<a b='&#x85;&#xA0;&#x2028;&#x1F600;'>&#x85;\xC2\xA0&#x10FFFF;</a>",
	    "<a b='\xC2\x85\xC2\xA0\xE2\x80\xA8\xF0\x9F\x98\x80'>\xC2\x85\xC2\xA0"
	    "\xF4\x8F\xBF\xBF</a>");
	assert_written("<a><![CDATA[<b>]]></a>", "<a>&lt;b&gt;</a>");
}

static struct element *
letter(void)
{
	struct element *message = element_new(&arena, NS_CLIENT, "message");

	element_set(&arena, message, "to", SLICE("juliet@a.lit"));
	element_set(&arena, message, "id", SLICE("<1>"));
	element_add_text(&arena, element_add(&arena, message, NS_CLIENT, "body"),
	    SLICE("a & b"));
	return message;
}

static void
nothing_is_written_past_the_end(void **state)
{
	static const char expected[] =
	    "<message to='juliet@a.lit' id='&lt;1&gt;'><body>a &amp; b</body></message>";
	size_t length = sizeof(expected) - 1;
	char out[128];

	for (size_t size = 0; size <= length; size++) {
		memset(out, '#', sizeof(out));
		assert_int_equal(writer_write(letter(), NS_CLIENT, out, size), length);
		assert_memory_equal(out, expected, size);
		assert_int_equal(out[size], '#');
	}
	assert_int_equal(writer_write(letter(), NS_CLIENT, NULL, 0), length);
}

static void
a_large_element_finds_room_in_a_buffer(void **state)
{
	struct element *top = element_new(&arena, NS_CLIENT, "a");
	struct buffer out;

	for (int i = 0; i < 10000; i++)
		element_add(&arena, top, NS_CLIENT, "b");
	buffer_init(&out);
	buffer_append_text(&out, "x");
	writer_append(top, NS_CLIENT, &out);
	assert_int_equal(buffer_length(&out), 1 + 40000 + 7);
	buffer_clear(&out);
}

static void
in_another_stream_the_namespace_is_told(void **state)
{
	char out[128];
	size_t length = writer_write(element_new(&arena, NS_CLIENT, "a"), NS_SERVER, out,
	    sizeof(out));

	assert_slice(slice_of(out, length), "<a xmlns='jabber:client'/>");
}

static void
a_hole_is_where_the_recipient_goes(void **state)
{
	struct element *message = letter();
	char out[128];
	size_t hole, length;

	length = writer_write_hole(message, NS_CLIENT, out, sizeof(out), &hole);
	assert_slice(slice_of(out, length),
	    "<message to='' id='&lt;1&gt;'><body>a &amp; b</body></message>");
	assert_int_equal(hole, sizeof("<message to='") - 1);

	element_unset(message, "to");
	element_set(&arena, element_first(message), "to", SLICE("kept"));
	length = writer_write_hole(message, NS_CLIENT, out, sizeof(out), &hole);
	assert_slice(slice_of(out, length),
	    "<message id='&lt;1&gt;' to=''><body to='kept'>a &amp; b</body></message>");
	assert_int_equal(hole, sizeof("<message id='&lt;1&gt;' to='") - 1);
}

static void
escaped_text_is_good_in_text_and_in_values(void **state)
{
	struct buffer out;

	buffer_init(&out);
	writer_escape(SLICE("a<b>'\"&\r\n\t"), &out);
	assert_slice(buffer_slice(&out), "a&lt;b&gt;&apos;&quot;&amp;&#13;&#10;&#9;");
	buffer_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_namespace_of_the_stream_is_left_out),
		cmocka_unit_test(prefixes_become_default_namespaces),
		cmocka_unit_test(attributes_with_a_namespace_get_a_prefix),
		cmocka_unit_test(the_prefixes_of_stream_and_xml_change_no_default),
		cmocka_unit_test(nasty_characters_come_back_as_they_were),
		cmocka_unit_test(nothing_is_written_past_the_end),
		cmocka_unit_test(a_large_element_finds_room_in_a_buffer),
		cmocka_unit_test(in_another_stream_the_namespace_is_told),
		cmocka_unit_test(a_hole_is_where_the_recipient_goes),
		cmocka_unit_test(escaped_text_is_good_in_text_and_in_values),
	};

	arena_init(&arena);
	return cmocka_run_group_tests(tests, NULL, clear_arena);
}
