/* xml_parser_limits_test.c -- no peer makes a parser take more than its limits allow. */
#include "unit.h"

#include <pthread.h>
#include <time.h>

#include "xml_support.h"

static struct buffer bytes;

static int
empty_bytes(void **state)
{
	buffer_clear(&bytes);
	return 0;
}

static void
repeat(const char *text, int count)
{
	while (count-- > 0)
		buffer_append_text(&bytes, text);
}

/* The bytes after a header, cut into pieces. */
static enum parser_error
feed_pieces(struct xml_record *record, const struct parser_limits *limits, size_t piece)
{
	struct slice rest = buffer_slice(&bytes);
	enum parser_error error;

	xml_record_open(record, limits);
	error = xml_record_feed_text(record, XML_HEADER);
	while (error == PARSER_OK && rest.length > 0) {
		if (piece > rest.length)
			piece = rest.length;
		error = xml_record_feed(record, slice_of(rest.data, piece));
		rest = slice_after(rest, piece);
	}
	return error;
}

static enum parser_error
outcome(const struct parser_limits *limits)
{
	struct xml_record record;
	enum parser_error whole = feed_pieces(&record, limits, SIZE_MAX), cut;

	xml_record_close(&record);
	cut = feed_pieces(&record, limits, 7);
	xml_record_close(&record);
	assert_int_equal(whole, cut);
	return whole;
}

/* What open, count times middle, and close come to. */
static enum parser_error
outcome_of(const char *open, const char *middle, int count, const char *close)
{
	buffer_empty(&bytes);
	buffer_append_text(&bytes, open);
	repeat(middle, count);
	buffer_append_text(&bytes, close);
	return outcome(&xml_limits);
}

static void
a_stanza_has_at_most_its_bytes(void **state)
{
	int most = (int)xml_limits.stanza_bytes;

	assert_int_equal(outcome_of("<a>", "x", most - 7, "</a>"), PARSER_OK);
	assert_int_equal(outcome_of("<a>", "x", most - 6, "</a>"), PARSER_TOO_BIG);
	assert_int_equal(outcome_of("<a><![CDATA[", "x", most, ""), PARSER_TOO_BIG);
	assert_int_equal(outcome_of("<a>", "<b>x</b>", 1999, "</a>"), PARSER_OK);
	assert_int_equal(outcome_of("", "<a>x</a>\n", most / 4, ""), PARSER_OK);
}

static void
a_token_has_at_most_its_bytes(void **state)
{
	int most = (int)xml_limits.token_bytes;

	assert_int_equal(outcome_of("<a", " ", most - 4, "/>"), PARSER_OK);
	assert_int_equal(outcome_of("<a", " ", most - 3, "/>"), PARSER_TOKEN);
	assert_int_equal(outcome_of("<a", " ", most, ""), PARSER_TOKEN);
	assert_int_equal(outcome_of("<a b='", "x", most, ""), PARSER_TOKEN);
	assert_int_equal(outcome_of("<a>&", "x", most, ""), PARSER_TOKEN);
	assert_int_equal(outcome_of("<a></a", " ", most, ""), PARSER_TOKEN);
}

static void
names_and_values_have_at_most_their_bytes(void **state)
{
	assert_int_equal(outcome_of("<a b='", "x", 16384, "'/>"), PARSER_OK);
	assert_int_equal(outcome_of("<a b='", "x", 16385, "'/>"), PARSER_VALUE);
	assert_int_equal(outcome_of("<", "x", 256, "/>"), PARSER_OK);
	assert_int_equal(outcome_of("<", "x", 257, "/>"), PARSER_NAME);
	assert_int_equal(outcome_of("<a ", "x", 257, "=''/>"), PARSER_NAME);
	assert_int_equal(outcome_of("<a xmlns='", "x", 257, "'/>"), PARSER_NAME);
}

static void
a_header_has_at_most_8_KiB(void **state)
{
	struct xml_record record;

	buffer_append_text(&bytes, "<a b='");
	repeat("x", 8192);
	xml_record_open(&record, &xml_limits);
	assert_int_equal(xml_record_feed(&record, buffer_slice(&bytes)), PARSER_TOO_BIG);
	xml_record_close(&record);
}

static void
a_stanza_has_at_most_its_elements_depth_and_namespaces(void **state)
{
	assert_int_equal(outcome_of("<a>", "<b/>", 1999, "</a>"), PARSER_OK);
	assert_int_equal(outcome_of("<a>", "<b/>", 2000, "</a>"), PARSER_ELEMENTS);
	assert_int_equal(outcome_of("", "<a>", 64, ""), PARSER_OK);
	assert_int_equal(outcome_of("", "<a>", 65, ""), PARSER_TOO_DEEP);
	assert_int_equal(outcome_of("<a>", "<b xmlns='x'/>", 64, "</a>"), PARSER_OK);
	assert_int_equal(outcome_of("<a>", "<b xmlns='x'/>", 65, "</a>"), PARSER_NAMESPACES);
	assert_int_equal(outcome_of("", "<a xmlns='x'><b/></a>", 100, ""), PARSER_OK);
}

static void
ten_thousand_attributes_are_refused_at_the_limit(void **state)
{
	struct parser_limits limits = xml_limits;

	for (int count = 64; count <= 10000; count++) {
		if (count == 66)
			count = 10000;
		buffer_empty(&bytes);
		buffer_append_text(&bytes, "<a");
		for (int i = 0; i < count; i++)
			buffer_printf(&bytes, " a%d=''", i);
		buffer_append_text(&bytes, "/>");
		limits.token_bytes = limits.stanza_bytes;
		assert_int_equal(outcome(&limits),
		    count == 64 ? PARSER_OK : count == 65 ? PARSER_ATTRIBUTES : PARSER_MEMORY);
	}
}

/* A tag in small pieces is not read again with each (CVE-2023-52425). */
static void
no_byte_of_a_slow_token_is_read_twice(void **state)
{
	static const char *const tokens[][2] = {
		{ "<a b='", "x" }, { "<a ", " " }, { "<a>&", "x" }, { "<a></a", " " },
	};
	struct xml_record record;

	for (size_t i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
		buffer_empty(&bytes);
		buffer_append_text(&bytes, tokens[i][0]);
		repeat(tokens[i][1], 65000);
		assert_int_equal(feed_pieces(&record, &xml_limits, 1), PARSER_OK);
		assert_true(parser_fed(record.parser) <= buffer_length(&bytes) + 1024);
		xml_record_close(&record);
	}
}

static void *
nest_a_million(void *argument)
{
	struct parser_limits limits = {
		.stanza_bytes = 1 << 30,
		.token_bytes = 1024,
		.value_bytes = 1024,
		.name_bytes = 256,
		.memory = 1 << 30,
		.depth = 2000000,
		.attributes = 64,
		.namespaces = 64,
		.elements = 2000000,
	};
	struct xml_record record;

	repeat("<a>", 1000000);
	repeat("</a>", 1000000);
	*(bool *)argument = feed_pieces(&record, &limits, 65536) == PARSER_OK &&
	    record.stanzas == 1;
	xml_record_close(&record);
	return NULL;
}

static void
a_million_levels_need_no_stack(void **state)
{
	pthread_attr_t attributes;
	pthread_t thread;
	bool is_parsed = false;

	pthread_attr_init(&attributes);
	assert_int_equal(pthread_attr_setstacksize(&attributes, 262144), 0);
	assert_int_equal(pthread_create(&thread, &attributes, nest_a_million, &is_parsed),
	    0);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
	assert_true(is_parsed);
}

static void
fresh_names_for_ever_keep_memory_bounded(void **state)
{
	struct xml_record record;

	xml_record_open(&record, &xml_limits);
	xml_record_feed_text(&record, XML_HEADER);
	for (int i = 0; i < 100000; i++) {
		buffer_empty(&bytes);
		buffer_empty(&record.events);
		buffer_printf(&bytes, "<e%d a%d='1' xmlns:n%d='u%d'><n%d:x/></e%d>", i, i, i,
		    i, i, i);
		assert_int_equal(xml_record_feed(&record, buffer_slice(&bytes)), PARSER_OK);
	}
	assert_int_equal(record.stanzas, 100000);
	assert_true(record.most_memory < 2 * xml_limits.memory);
	xml_record_close(&record);
}

static void
fresh_names_in_one_stanza_are_refused_before_memory_is_spent(void **state)
{
	struct xml_record record;

	buffer_append_text(&bytes, "<a>");
	for (int i = 0; buffer_length(&bytes) < 250000; i++) {
		buffer_append_text(&bytes, "<b");
		for (int j = 0; j < 64; j++)
			buffer_printf(&bytes, " a%d=''", i * 64 + j);
		buffer_append_text(&bytes, "/>");
	}
	assert_int_equal(feed_pieces(&record, &xml_limits, 1000), PARSER_TOO_BIG);
	assert_true(record.most_memory < 4 * xml_limits.memory + 10 * xml_limits.stanza_bytes);
	xml_record_close(&record);
}

/* A full stanza of whatever swells most, and no end of it (CVE-2026-43507). */
static void
before_authentication_memory_is_at_most_eight_times_the_bytes(void **state)
{
	static const char *const patterns[] = {
		"<a>", "<a/>", "x", "&lt;", "<a>x</a>", "<a b=''/>", "<a xmlns='u'/>",
		"<a b='' c='' d='' e='' f='' g='' h='' i='' j='' k='' l='' m='' n=''/>",
		"<a xml:a='' xml:b='' xml:c='' xml:d='' xml:e='' xml:f='' xml:g=''/>",
		"<![CDATA[]]>x", "\r", "<a>&#65;&#65;</a>", "\n", "<a b='&#65;&#65;'/>", " ",
		"<xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx>",
	};
	struct xml_record record;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++) {
		for (size_t piece = 1; piece < 8192; piece += 1000) {
			buffer_empty(&bytes);
			buffer_append_text(&bytes, "<m><n>");
			while (buffer_length(&bytes) < xml_early_limits.stanza_bytes)
				buffer_append_text(&bytes, patterns[i]);
			feed_pieces(&record, &xml_early_limits, piece);
			if (record.most_memory >= 8 * xml_early_limits.stanza_bytes)
				print_error("%s: %zu bytes\n", patterns[i], record.most_memory);
			assert_true(record.most_memory < 8 * xml_early_limits.stanza_bytes);
			xml_record_close(&record);
		}
	}
}

static void
limits_may_grow_from_one_stanza_to_the_next(void **state)
{
	struct xml_record record;

	repeat("x", 10000);
	xml_record_open(&record, &xml_early_limits);
	xml_record_feed_text(&record, XML_HEADER);
	parser_set_limits(record.parser, &xml_limits);
	xml_record_feed_text(&record, "<a>");
	xml_record_feed(&record, buffer_slice(&bytes));
	assert_int_equal(xml_record_feed_text(&record, "</a>"), PARSER_OK);
	parser_set_limits(record.parser, &xml_early_limits);
	xml_record_feed_text(&record, "<a>");
	assert_int_equal(xml_record_feed(&record, buffer_slice(&bytes)), PARSER_TOO_BIG);
	xml_record_close(&record);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_stanza_has_at_most_its_bytes, empty_bytes),
		cmocka_unit_test_teardown(a_token_has_at_most_its_bytes, empty_bytes),
		cmocka_unit_test_teardown(names_and_values_have_at_most_their_bytes, empty_bytes),
		cmocka_unit_test_teardown(a_header_has_at_most_8_KiB, empty_bytes),
		cmocka_unit_test_teardown(
		    a_stanza_has_at_most_its_elements_depth_and_namespaces, empty_bytes),
		cmocka_unit_test_teardown(ten_thousand_attributes_are_refused_at_the_limit,
		    empty_bytes),
		cmocka_unit_test_teardown(no_byte_of_a_slow_token_is_read_twice, empty_bytes),
		cmocka_unit_test_teardown(a_million_levels_need_no_stack, empty_bytes),
		cmocka_unit_test_teardown(fresh_names_for_ever_keep_memory_bounded, empty_bytes),
		cmocka_unit_test_teardown(
		    fresh_names_in_one_stanza_are_refused_before_memory_is_spent, empty_bytes),
		cmocka_unit_test_teardown(
		    before_authentication_memory_is_at_most_eight_times_the_bytes, empty_bytes),
		cmocka_unit_test_teardown(limits_may_grow_from_one_stanza_to_the_next,
		    empty_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
