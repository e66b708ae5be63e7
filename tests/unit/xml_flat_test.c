/* xml_flat_test.c -- what is built without expat is what expat would have built. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "xml_support.h"

struct row {
	const char *tag;	/* up to "/>" */
	bool is_flat;
	enum parser_error error;
};

static const struct row rows[] = {
	{ "<r xmlns='urn:xmpp:sm:3'", true, PARSER_OK },
	{ "<a xmlns='urn:xmpp:sm:3' h='17'", true, PARSER_OK },
	{ "<a xmlns=\"urn:xmpp:sm:2\" h=\"4294967295\"", true, PARSER_OK },
	{ "<a xmlns='urn:nobody:knows' b=''", true, PARSER_OK },
	{ "<a xmlns='urn:x' b='\"&gt;>/'", false, PARSER_OK },
	{ "<a xmlns='urn:x' b='\">/=~'", true, PARSER_OK },
	{ "<a xmlns='urn:x' b='1 2'", false, PARSER_OK },
	{ "<a xmlns='urn:x' b='1\t2'", false, PARSER_OK },
	{ "<a xmlns='urn:x' b='\xC3\xA4'", false, PARSER_OK },
	{ "<a xmlns='urn:x' b='1' c='2'", false, PARSER_OK },
	{ "<a b='1' xmlns='urn:x'", false, PARSER_OK },
	{ "<a xmlns='http://etherx.jabber.org/streams'", false, PARSER_OK },
	{ "<a xmlns=''", false, PARSER_OK },
	{ "<a xml:lang='en'", false, PARSER_OK },
	{ "<presence", false, PARSER_OK },
	{ "<a xmlns='urn:x' xmlns='urn:y'", false, PARSER_NOT_WELL_FORMED },
	{ "<a xmlns='urn:x' b='1' b='2'", false, PARSER_NOT_WELL_FORMED },
	{ "<a xmlns='urn:x'b='1'", false, PARSER_NOT_WELL_FORMED },
	{ "<a xmlns='urn:x' b=1", false, PARSER_NOT_WELL_FORMED },
	{ "<a xmlns='urn:x' b=''''", false, PARSER_NOT_WELL_FORMED },
	{ "<a xmlns='http://www.w3.org/2000/xmlns/'", false, PARSER_NAMESPACE },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* Feeds before, tag, end and after, cut in two there; returns how many bytes went to expat. */
static uint64_t
feed_cut(struct xml_record *record, const char *text, size_t cut, enum parser_error expected)
{
	uint64_t before;
	enum parser_error error;

	xml_record_open(record, &xml_limits);
	assert_int_equal(xml_record_feed_text(record, XML_HEADER), PARSER_OK);
	before = parser_fed(record->parser);
	error = xml_record_feed(record, slice_of(text, cut));
	if (error == PARSER_OK)
		error = xml_record_feed_text(record, text + cut);
	assert_int_equal(error, expected);
	return parser_fed(record->parser) - before;
}

/* A space before its end makes it one that expat is asked for. */
static void
assert_same_at_any_cut(const struct row *row, const char *before, const char *after)
{
	struct xml_record flat, full;
	char text[256], spaced[256];
	uint64_t fed;

	snprintf(text, sizeof(text), "%s%s/>%s", before, row->tag, after);
	snprintf(spaced, sizeof(spaced), "%s%s />%s", before, row->tag, after);
	assert_int_equal(feed_cut(&full, spaced, 0, row->error), strlen(spaced));
	for (size_t cut = 0; cut <= strlen(text); cut++) {
		fed = feed_cut(&flat, text, cut, row->error);
		assert_int_equal(fed, row->is_flat && *before == '\0' ? strlen(after)
								      : strlen(text));
		assert_true(slice_equal(buffer_slice(&flat.events),
					buffer_slice(&full.events)));
		xml_record_close(&flat);
	}
	xml_record_close(&full);
}

static void
between_stanzas_it_is_what_expat_would_build(void **state)
{
	for (size_t i = 0; i < ROWS; i++)
		assert_same_at_any_cut(&rows[i], "", "");
}

static void
what_follows_finds_expat_as_it_was(void **state)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].error == PARSER_OK)
			assert_same_at_any_cut(&rows[i], "", "<presence/>");
}

static void
inside_a_stanza_all_goes_to_expat(void **state)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].error == PARSER_OK)
			assert_same_at_any_cut(&rows[i], "<message>", "</message>");
}

static void
one_that_is_released_stays_so(void **state)
{
	struct xml_record record;
	size_t memory;

	xml_record_open(&record, &xml_limits);
	xml_record_feed_text(&record, XML_HEADER "<presence/>");
	parser_release(record.parser);
	memory = parser_memory(record.parser);
	assert_int_equal(xml_record_feed_text(&record, "<a xmlns='urn:xmpp:sm:3' h='1'/>"),
			 PARSER_OK);
	assert_int_equal(record.stanzas, 2);
	assert_int_equal(parser_memory(record.parser), memory);
	assert_int_equal(xml_record_feed_text(&record, "<presence/></stream:stream>"),
			 PARSER_OK);
	assert_int_equal(record.stanzas, 3);
	xml_record_close(&record);
}

static void
a_header_is_never_flat(void **state)
{
	static const char header[] = "<a xmlns='urn:x'/>";
	struct xml_record record;

	xml_record_open(&record, &xml_limits);
	assert_int_equal(xml_record_feed_text(&record, header), PARSER_OK);
	assert_int_equal(parser_fed(record.parser), strlen(header));
	xml_record_close(&record);
}

/* The limits are those of any element. */
static void
its_limits_are_the_trees(void **state)
{
	static const struct row limited[] = {
		{ "<a xmlns='urn:x' h='123'/>", true, PARSER_OK },
		{ "<a xmlns='urn:x' h='1234'/>", true, PARSER_VALUE },
		{ "<a xmlns='urn:xyz1'/>", true, PARSER_OK },
		{ "<a xmlns='urn:xyz12'/>", true, PARSER_NAME },
	};
	struct parser_limits limits = xml_limits;
	struct xml_record record;

	limits.value_bytes = 3;
	limits.name_bytes = 8;
	for (size_t i = 0; i < sizeof(limited) / sizeof(limited[0]); i++) {
		xml_record_open(&record, &xml_limits);
		xml_record_feed_text(&record, XML_HEADER);
		parser_set_limits(record.parser, &limits);
		assert_int_equal(xml_record_feed_text(&record, limited[i].tag),
				 limited[i].error);
		assert_int_equal(record.stanzas, limited[i].error == PARSER_OK);
		xml_record_close(&record);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(between_stanzas_it_is_what_expat_would_build),
		cmocka_unit_test(what_follows_finds_expat_as_it_was),
		cmocka_unit_test(inside_a_stanza_all_goes_to_expat),
		cmocka_unit_test(one_that_is_released_stays_so),
		cmocka_unit_test(a_header_is_never_flat),
		cmocka_unit_test(its_limits_are_the_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
