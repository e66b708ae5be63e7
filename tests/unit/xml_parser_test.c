/* xml_parser_test.c -- what a parser delivers, and how it stops, pauses and rests. */
#include "unit.h"

#include "base/arena.h"
#include "xml_support.h"

#define ROOT "(3{http://etherx.jabber.org/streams}stream"

static void
assert_events(struct xml_record *record, const char *expected)
{
	assert_slice(buffer_slice(&record->events), expected);
	buffer_empty(&record->events);
	record->stanzas = 0;
}

/* A stream whose header is behind it. */
static void
open_stream(struct xml_record *record)
{
	xml_record_open(record, &xml_limits);
	assert_int_equal(xml_record_feed_text(record, XML_HEADER), PARSER_OK);
	buffer_empty(&record->events);
}

static void
a_stream_is_a_header_its_stanzas_and_an_end(void **state)
{
	struct xml_record record;

	xml_record_open(&record, &xml_limits);
	assert_int_equal(xml_record_feed_text(&record,
	    "<?xml version='1.0' encoding='utf-8'?>\n<s:stream xmlns='jabber:client' "
	    "xmlns:s='http://etherx.jabber.org/streams' to='a.lit'>\n"
	    "<message id='1'><body>a&lt;b&#x1F600;</body> <x xmlns='urn:x'/></message>\n"
	    "<presence/></s:stream>\n"), PARSER_OK);
	assert_events(&record,
	    "open " ROOT " 0{}to=[a.lit])\n"
	    "(4{jabber:client}message 0{}id=[1](4{jabber:client}body"
	    "[a<b\xF0\x9F\x98\x80])[ ](1{urn:x}x))\n"
	    "(4{jabber:client}presence)\nend\n");
	xml_record_close(&record);
}

static void
an_empty_stream_opens_and_ends(void **state)
{
	struct xml_record record;

	xml_record_open(&record, &xml_limits);
	assert_int_equal(xml_record_feed_text(&record,
	    "<s:stream xmlns:s='http://etherx.jabber.org/streams'/>"), PARSER_OK);
	assert_events(&record, "open " ROOT ")\nend\n");
	xml_record_close(&record);
}

static void
prefixes_are_only_names_for_namespaces(void **state)
{
	struct xml_record record;

	open_stream(&record);
	xml_record_feed_text(&record,
	    "<c:iq xmlns:c='jabber:client' xmlns:x='urn:x' xml:lang='de' x:a='1' a='2'>"
	    "<x:q xmlns=''><none/></x:q></c:iq>");
	assert_events(&record,
	    "(4{jabber:client}iq 2{http://www.w3.org/XML/1998/namespace}lang=[de] "
	    "1{urn:x}a=[1] 0{}a=[2](1{urn:x}q(0{}none)))\n");
	xml_record_close(&record);
}

static void
cdata_is_text(void **state)
{
	struct xml_record record;

	open_stream(&record);
	xml_record_feed_text(&record,
	    "<message>a<![CDATA[<b>]]&amp;]]]>c<![CDATA[]]></message>");
	assert_events(&record, "(4{jabber:client}message[a<b>]]&amp;]c])\n");
	xml_record_close(&record);
}

static void
ends_of_lines_are_normal(void **state)
{
	struct xml_record record;

	open_stream(&record);
	xml_record_feed_text(&record, "<a b='1\r\n2&#13;&#10;&#9;'>x\r\ny\rz&#13;</a>");
	assert_events(&record, "(4{jabber:client}a 0{}b=[1 2\r\n\t][x\ny\nz\r])\n");
	xml_record_close(&record);
}

static void
a_byte_order_mark_inside_a_stream_is_a_space_of_no_width(void **state)
{
	struct xml_record record;

	open_stream(&record);
	xml_record_feed_text(&record, "<a>\xEF\xBB\xBFx</a>");
	assert_events(&record, "(4{jabber:client}a[\xEF\xBB\xBFx])\n");
	xml_record_close(&record);
}

static void
stop_tells_where_the_next_parser_begins(void **state)
{
	static const char bytes[] = "<presence/><auth>x</auth>\xff\xfe<stream:stream>";
	struct xml_record record;
	size_t consumed, all = sizeof(bytes) - 1;
	size_t length = sizeof("<presence/><auth>x</auth>") - 1;

	for (size_t cut = 0; cut <= all; cut++) {
		open_stream(&record);
		record.stops_at = "auth";
		assert_int_equal(parser_feed(record.parser, slice_of(bytes, cut),
		    &consumed), PARSER_OK);
		assert_int_equal(consumed, cut < length ? cut : length);
		assert_int_equal(parser_feed(record.parser,
		    slice_of(bytes + cut, all - cut), &consumed), PARSER_OK);
		assert_int_equal(consumed, cut < length ? length - cut : 0);
		assert_int_equal(record.stanzas, 2);
		xml_record_close(&record);
	}
}

static void
while_paused_no_stanza_comes(void **state)
{
	struct xml_record record;

	open_stream(&record);
	record.pauses = true;
	assert_int_equal(xml_record_feed_text(&record, "<a/><b/> <c"), PARSER_OK);
	assert_events(&record, "(4{jabber:client}a)\n");
	assert_true(parser_is_paused(record.parser));
	assert_false(parser_is_at_rest(record.parser));

	assert_int_equal(xml_record_feed_text(&record, "/><d"), PARSER_OK);
	assert_events(&record, "");
	assert_false(parser_resume(record.parser));
	assert_events(&record, "(4{jabber:client}b)\n");
	assert_false(parser_resume(record.parser));
	assert_events(&record, "(4{jabber:client}c)\n");
	assert_true(parser_resume(record.parser));
	record.pauses = false;
	assert_int_equal(xml_record_feed_text(&record, "/>"), PARSER_OK);
	assert_events(&record, "(4{jabber:client}d)\n");
	assert_true(parser_is_at_rest(record.parser));
	xml_record_close(&record);
}

static void
what_is_wrong_behind_a_pause_is_told_by_resume(void **state)
{
	struct xml_record record;

	open_stream(&record);
	record.pauses = true;
	assert_int_equal(xml_record_feed_text(&record, "<a/><b/><!--"), PARSER_OK);
	record.pauses = false;
	assert_int_equal(parser_failure(record.parser), PARSER_OK);
	assert_true(parser_resume(record.parser));
	assert_int_equal(record.stanzas, 2);
	assert_int_equal(parser_failure(record.parser), PARSER_RESTRICTED);
	assert_int_equal(xml_record_feed_text(&record, ">"), PARSER_RESTRICTED);
	xml_record_close(&record);
}

static void
bytes_behind_a_pause_can_go_to_another_parser(void **state)
{
	struct xml_record record, next;

	open_stream(&record);
	record.pauses = true;
	xml_record_feed_text(&record, "<auth/>" XML_HEADER "<pre");
	xml_record_feed_text(&record, "sence/>");
	parser_stop(record.parser);
	xml_record_open(&next, &xml_limits);
	assert_int_equal(xml_record_feed(&next, parser_held(record.parser)), PARSER_OK);
	assert_int_equal(next.stanzas, 1);
	xml_record_close(&next);
	xml_record_close(&record);
}

static void
white_space_keeps_a_connection_alive_and_the_parser_at_rest(void **state)
{
	struct xml_record record;
	size_t memory;

	open_stream(&record);
	xml_record_feed_text(&record, "<a/>");
	assert_true(parser_is_at_rest(record.parser));
	parser_release(record.parser);
	memory = parser_memory(record.parser);
	assert_int_equal(xml_record_feed_text(&record, " \t\r\n"), PARSER_OK);
	assert_true(parser_is_at_rest(record.parser));
	assert_int_equal(parser_memory(record.parser), memory);
	assert_true(memory < 1024);
	xml_record_close(&record);
}

static void
a_released_parser_goes_on_where_it_was(void **state)
{
	struct xml_record record;

	xml_record_open(&record, &xml_limits);
	parser_release(record.parser);
	xml_record_feed_text(&record,
	    "<?xml version='1.0'?> <s:stream xmlns='jabber:client' xmlns:p='urn:p&amp;q' "
	    "xmlns:s='http://etherx.jabber.org/streams' a='>/>' xml:lang='en'\n>");
	buffer_empty(&record.events);
	for (int i = 0; i < 3; i++) {
		parser_release(record.parser);
		xml_record_feed_text(&record, "<p:x p:a='1'><y/></p:x>");
		assert_events(&record, "(1{urn:p&q}x 1{urn:p&q}a=[1](4{jabber:client}y))\n");
	}
	parser_release(record.parser);
	assert_int_equal(xml_record_feed_text(&record, "</s:stream>"), PARSER_OK);
	assert_events(&record, "end\n");
	parser_release(record.parser);
	assert_int_equal(xml_record_feed_text(&record, "<a/>"), PARSER_NOT_WELL_FORMED);
	xml_record_close(&record);
}

static void
inside_a_stanza_nothing_is_released(void **state)
{
	struct xml_record record;

	open_stream(&record);
	xml_record_feed_text(&record, "<a><b>");
	assert_false(parser_is_at_rest(record.parser));
	parser_release(record.parser);
	assert_int_equal(xml_record_feed_text(&record, "</b></a><"), PARSER_OK);
	assert_events(&record, "(4{jabber:client}a(4{jabber:client}b))\n");
	parser_release(record.parser);
	assert_int_equal(xml_record_feed_text(&record, "c/>"), PARSER_OK);
	assert_events(&record, "(4{jabber:client}c)\n");
	xml_record_close(&record);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_is_a_header_its_stanzas_and_an_end),
		cmocka_unit_test(an_empty_stream_opens_and_ends),
		cmocka_unit_test(prefixes_are_only_names_for_namespaces),
		cmocka_unit_test(cdata_is_text),
		cmocka_unit_test(ends_of_lines_are_normal),
		cmocka_unit_test(a_byte_order_mark_inside_a_stream_is_a_space_of_no_width),
		cmocka_unit_test(stop_tells_where_the_next_parser_begins),
		cmocka_unit_test(while_paused_no_stanza_comes),
		cmocka_unit_test(what_is_wrong_behind_a_pause_is_told_by_resume),
		cmocka_unit_test(bytes_behind_a_pause_can_go_to_another_parser),
		cmocka_unit_test(white_space_keeps_a_connection_alive_and_the_parser_at_rest),
		cmocka_unit_test(a_released_parser_goes_on_where_it_was),
		cmocka_unit_test(inside_a_stanza_nothing_is_released),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
