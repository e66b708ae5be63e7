/* xmpp_jid_prepare_test.c -- facts about localparts, resourceparts and passwords. */
#include "tests/unit/xmpp_support.h"

#include "base/text.h"
#include "xmpp/jid.h"
#include "xmpp/jid_prepare.h"

static void
localparts_become_lower_case(void **state)
{
	static const struct prepared_row rows[] = {
		{ "JULIET", "juliet" },
		{ "Fu\u00dfball", "fu\u00dfball" },
		{ "\u1e9e", "\u00df" },
		{ "\u00c9\u00c0", "\u00e9\u00e0" },
		{ "\u0391\u03a3", "\u03b1\u03c2" }, /* sigma at the end of a word */
		{ "\u0130", "i\u0307" },	    /* not in Turkey */
		{ "\U00010400", "\U00010428" },	    /* Deseret */
		{ "\u01c5", NULL },		    /* has a compatible form */
		{ "\u212a", NULL },		    /* Kelvin, and so has this */
	};

	ASSERT_PREPARES(jid_prepare_local, rows);
}

static void
localparts_lose_width(void **state)
{
	static const struct prepared_row rows[] = {
		{ "\uff2a\uff55\uff4c\uff49\uff45\uff54", "juliet" },
		{ "\uff76\uff9e", "\u30ac" },	/* ka and voiced mark, half as wide */
		{ "\uff11\uff10", "10" },
		{ "a\uff20b", NULL },		/* '@' */
		{ "\uff02", NULL },		/* '"' */
		{ "a\uff0fb", NULL },		/* '/' */
		{ "a\u3000b", NULL },		/* the wide space */
		{ "\uffa0", NULL },		/* an old Jamo when ordinary */
	};

	ASSERT_PREPARES(jid_prepare_local, rows);
}

static void
all_parts_are_composed(void **state)
{
	static const struct prepared_row rows[] = {
		{ "e\u0301", "\u00e9" },
		{ "\u03b1\u0345\u0300\u0313", "\u1fb2\u0313" },
		{ "a\u0323\u0307", "\u1ea1\u0307" },
		{ "a\u0307\u0323", "\u1ea1\u0307" },
		{ "\u1112\u1161\u11ab", NULL },	/* conjoining Jamo are no more composed */
	};

	ASSERT_PREPARES(jid_prepare_local, rows);
	ASSERT_PREPARES(jid_prepare_resource, rows);
	ASSERT_PREPARES(jid_prepare_password, rows);
}

static void
characters_excluded_from_localparts_are_refused(void **state)
{
	char text[] = "a?b";
	struct arena arena;
	struct slice out;

	arena_init(&arena);
	for (int c = 0; c < 0x80; c++) {
		bool is_excluded = c <= ' ' || c == 0x7f || strchr("\"&'/:<>@", c);

		text[1] = (char)c;
		assert_int_equal(jid_prepare_local(&arena, slice_of(text, 3), &out),
				 !is_excluded);
		assert_int_equal(jid_prepare_local(&arena, slice_of(text + 1, 1), &out),
				 !is_excluded);
		/* The same where the long way is taken. */
		assert_int_equal(
		    jid_prepare_local(&arena,
				      arena_printf(&arena, "\u00e9%.3s", text), &out),
		    !is_excluded || c == 0);
		assert_int_equal(jid_prepare_resource(&arena, slice_of(text, 3), &out),
				 c >= ' ' && c != 0x7f);
	}
	arena_clear(&arena);
}

static void
localparts_are_of_the_identifier_class(void **state)
{
	static const struct prepared_row rows[] = {
		{ "", NULL },
		{ "foo bar", NULL },
		{ "\u221e", NULL },	/* a symbol */
		{ "henry\u2163", NULL }, /* Roman numeral four */
		{ "\U0001f40e", NULL },
		{ "a\u00a0b", NULL },
		{ "a\u200bb", NULL },	/* zero width space */
		{ "a\u00adb", NULL },	/* soft hyphen */
		{ "a\ufe0fb", NULL },	/* variation selector */
		{ "a\u0378b", NULL },	/* not assigned */
		{ "\ue000", NULL },	/* private use */
		{ "<\u0338", NULL },	/* composed, a symbol */
		{ "=\u0338", NULL },
		{ "\u4e2d\u56fd", "\u4e2d\u56fd" },
		{ "a+b=c~!#$%*?^`{|}[];,()", "a+b=c~!#$%*?^`{|}[];,()" },
	};

	ASSERT_PREPARES(jid_prepare_local, rows);
}

static void
localparts_follow_the_bidi_rule(void **state)
{
	static const struct prepared_row rows[] = {
		{ "\u05d0\u05d1", "\u05d0\u05d1" },
		{ "\u05d0\u05d11", "\u05d0\u05d11" },
		{ "\u05d0.\u05d1", "\u05d0.\u05d1" },
		{ "\u05d0\u05b8", "\u05d0\u05b8" }, /* a mark may follow */
		{ "\u0628\u0661", "\u0628\u0661" },
		{ "\u05d0a", NULL },
		{ "a\u05d0", NULL },
		{ "1\u05d0", NULL },
		{ "\u05d0-", NULL },
		{ "\u06281\u0661", NULL }, /* European and Arabic digits */
		{ "\u0661", NULL },	   /* no letter first */
		{ "a-", "a-" },		   /* the rule is for right to left */
		{ "1", "1" },
	};

	ASSERT_PREPARES(jid_prepare_local, rows);
}

static void
contexts_are_those_of_the_mapped_text(void **state)
{
	static const struct prepared_row rows[] = {
		{ "L\u00b7L", "l\u00b7l" },
		{ "l\u00b7l", "l\u00b7l" },
		{ "\uff4c\u00b7\uff2c", "l\u00b7l" },
		{ "a\u00b7b", NULL },
	};

	ASSERT_PREPARES(jid_prepare_local, rows);
}

static void
resources_and_passwords_keep_case_and_width(void **state)
{
	static const struct prepared_row rows[] = {
		{ "Balcony", "Balcony" },
		{ "\u0391\u03a3", "\u0391\u03a3" },
		{ "\uff2a\uff55", "\uff2a\uff55" },
		{ "\u2163", "\u2163" },
		{ "\u265a", "\u265a" },
		{ "\U0001f40e", "\U0001f40e" },
		{ "\u05d0a", "\u05d0a" }, /* no bidi rule */
		{ " a ", " a " },
		{ "a\u00a0b\u3000c\u1680d", "a b c d" },
		{ "\u00a0", " " },
		{ "\u212b\u212a", "\u00c5K" },
		{ "", NULL },
		{ "a\tb", NULL },
		{ "a\xc2\x85" "b", NULL },
		{ "a\u00adb", NULL },
		{ "a\u2028b", NULL },
		{ "a\ufe0f", NULL },
		{ "a\ufdd0", NULL },
		{ "\ue000", NULL },
		{ "\u0378", NULL },
		{ "\U0001f468\u200d\U0001f469", NULL }, /* a joiner without virama */
	};

	ASSERT_PREPARES(jid_prepare_resource, rows);
	ASSERT_PREPARES(jid_prepare_password, rows);
}

/* Tables 3 and 4. */
static void
passwords_are_as_in_the_examples_of_rfc_8265(void **state)
{
	static const struct prepared_row rows[] = {
		{ "correct horse battery staple", "correct horse battery staple" },
		{ "Correct Horse Battery Staple", "Correct Horse Battery Staple" },
		{ "\u03c0\u00df\u00e5", "\u03c0\u00df\u00e5" },
		{ "Jack of \u2666s", "Jack of \u2666s" },
		{ "foo\u1680bar", "foo bar" },
		{ "", NULL },
		{ "my cat is a \tby", NULL },
	};

	ASSERT_PREPARES(jid_prepare_password, rows);
}

/* count times unit. */
static struct slice
repeat(struct arena *arena, const char *unit, size_t count)
{
	size_t length = strlen(unit);
	char *bytes = arena_alloc(arena, length * count);

	for (size_t i = 0; i < count; i++)
		memcpy(bytes + i * length, unit, length);
	return slice_of(bytes, length * count);
}

static void
lengths_are_those_of_the_result(void **state)
{
	struct arena arena;
	struct slice out;

	arena_init(&arena);
	assert_true(jid_prepare_local(&arena, repeat(&arena, "\uff41", 1023), &out));
	assert_int_equal(out.length, JID_PART_MAX);
	assert_false(jid_prepare_local(&arena, repeat(&arena, "\uff41", 1024), &out));
	assert_true(jid_prepare_local(&arena, repeat(&arena, "\u0130", 341), &out));
	assert_int_equal(out.length, JID_PART_MAX);
	assert_false(jid_prepare_local(&arena, repeat(&arena, "\u0130", 342), &out));
	assert_true(jid_prepare_local(&arena, repeat(&arena, "\u4e2d", 341), &out));
	assert_false(jid_prepare_local(&arena, repeat(&arena, "\u4e2d", 342), &out));
	assert_true(jid_prepare_resource(&arena, repeat(&arena, "\u3000", 1023), &out));
	assert_int_equal(out.length, JID_PART_MAX);
	assert_false(jid_prepare_resource(&arena, repeat(&arena, "\u3000", 1024), &out));
	assert_false(jid_prepare_resource(&arena, repeat(&arena, "\u3000", 9999), &out));
	assert_true(jid_prepare_password(&arena, repeat(&arena, "p", 2000), &out));
	assert_true(jid_prepare_password(&arena, repeat(&arena, "\u00e9", 2000), &out));
	arena_clear(&arena);
}

static void
what_is_not_utf8_is_refused(void **state)
{
	static const struct prepared_row rows[] = {
		{ "\x80", NULL },	  { "a\xff", NULL },
		{ "a\xc3", NULL },	  { "\xc0\xaf", NULL },
		{ "\xe0\x80\xaf", NULL }, { "\xed\xa0\x80", NULL },
		{ "\xf4\x90\x80\x80", NULL }, { "\xe2\x99", NULL },
		{ "a\xc3 b", NULL },	  { "\xf8\x88\x80\x80\x80", NULL },
	};

	ASSERT_PREPARES(jid_prepare_local, rows);
	ASSERT_PREPARES(jid_prepare_resource, rows);
	ASSERT_PREPARES(jid_prepare_password, rows);
	ASSERT_PREPARES(jid_prepare_domain, rows);
}

static void
plain_text_is_not_copied(void **state)
{
	struct slice text = SLICE("juliet"), out;
	struct arena arena;

	arena_init(&arena);
	assert_true(jid_prepare_local(&arena, text, &out));
	assert_ptr_equal(out.data, text.data);
	assert_true(jid_prepare_domain(&arena, text, &out));
	assert_ptr_equal(out.data, text.data);
	assert_true(jid_prepare_resource(&arena, text, &out));
	assert_ptr_equal(out.data, text.data);
	assert_int_equal(arena.total, 0);
	arena_clear(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(localparts_become_lower_case),
		cmocka_unit_test(localparts_lose_width),
		cmocka_unit_test(all_parts_are_composed),
		cmocka_unit_test(characters_excluded_from_localparts_are_refused),
		cmocka_unit_test(localparts_are_of_the_identifier_class),
		cmocka_unit_test(localparts_follow_the_bidi_rule),
		cmocka_unit_test(contexts_are_those_of_the_mapped_text),
		cmocka_unit_test(resources_and_passwords_keep_case_and_width),
		cmocka_unit_test(passwords_are_as_in_the_examples_of_rfc_8265),
		cmocka_unit_test(lengths_are_those_of_the_result),
		cmocka_unit_test(what_is_not_utf8_is_refused),
		cmocka_unit_test(plain_text_is_not_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
