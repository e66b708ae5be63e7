/* xml_parser_cut_test.c -- wherever the network cuts the bytes, the same comes out, at once. */
#include "unit.h"

#include "xml_support.h"

static const char *const corpus[] = {
	"<presence/>",
	"<message to='a' from=\"b\" id='1'><body>Hark!</body></message>",
	"<message><body>a&lt;b &amp; c&#x1F600;\r\n\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"
	"</body><x xmlns='urn:x' y='a>b/>' z=\"'\"/></message>",
	"<iq type='set' ><q:query xmlns:q='jabber:iq:roster' q:a='&quot;'><q:item/>\n"
	"<q:item jid='x&#10;y'></q:item ></q:query></iq>",
	"<a><![CDATA[<b>]]>]]&gt;]]<![CDATA[]]]]><c d='\n\t'/></a>",
	"<a>]</a>", "<a>\r</a>", "<\xC3\xA9t\xC3\xA9 \xC3\xA0='\xC3\xA9'/>",
};

/* What goes wrong must go wrong at the same byte. */
static const char *const wrong[] = {
	"<a><b></a>", "<a b='1' b='2'/><c/>", "<a/>x<b/>", "<a>\xC3(</a>", "<a>&nope;</a>",
	"<a/><!-- -->", "<a b='<'/>", "<a><b></c><!-- ", "<p:a/>", "<a>x<?y?></a>",
};

static struct buffer
outcome_of(struct slice bytes, size_t first, size_t second)
{
	struct xml_record record;
	const size_t cuts[] = { 0, first, second, bytes.length };

	xml_record_open(&record, &xml_limits);
	xml_record_feed_text(&record, XML_HEADER);
	for (int i = 0; i < 3; i++)
		xml_record_feed(&record,
		    slice_of(bytes.data + cuts[i], cuts[i + 1] - cuts[i]));
	buffer_printf(&record.events, "error %d", (int)parser_failure(record.parser));
	parser_free(&record.parser);
	return record.events;
}

static struct buffer
outcome_by_byte(struct slice bytes)
{
	struct xml_record record;

	xml_record_open(&record, &xml_limits);
	xml_record_feed_text(&record, XML_HEADER);
	for (size_t i = 0; i < bytes.length; i++)
		xml_record_feed(&record, slice_of(bytes.data + i, 1));
	buffer_printf(&record.events, "error %d", (int)parser_failure(record.parser));
	parser_free(&record.parser);
	return record.events;
}

static void
assert_same(struct buffer expected, struct buffer actual, struct slice bytes)
{
	if (!slice_equal(buffer_slice(&expected), buffer_slice(&actual)))
		fail_msg(SLICE_FMT "\nis " SLICE_FMT "\nnot " SLICE_FMT, SLICE_ARG(bytes),
		    SLICE_ARG(buffer_slice(&actual)), SLICE_ARG(buffer_slice(&expected)));
	buffer_clear(&actual);
}

static void
cut_everywhere(const char *text)
{
	struct slice bytes = slice_from_text(text);
	struct buffer whole = outcome_of(bytes, bytes.length, bytes.length);

	for (size_t i = 0; i <= bytes.length; i++)
		for (size_t j = i; j <= bytes.length; j++)
			assert_same(whole, outcome_of(bytes, i, j), bytes);
	assert_same(whole, outcome_by_byte(bytes), bytes);
	buffer_clear(&whole);
}

static void
a_stanza_cut_in_two_three_or_bytes_is_the_same_stanza(void **state)
{
	for (size_t i = 0; i < sizeof(corpus) / sizeof(*corpus); i++)
		cut_everywhere(corpus[i]);
}

static void
an_error_is_the_same_error_at_any_cut(void **state)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		cut_everywhere(wrong[i]);
}

static void
the_last_byte_delivers_a_stanza(void **state)
{
	for (size_t i = 0; i < sizeof(corpus) / sizeof(*corpus); i++) {
		struct slice bytes = slice_from_text(corpus[i]);
		struct xml_record record;

		xml_record_open(&record, &xml_limits);
		xml_record_feed_text(&record, XML_HEADER);
		for (size_t cut = 0; cut < bytes.length; cut++) {
			record.stanzas = 0;
			xml_record_feed(&record, slice_of(bytes.data, cut));
			assert_int_equal(record.stanzas, 0);
			xml_record_feed(&record, slice_after(bytes, cut));
			assert_int_equal(record.stanzas, 1);
		}
		xml_record_close(&record);
	}
}

static void
a_header_may_be_cut_anywhere(void **state)
{
	static const char stream[] = "<?xml version='1.0'?>\n" XML_HEADER "<a/>";

	for (size_t cut = 0; cut < sizeof(stream); cut++) {
		struct xml_record record;

		xml_record_open(&record, &xml_limits);
		xml_record_feed(&record, slice_of(stream, cut));
		xml_record_feed_text(&record, stream + cut);
		assert_int_equal(parser_failure(record.parser), PARSER_OK);
		assert_int_equal(record.stanzas, 1);
		xml_record_close(&record);
	}
}

static void
pauses_and_releases_change_nothing_at_any_cut(void **state)
{
	static const char stream[] = "<a/><b c='d'>e</b> <f><g/></f>";
	struct slice bytes = SLICE(stream);

	for (size_t cut = 0; cut <= bytes.length; cut++) {
		struct xml_record record;

		xml_record_open(&record, &xml_limits);
		xml_record_feed_text(&record, XML_HEADER);
		record.pauses = true;
		xml_record_feed(&record, slice_of(bytes.data, cut));
		parser_release(record.parser);
		xml_record_feed(&record, slice_after(bytes, cut));
		while (!parser_resume(record.parser))
			parser_release(record.parser);
		assert_int_equal(parser_failure(record.parser), PARSER_OK);
		assert_int_equal(record.stanzas, 3);
		xml_record_close(&record);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stanza_cut_in_two_three_or_bytes_is_the_same_stanza),
		cmocka_unit_test(an_error_is_the_same_error_at_any_cut),
		cmocka_unit_test(the_last_byte_delivers_a_stanza),
		cmocka_unit_test(a_header_may_be_cut_anywhere),
		cmocka_unit_test(pauses_and_releases_change_nothing_at_any_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
