/* precis_class.c -- RFC 8264 8: the derived property, from those libunistring knows. */
#include "xmpp/precis_class.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <unictype.h>
#include <uninorm.h>

#include "base/ensure.h"

struct exception {
	uint32_t first;
	uint32_t last;
	enum precis_class class;
};

/* RFC 8264 9.6, which are those of RFC 5892 2.6. In order. */
static const struct exception exceptions[] = {
	{ 0x00b7, 0x00b7, PRECIS_CONTEXT_O },  /* middle dot */
	{ 0x00df, 0x00df, PRECIS_VALID },      /* sharp s */
	{ 0x0375, 0x0375, PRECIS_CONTEXT_O },  /* Greek lower numeral sign, keraia */
	{ 0x03c2, 0x03c2, PRECIS_VALID },      /* final sigma */
	{ 0x05f3, 0x05f4, PRECIS_CONTEXT_O },  /* geresh, gershayim */
	{ 0x0640, 0x0640, PRECIS_DISALLOWED }, /* Arabic tatweel */
	{ 0x0660, 0x0669, PRECIS_CONTEXT_O },  /* Arabic-Indic digits */
	{ 0x06f0, 0x06f9, PRECIS_CONTEXT_O },  /* extended Arabic-Indic digits */
	{ 0x06fd, 0x06fe, PRECIS_VALID },      /* Sindhi ampersand and "men" */
	{ 0x07fa, 0x07fa, PRECIS_DISALLOWED }, /* NKo lajanyalan */
	{ 0x0f0b, 0x0f0b, PRECIS_VALID },      /* Tibetan tsheg */
	{ 0x3007, 0x3007, PRECIS_VALID },      /* ideographic number zero */
	{ 0x302e, 0x302f, PRECIS_DISALLOWED }, /* Hangul tone marks */
	{ 0x3031, 0x3035, PRECIS_DISALLOWED }, /* vertical kana repeat marks */
	{ 0x303b, 0x303b, PRECIS_DISALLOWED }, /* vertical ideographic iteration mark */
	{ 0x30fb, 0x30fb, PRECIS_CONTEXT_O },  /* katakana middle dot */
};

#define EXCEPTION_COUNT (sizeof(exceptions) / sizeof(exceptions[0]))

static const struct exception *
find_exception(uint32_t c)
{
	for (size_t i = 0; i < EXCEPTION_COUNT && exceptions[i].first <= c; i++) {
		if (c <= exceptions[i].last)
			return &exceptions[i];
	}
	return NULL;
}

/*
 * RFC 8264 9.9: Hangul_Syllable_Type is L, V or T. libunistring does not tell, and the
 * grapheme break property, nearly the same, took in other scripts with Unicode 16.
 */
static bool
is_old_hangul_jamo(uint32_t c)
{
	return (c >= 0x1100 && c <= 0x11ff) || (c >= 0xa960 && c <= 0xa97c) ||
	       (c >= 0xd7b0 && c <= 0xd7c6) || (c >= 0xd7cb && c <= 0xd7fb);
}

static bool
is_precis_ignorable(uint32_t c)
{
	return uc_is_property_default_ignorable_code_point(c) ||
	       uc_is_property_not_a_character(c);
}

/* RFC 8264 9.17: form KC is another text. Only what decomposes needs the long way. */
static bool
has_compat(uint32_t c)
{
	ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH], *composed;
	int tag;
	size_t count;
	bool same;

	if (uc_decomposition(c, &tag, parts) < 0)
		return false;
	if (tag != UC_DECOMP_CANONICAL)
		return true;
	composed = u32_normalize(UNINORM_NFKC, &c, 1, NULL, &count);
	ensure(composed != NULL);
	same = count == 1 && composed[0] == c;
	free(composed);
	return !same;
}

static bool
is_letter_digit(uint32_t c)
{
	return uc_is_general_category_withtable(
	    c, UC_CATEGORY_MASK_Ll | UC_CATEGORY_MASK_Lu | UC_CATEGORY_MASK_Lo |
		   UC_CATEGORY_MASK_Nd | UC_CATEGORY_MASK_Lm | UC_CATEGORY_MASK_Mn |
		   UC_CATEGORY_MASK_Mc);
}

/* OtherLetterDigits, Spaces, Symbols and Punctuation. */
static bool
is_other_text(uint32_t c)
{
	return uc_is_general_category_withtable(
	    c, UC_CATEGORY_MASK_Lt | UC_CATEGORY_MASK_Nl | UC_CATEGORY_MASK_No |
		   UC_CATEGORY_MASK_Me | UC_CATEGORY_MASK_Zs | UC_CATEGORY_MASK_S |
		   UC_CATEGORY_MASK_P);
}

/* Asks in the order of RFC 8264 8. No code point is BackwardCompatible. */
enum precis_class
precis_class_of(uint32_t c)
{
	const struct exception *exception;

	if (c >= 0x21 && c <= 0x7e)
		return PRECIS_VALID;
	exception = find_exception(c);
	if (exception != NULL)
		return exception->class;
	if (uc_is_general_category(c, UC_CATEGORY_Cn) &&
	    !uc_is_property_not_a_character(c))
		return PRECIS_UNASSIGNED;
	if (uc_is_property_join_control(c))
		return PRECIS_CONTEXT_J;
	if (is_old_hangul_jamo(c) || is_precis_ignorable(c) ||
	    uc_is_general_category(c, UC_CATEGORY_Cc))
		return PRECIS_DISALLOWED;
	if (has_compat(c))
		return PRECIS_FREEFORM;
	if (is_letter_digit(c))
		return PRECIS_VALID;
	return is_other_text(c) ? PRECIS_FREEFORM : PRECIS_DISALLOWED;
}
