/* xml_parser_refuse_test.c -- what XML and RFC 6120 11 forbid is refused, and by which name. */
#include "unit.h"

#include "xml_support.h"

/* At any cut, and no stanza of it is delivered. */
static void
assert_refused(const char *bytes, enum parser_error expected)
{
	size_t length = strlen(bytes);
	struct xml_record record;
	enum parser_error error;

	for (int whole = 0; whole < 2; whole++) {
		size_t piece = whole ? length : 1;

		xml_record_open(&record, &xml_limits);
		error = xml_record_feed_text(&record, XML_HEADER);
		for (size_t at = 0; at < length && error == PARSER_OK; at += piece)
			error = xml_record_feed(&record, slice_of(bytes + at, piece));
		if (error != expected)
			print_error("%s: %s\n", bytes, parser_error_text(error));
		assert_int_equal(error, expected);
		assert_int_equal(record.stanzas, 0);
		xml_record_close(&record);
	}
}

static void
comments_instructions_and_doctypes_are_restricted(void **state)
{
	static const char *const restricted[] = {
		"<!-- x -->", "<!-", "<!DOCTYPE x>", "<!DOC", "<!ELEMENT", "<!ENTITY", "<!x",
		"<![INCLUDE[", "<?xml version='1.0'?>", "<?php", "<?", "<a><!--", "<a><!D",
		"<a><?x ?></a>", "<a>x<![cdata[", "<a><b/><!ENTITY",
	};

	for (size_t i = 0; i < sizeof(restricted) / sizeof(*restricted); i++)
		assert_refused(restricted[i], PARSER_RESTRICTED);
	assert_int_equal(xml_try("<!DOCTYPE"), PARSER_RESTRICTED);
	assert_int_equal(xml_try(" <?xml "), PARSER_RESTRICTED);
	assert_int_equal(xml_try("<?xml-stylesheet"), PARSER_RESTRICTED);
	assert_int_equal(xml_try("<?xml version='1.0'?><?xml"), PARSER_RESTRICTED);
	assert_int_equal(xml_try("<?xml version='1.0'?><!DOCTYPE"), PARSER_RESTRICTED);
	assert_int_equal(xml_try("<a/><!--"), PARSER_NOT_WELL_FORMED);
}

static void
entities_beyond_the_five_are_restricted(void **state)
{
	assert_refused("<a>&nbsp;</a>", PARSER_RESTRICTED);
	assert_refused("<a b='&nbsp;'/>", PARSER_RESTRICTED);
	assert_refused("<a>&\xC3\xA9;</a>", PARSER_RESTRICTED);
	assert_refused("<a>&LT;</a>", PARSER_RESTRICTED);
	assert_int_equal(xml_try(XML_HEADER "<a b='&lt;&gt;&amp;&apos;&quot;&#65;'>"
	    "&lt;&gt;&amp;&apos;&quot;&#x41;</a>"), PARSER_OK);
}

static void
billion_laughs_expand_nothing(void **state)
{
	struct xml_record record;
	struct buffer bytes;

	buffer_init(&bytes);
	buffer_append_text(&bytes, "<!DOCTYPE x [<!ENTITY a0 \"ha\">");
	for (int i = 1; i < 10; i++) {
		buffer_printf(&bytes, "<!ENTITY a%d \"", i);
		for (int j = 0; j < 10; j++)
			buffer_printf(&bytes, "&a%d;", i - 1);
		buffer_append_text(&bytes, "\">");
	}
	buffer_append_text(&bytes, "]><x>&a9;</x>");
	xml_record_open(&record, &xml_limits);
	assert_int_equal(xml_record_feed(&record, buffer_slice(&bytes)), PARSER_RESTRICTED);
	assert_true(record.most_memory < 1024);	/* expat was not even made */
	xml_record_close(&record);
	buffer_clear(&bytes);
}

static void
the_declaration_says_version_1_0_and_utf8(void **state)
{
	assert_int_equal(xml_try("<?xml version='1.0'?>" XML_HEADER), PARSER_OK);
	assert_int_equal(xml_try("<?xml version=\"1.0\" encoding='Utf-8' standalone='yes' ?>"
	    "\r\n" XML_HEADER), PARSER_OK);
	assert_int_equal(xml_try("<?xml version='1.1'?>"), PARSER_NOT_WELL_FORMED);
	assert_int_equal(xml_try("<?xml encoding='UTF-8'?>"), PARSER_NOT_WELL_FORMED);
	assert_int_equal(xml_try("<?xml version='1.0'>"), PARSER_NOT_WELL_FORMED);
	assert_int_equal(xml_try("<?xml version='1.0' encoding='UTF-16'?>"),
	    PARSER_ENCODING);
	assert_int_equal(xml_try("<?xml version='1.0' encoding='ISO-8859-1'?>"),
	    PARSER_ENCODING);
	assert_int_equal(xml_try("\xEF\xBB\xBF" XML_HEADER), PARSER_NOT_WELL_FORMED);
}

static void
every_sequence_that_is_not_utf8_is_refused(void **state)
{
	static const char *const wrong[] = {
		"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2x", "\xC2", "\xE0\x80\x80",
		"\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xE1\x80", "\xEF\xBF",
		"\xF0\x80\x80\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5", "\xF8",
		"\xFE", "\xFF", "\xF0\x9F\x98", "\xC2\xC2",
	};
	static const char *const places[] = {
		"<a>%s</a>", "<a b='%s'/>", "<a%s/>", "<a b%s=''/>", "<%s/>", "%s<a/>",
		"<x xmlns='%s'/>", "<a>&%s;</a>", "<a><![CDATA[%s]]></a>", "</%s>",
	};
	struct buffer bytes;
	struct xml_record record;

	buffer_init(&bytes);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		for (size_t j = 0; j < sizeof(places) / sizeof(*places); j++) {
			const char *hole = strchr(places[j], '%');

			buffer_empty(&bytes);
			buffer_append(&bytes, slice_of(places[j], (size_t)(hole - places[j])));
			buffer_append_text(&bytes, wrong[i]);
			buffer_append_text(&bytes, hole + 2);
			xml_record_open(&record, &xml_limits);
			xml_record_feed_text(&record, XML_HEADER);
			assert_int_not_equal(
			    xml_record_feed(&record, buffer_slice(&bytes)), PARSER_OK);
			assert_int_equal(record.stanzas, 0);
			xml_record_close(&record);
		}
	}
	buffer_clear(&bytes);
	assert_refused("<a>\xC0\x80</a>", PARSER_INVALID_UTF8);
	assert_refused("<a b='\xED\xA0\x80", PARSER_INVALID_UTF8);
}

static void
characters_that_xml_forbids_are_refused(void **state)
{
	struct xml_record record;

	assert_refused("<a>\x01</a>", PARSER_NOT_WELL_FORMED);
	assert_refused("<a b='\x1F'/>", PARSER_NOT_WELL_FORMED);
	assert_refused("<a>\xEF\xBF\xBE</a>", PARSER_NOT_WELL_FORMED);
	assert_refused("<a>\xEF\xBF\xBF</a>", PARSER_NOT_WELL_FORMED);
	assert_refused("<a>&#0;</a>", PARSER_NOT_WELL_FORMED);
	assert_refused("<a>&#xD800;</a>", PARSER_NOT_WELL_FORMED);
	assert_refused("<a>&#x110000;</a>", PARSER_NOT_WELL_FORMED);
	xml_record_open(&record, &xml_limits);
	xml_record_feed_text(&record, XML_HEADER);
	assert_int_equal(xml_record_feed(&record, SLICE("<a>\0</a>")),
	    PARSER_NOT_WELL_FORMED);
	xml_record_close(&record);
}

static void
what_is_not_well_formed_is_refused_at_once(void **state)
{
	static const char *const wrong[] = {
		"<a></b>", "<a b='1' b='2'/>", "<a b=x/>", "<a b/>", "<a <", "<a b='<", "< a/>",
		"<>", "</>", "<a/ >", "<a>]]></a>", "<a>& </a>", "<a>&<", "x", "&", "&#32;",
		"<![CDATA[", "<a b='1'c='2'/>", "<1/>", "<a:b:c xmlns:a='u'/>", "<a></a b='1'>",
		"</other>", "<a>&#x;</a>", "<a\x01>", "</a<",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_refused(wrong[i], PARSER_NOT_WELL_FORMED);
	assert_int_equal(xml_try("x"), PARSER_NOT_WELL_FORMED);
	assert_int_equal(xml_try("</a>"), PARSER_NOT_WELL_FORMED);
	assert_int_equal(xml_try("<a></a>x"), PARSER_NOT_WELL_FORMED);
	assert_int_equal(xml_try("<a></a><b>"), PARSER_NOT_WELL_FORMED);
	assert_int_equal(xml_try("GET / HTTP/1.1\r\n"), PARSER_NOT_WELL_FORMED);
}

static void
prefixes_must_be_declared_and_the_reserved_ones_left_alone(void **state)
{
	static const char *const wrong[] = {
		"<p:a/>", "<a p:b=''/>", "<a xmlns:p=''/>", "<a xmlns:xml='urn:x'/>",
		"<a xmlns:xmlns='urn:x'/>", "<a xmlns:p='http://www.w3.org/2000/xmlns/'/>",
		"<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
		"<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_refused(wrong[i], PARSER_NAMESPACE);
	assert_refused("<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>",
	    PARSER_NOT_WELL_FORMED);
}

static void
no_uri_can_contain_the_separator(void **state)
{
	struct xml_record record;

	assert_refused("<x xmlns='jabber:client\xFFiq'/>", PARSER_INVALID_UTF8);
	xml_record_open(&record, &xml_limits);
	xml_record_feed_text(&record, XML_HEADER);
	buffer_empty(&record.events);
	assert_int_equal(xml_record_feed_text(&record,
	    "<x xmlns='jabber:client&#xFF;iq'/>"), PARSER_OK);
	assert_slice(buffer_slice(&record.events), "(1{jabber:client\xC3\xBFiq}x)\n");
	xml_record_close(&record);
}

static void
after_an_error_nothing_more_is_parsed(void **state)
{
	struct xml_record record;

	xml_record_open(&record, &xml_limits);
	assert_int_equal(xml_record_feed_text(&record, XML_HEADER "<a/><b></c><d/>"),
	    PARSER_NOT_WELL_FORMED);
	assert_int_equal(record.stanzas, 1);
	assert_int_equal(xml_record_feed_text(&record, "<d/>"), PARSER_NOT_WELL_FORMED);
	assert_true(parser_resume(record.parser));
	assert_int_equal(record.stanzas, 1);
	xml_record_close(&record);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comments_instructions_and_doctypes_are_restricted),
		cmocka_unit_test(entities_beyond_the_five_are_restricted),
		cmocka_unit_test(billion_laughs_expand_nothing),
		cmocka_unit_test(the_declaration_says_version_1_0_and_utf8),
		cmocka_unit_test(every_sequence_that_is_not_utf8_is_refused),
		cmocka_unit_test(characters_that_xml_forbids_are_refused),
		cmocka_unit_test(what_is_not_well_formed_is_refused_at_once),
		cmocka_unit_test(prefixes_must_be_declared_and_the_reserved_ones_left_alone),
		cmocka_unit_test(no_uri_can_contain_the_separator),
		cmocka_unit_test(after_an_error_nothing_more_is_parsed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
