/* precis_context.c -- the contextual rules of RFC 5892 A. */
#include "xmpp/precis_context.h"

#include <unictype.h>

enum fact {
	IS_KNOWN = 1,
	HAS_ARABIC_DIGIT = 2,   /* U+0660 to U+0669 */
	HAS_EXTENDED_DIGIT = 4, /* U+06F0 to U+06F9 */
	HAS_JAPANESE = 8,       /* Hiragana, Katakana or Han */
};

#define NO_CODE_POINT UINT32_MAX

static bool
is_of_script(uint32_t c, const char *name)
{
	const uc_script_t *script = c == NO_CODE_POINT ? NULL : uc_script(c);

	return script != NULL && strcmp(script->name, name) == 0;
}

static unsigned
fact_of(uint32_t c)
{
	if (c >= 0x660 && c <= 0x669)
		return HAS_ARABIC_DIGIT;
	if (c >= 0x6f0 && c <= 0x6f9)
		return HAS_EXTENDED_DIGIT;
	if (is_of_script(c, "Hiragana") || is_of_script(c, "Katakana") ||
	    is_of_script(c, "Han"))
		return HAS_JAPANESE;
	return 0;
}

static bool
has_fact(struct precis_context *context, enum fact fact)
{
	if (context->facts == 0) {
		context->facts = IS_KNOWN;
		for (size_t i = 0; i < context->text->count; i++)
			context->facts |= fact_of(context->text->at[i]);
	}
	return context->facts & fact;
}

static uint32_t
before(const struct code_points *text, size_t place)
{
	return place == 0 ? NO_CODE_POINT : text->at[place - 1];
}

static uint32_t
after(const struct code_points *text, size_t place)
{
	return place + 1 == text->count ? NO_CODE_POINT : text->at[place + 1];
}

static bool
is_virama(uint32_t c)
{
	return c != NO_CODE_POINT && uc_combining_class(c) == UC_CCC_VR;
}

/* RFC 5892 A.1: something that joins on, transparent ones between, on either side. */
static bool
breaks_a_join(const struct code_points *text, size_t place)
{
	size_t left = place, right = place + 1;
	int type;

	while (left > 0 && uc_joining_type(text->at[left - 1]) == UC_JOINING_TYPE_T)
		left--;
	while (right < text->count &&
	       uc_joining_type(text->at[right]) == UC_JOINING_TYPE_T)
		right++;
	if (left == 0 || right == text->count)
		return false;
	type = uc_joining_type(text->at[left - 1]);
	if (type != UC_JOINING_TYPE_L && type != UC_JOINING_TYPE_D)
		return false;
	type = uc_joining_type(text->at[right]);
	return type == UC_JOINING_TYPE_R || type == UC_JOINING_TYPE_D;
}

void
precis_context_init(struct precis_context *context, const struct code_points *text)
{
	context->text = text;
	context->facts = 0;
}

bool
precis_context_allows(struct precis_context *context, size_t place)
{
	const struct code_points *text = context->text;
	uint32_t c = text->at[place];

	switch (c) {
	case 0x200c: /* A.1: zero width non-joiner */
		return is_virama(before(text, place)) || breaks_a_join(text, place);
	case 0x200d: /* A.2: zero width joiner */
		return is_virama(before(text, place));
	case 0x00b7: /* A.3: the Catalan l·l */
		return before(text, place) == 'l' && after(text, place) == 'l';
	case 0x0375: /* A.4 */
		return is_of_script(after(text, place), "Greek");
	case 0x05f3: /* A.5 */
	case 0x05f4: /* A.6 */
		return is_of_script(before(text, place), "Hebrew");
	case 0x30fb: /* A.7: its own script is Common */
		return has_fact(context, HAS_JAPANESE);
	}
	if (c >= 0x0660 && c <= 0x0669) /* A.8 */
		return !has_fact(context, HAS_EXTENDED_DIGIT);
	if (c >= 0x06f0 && c <= 0x06f9) /* A.9 */
		return !has_fact(context, HAS_ARABIC_DIGIT);
	return false;
}
