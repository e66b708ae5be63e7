/* xmpp_precis_class_test.c -- the derived property of chosen code points. */
#include "tests/unit/xmpp_support.h"

#include <uninorm.h>

#include "xmpp/precis_class.h"

struct class_row {
	uint32_t	  first;
	uint32_t	  last;
	enum precis_class class;
};

static void
assert_classes(const struct class_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (uint32_t c = rows[i].first; c <= rows[i].last; c++) {
			if (precis_class_of(c) != rows[i].class)
				fail_msg("U+%04X is of class %d", c,
					 (int)precis_class_of(c));
		}
	}
}

#define ASSERT_CLASSES(rows) assert_classes((rows), COUNT(rows))

static void
exceptions_are_those_of_rfc_5892(void **state)
{
	static const struct class_row rows[] = {
		{ 0xdf, 0xdf, PRECIS_VALID },
		{ 0x3c2, 0x3c2, PRECIS_VALID },
		{ 0x6fd, 0x6fe, PRECIS_VALID },
		{ 0xf0b, 0xf0b, PRECIS_VALID },
		{ 0x3007, 0x3007, PRECIS_VALID },
		{ 0xb7, 0xb7, PRECIS_CONTEXT_O },
		{ 0x375, 0x375, PRECIS_CONTEXT_O },
		{ 0x5f3, 0x5f4, PRECIS_CONTEXT_O },
		{ 0x30fb, 0x30fb, PRECIS_CONTEXT_O },
		{ 0x660, 0x669, PRECIS_CONTEXT_O },
		{ 0x6f0, 0x6f9, PRECIS_CONTEXT_O },
		{ 0x640, 0x640, PRECIS_DISALLOWED },
		{ 0x7fa, 0x7fa, PRECIS_DISALLOWED },
		{ 0x302e, 0x302f, PRECIS_DISALLOWED },
		{ 0x3031, 0x3035, PRECIS_DISALLOWED },
		{ 0x303b, 0x303b, PRECIS_DISALLOWED },
	};

	ASSERT_CLASSES(rows);
}

static void
each_category_of_rfc_8264_has_its_class(void **state)
{
	static const struct class_row rows[] = {
		{ 0x21, 0x7e, PRECIS_VALID },		/* ASCII7 */
		{ 0x00, 0x1f, PRECIS_DISALLOWED },	/* Controls */
		{ 0x7f, 0x9f, PRECIS_DISALLOWED },
		{ 0x20, 0x20, PRECIS_FREEFORM },	/* Spaces */
		{ 0xa0, 0xa0, PRECIS_FREEFORM },
		{ 0x2000, 0x200a, PRECIS_FREEFORM },
		{ 0x3000, 0x3000, PRECIS_FREEFORM },
		{ 0x200c, 0x200d, PRECIS_CONTEXT_J },	/* JoinControl */
		{ 0x1100, 0x11ff, PRECIS_DISALLOWED },	/* OldHangulJamo */
		{ 0xa960, 0xa97c, PRECIS_DISALLOWED },
		{ 0xd7b0, 0xd7c6, PRECIS_DISALLOWED },
		{ 0xd7cb, 0xd7fb, PRECIS_DISALLOWED },
		{ 0xac00, 0xd7a3, PRECIS_VALID },	/* Hangul syllables */
		{ 0xad, 0xad, PRECIS_DISALLOWED },	/* PrecisIgnorableProperties */
		{ 0x34f, 0x34f, PRECIS_DISALLOWED },
		{ 0x200b, 0x200b, PRECIS_DISALLOWED },
		{ 0x3164, 0x3164, PRECIS_DISALLOWED },
		{ 0xfe00, 0xfe0f, PRECIS_DISALLOWED },
		{ 0xfdd0, 0xfdef, PRECIS_DISALLOWED },
		{ 0xfffe, 0xffff, PRECIS_DISALLOWED },
		{ 0x1fffe, 0x1ffff, PRECIS_DISALLOWED },
		{ 0xe0001, 0xe0001, PRECIS_DISALLOWED },
		{ 0xe0020, 0xe007f, PRECIS_DISALLOWED },
		{ 0xe0100, 0xe01ef, PRECIS_DISALLOWED },
		{ 0x10fffe, 0x10ffff, PRECIS_DISALLOWED },
		{ 0x2163, 0x2163, PRECIS_FREEFORM },	/* HasCompat */
		{ 0x212a, 0x212b, PRECIS_FREEFORM },
		{ 0xfb00, 0xfb06, PRECIS_FREEFORM },
		{ 0xff01, 0xff5e, PRECIS_FREEFORM },
		{ 0xf900, 0xf900, PRECIS_FREEFORM },
		{ 0x958, 0x95f, PRECIS_FREEFORM },	/* never composed again */
		{ 0xc0, 0xd6, PRECIS_VALID },		/* LetterDigits */
		{ 0x300, 0x33f, PRECIS_VALID },
		{ 0x3b1, 0x3c9, PRECIS_VALID },
		{ 0x5d0, 0x5ea, PRECIS_VALID },
		{ 0x966, 0x96f, PRECIS_VALID },
		{ 0x4e00, 0x9fa5, PRECIS_VALID },
		{ 0x20000, 0x2a6d6, PRECIS_VALID },
		{ 0x1f88, 0x1f8f, PRECIS_FREEFORM },	/* OtherLetterDigits */
		{ 0x3021, 0x3029, PRECIS_FREEFORM },
		{ 0x20dd, 0x20e0, PRECIS_FREEFORM },
		{ 0x9f4, 0x9f9, PRECIS_FREEFORM },
		{ 0x221e, 0x221e, PRECIS_FREEFORM },	/* Symbols */
		{ 0x265a, 0x265a, PRECIS_FREEFORM },
		{ 0x20ac, 0x20ac, PRECIS_FREEFORM },
		{ 0x1f600, 0x1f64f, PRECIS_FREEFORM },
		{ 0xa1, 0xa1, PRECIS_FREEFORM },	/* Punctuation */
		{ 0x2010, 0x2010, PRECIS_FREEFORM },
		{ 0x3001, 0x3003, PRECIS_FREEFORM },
		{ 0x2028, 0x2029, PRECIS_DISALLOWED },	/* of no category */
		{ 0x600, 0x605, PRECIS_DISALLOWED },
		{ 0xe000, 0xf8ff, PRECIS_DISALLOWED },
		{ 0xd800, 0xdfff, PRECIS_DISALLOWED },
		{ 0x378, 0x379, PRECIS_UNASSIGNED },
		{ 0x50000, 0x50010, PRECIS_UNASSIGNED },
	};

	ASSERT_CLASSES(rows);
}

/* Asked of form KC itself, which precis_class_of() takes a shorter way around. */
static void
nothing_valid_has_a_compatible_form(void **state)
{
	for (uint32_t c = 0; c < 0x110000; c++) {
		uint32_t composed[32];
		size_t count = 32;

		if (precis_class_of(c) != PRECIS_VALID)
			continue;
		assert_ptr_equal(u32_normalize(UNINORM_NFKC, &c, 1, composed, &count),
				 composed);
		assert_int_equal(count, 1);
		assert_int_equal(composed[0], c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exceptions_are_those_of_rfc_5892),
		cmocka_unit_test(each_category_of_rfc_8264_has_its_class),
		cmocka_unit_test(nothing_valid_has_a_compatible_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
