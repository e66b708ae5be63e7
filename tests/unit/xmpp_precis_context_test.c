/* xmpp_precis_context_test.c -- each contextual rule of RFC 5892 A, met and not met. */
#include "tests/unit/xmpp_support.h"

#include "xmpp/jid_prepare.h"

/* Resourceparts show the rules best: no bidi rule, no mapping of case or width. */
struct context_row {
	const char *text;
	bool	    is_good;
};

static void
assert_contexts(const struct context_row *rows, size_t count)
{
	struct arena arena;
	struct slice out;

	arena_init(&arena);
	for (size_t i = 0; i < count; i++) {
		struct slice text = slice_from_text(rows[i].text);

		if (jid_prepare_resource(&arena, text, &out) != rows[i].is_good)
			fail_msg("\"%s\" is not as expected", rows[i].text);
	}
	arena_clear(&arena);
}

#define ASSERT_CONTEXTS(rows) assert_contexts((rows), COUNT(rows))

static void
a_non_joiner_follows_a_virama_or_breaks_a_join(void **state)
{
	static const struct context_row rows[] = {
		{ "\u0915\u094d\u200c\u0937", true },
		{ "\u0915\u094d\u200c", true },
		{ "\u0628\u200c\u0628", true },	      /* D, D */
		{ "\u0647\u200c\u0627", true },	      /* D, R */
		{ "\ua872\u200c\u0628", true },	      /* L, D */
		{ "\u0628\u064e\u064e\u200c\u064e\u0627", true },
		{ "\u0627\u200c\u0628", false },      /* R does not join on */
		{ "\u0628\u200c\ua872", false },      /* L does not join back */
		{ "\u0628\u200c", false },
		{ "\u200c\u0628", false },
		{ "\u064e\u200c\u0628", false },
		{ "\u0628\u200c\u064e", false },
		{ "\u0628\u200c\u200c\u0628", false },
		{ "a\u200cb", false },
		{ "\u200c", false },
	};

	ASSERT_CONTEXTS(rows);
}

static void
a_joiner_follows_a_virama(void **state)
{
	static const struct context_row rows[] = {
		{ "\u0915\u094d\u200d\u0937", true },
		{ "\u0915\u094d\u200d", true },
		{ "\u0915\u200d\u0937", false },
		{ "\u0628\u200d\u0628", false },
		{ "\u200d", false },
	};

	ASSERT_CONTEXTS(rows);
}

static void
a_middle_dot_stands_between_two_l(void **state)
{
	static const struct context_row rows[] = {
		{ "col\u00b7lega", true },
		{ "l\u00b7l\u00b7l", true },
		{ "coL\u00b7Lega", false },
		{ "l\u00b7a", false },
		{ "a\u00b7l", false },
		{ "l\u00b7", false },
		{ "\u00b7l", false },
		{ "\u00b7", false },
	};

	ASSERT_CONTEXTS(rows);
}

static void
a_keraia_precedes_greek(void **state)
{
	static const struct context_row rows[] = {
		{ "\u0375\u03b1", true },
		{ "a\u0375\u03b1", true },
		{ "\u03b1\u0375", false },
		{ "\u0375a", false },
		{ "\u0375", false },
	};

	ASSERT_CONTEXTS(rows);
}

static void
geresh_and_gershayim_follow_hebrew(void **state)
{
	static const struct context_row rows[] = {
		{ "\u05d0\u05f3", true },
		{ "\u05d0\u05f4\u05d1", true },
		{ "\u05f3\u05d0", false },
		{ "\u05f4\u05d0", false },
		{ "a\u05f3", false },
		{ "a\u05f4", false },
		{ "\u05f3", false },
	};

	ASSERT_CONTEXTS(rows);
}

static void
a_katakana_middle_dot_wants_japanese_somewhere(void **state)
{
	static const struct context_row rows[] = {
		{ "\u30fb\u3042", true },	/* Hiragana */
		{ "\u30a2\u30fb", true },	/* Katakana */
		{ "a\u30fbb\u4e2d", true },	/* Han */
		{ "\u30fb", false },
		{ "a\u30fbb", false },
		{ "\u30fb\u30fb", false },
		{ "\u30fb\uac00", false },	/* Hangul */
	};

	ASSERT_CONTEXTS(rows);
}

static void
two_kinds_of_arabic_digits_do_not_mix(void **state)
{
	static const struct context_row rows[] = {
		{ "\u0660\u0669", true },
		{ "\u06f0\u06f9", true },
		{ "a\u0660", true },
		{ "\u0660\u06f0", false },
		{ "\u06f9a\u0669", false },
		{ "\u06601", true },
	};

	ASSERT_CONTEXTS(rows);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_non_joiner_follows_a_virama_or_breaks_a_join),
		cmocka_unit_test(a_joiner_follows_a_virama),
		cmocka_unit_test(a_middle_dot_stands_between_two_l),
		cmocka_unit_test(a_keraia_precedes_greek),
		cmocka_unit_test(geresh_and_gershayim_follow_hebrew),
		cmocka_unit_test(a_katakana_middle_dot_wants_japanese_somewhere),
		cmocka_unit_test(two_kinds_of_arabic_digits_do_not_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
