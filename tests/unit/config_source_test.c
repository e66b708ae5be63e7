/* config_source_test.c -- what libconfig would take in silence is repaired or reported. */
#include "config/config_source.h"

#include "config_unit.h"

static void
on_mistake(void *owner, unsigned line, const char *mistake)
{
	buffer_printf(owner, "%u %s\n", line, mistake);
}

static void
check(struct slice text, const char *copied, const char *mistakes)
{
	struct buffer out, said;

	buffer_init(&out);
	buffer_init(&said);
	config_source_read(text, &out, on_mistake, &said);
	if (copied != NULL)
		assert_string_equal(buffer_slice(&out).data, copied);
	assert_slice(buffer_slice(&said), mistakes);
	buffer_clear(&out);
	buffer_clear(&said);
}

static void
ordinary_text_stays_as_it_is(void **state)
{
	static const char text[] = "a = 1; # 99999999999\nb = \"x \\\" \\\\ 99999999999\"; /* 9\n */\n"
				   "a-99999999999 = 2147483647; // \"\nc = 1.5e+99999999999;";

	check(slice_from_text(text), text, "");
	check(SLICE_EMPTY, "", "");
}

static void
large_numbers_get_their_suffix(void **state)
{
	check(SLICE("a=2147483648,"), "a=2147483648L,", "");
	check(SLICE("a=-5000000000;"), "a=-5000000000L;", "");
	check(SLICE("a=5000000000L;"), "a=5000000000L;", "");
	check(SLICE("a=5000000000LL;"), "a=5000000000LL;", "");
	check(SLICE("a=0x80000000;"), "a=0x80000000L;", "");
	check(SLICE("9223372036854775807"), "9223372036854775807L", "");
	check(SLICE("\n9223372036854775808"), NULL, "2 a number that is too large\n");
	check(SLICE("0xffffffffffffffff"), NULL, "1 a number that is too large\n");
}

static void
what_has_no_end_is_reported_where_it_began(void **state)
{
	check(SLICE("\n/* a\n*"), NULL, "2 the comment has no end\n");
	check(SLICE("\n\n\"a\nb\\\""), NULL, "3 the text has no end\n");
	check(SLICE("/**/"), "/**/", "");
	check(SLICE("/*/"), NULL, "1 the comment has no end\n");
}

static void
nul_bytes_are_reported(void **state)
{
	check(SLICE("a\n\0b"), "a\n b", "2 a NUL byte\n");
	check(SLICE("\"\n\\x00\""), NULL, "2 a NUL byte in a text\n");
	check(SLICE("\"\\\\x00\""), "\"\\\\x00\"", "");
}

static void
includes_are_reported(void **state)
{
	static const char why[] = "@include is not supported: the configuration is one file\n";
	char expected[128];

	snprintf(expected, sizeof(expected), "1 %s", why);
	check(SLICE("@include \"/etc/passwd\""), NULL, expected);
	snprintf(expected, sizeof(expected), "2 %s", why);
	check(SLICE("a = 1;\n \t@include \"x\""), NULL, expected);
	check(SLICE("/*\n@include \"x\" */"), NULL, expected);
	check(SLICE("# @include \"x\""), "# @include \"x\"", "");
}

static void
invalid_utf8_is_reported(void **state)
{
	check(SLICE("a\n\xff\n\xfe"), NULL, "2 not valid UTF-8\n");
	check(SLICE("# \xc3\xa9"), "# \xc3\xa9", "");
}

static void
more_than_a_mebibyte_is_refused(void **state)
{
	char *text = malloc(CONFIG_SOURCE_MAX + 1);

	assert_non_null(text);
	memset(text, ' ', CONFIG_SOURCE_MAX + 1);
	check(slice_of(text, CONFIG_SOURCE_MAX), NULL, "");
	check(slice_of(text, CONFIG_SOURCE_MAX + 1), "", "0 is larger than 1 MiB\n");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_text_stays_as_it_is),
		cmocka_unit_test(large_numbers_get_their_suffix),
		cmocka_unit_test(what_has_no_end_is_reported_where_it_began),
		cmocka_unit_test(nul_bytes_are_reported),
		cmocka_unit_test(includes_are_reported),
		cmocka_unit_test(invalid_utf8_is_reported),
		cmocka_unit_test(more_than_a_mebibyte_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
