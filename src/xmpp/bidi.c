/* bidi.c -- the Bidi Rule of RFC 5893 2. */
#include "xmpp/bidi.h"

#include <unictype.h>

#define CLASS(name) (1u << UC_BIDI_##name)

#define RIGHT_TO_LEFT (CLASS(R) | CLASS(AL) | CLASS(AN))

#define NEUTRAL (CLASS(ES) | CLASS(CS) | CLASS(ET) | CLASS(ON) | CLASS(BN) | CLASS(NSM))

/* What a label of one direction may hold (conditions 2 and 5) and end with (3 and 6). */
#define RTL_ALLOWED (RIGHT_TO_LEFT | CLASS(EN) | NEUTRAL)
#define RTL_LAST    (RIGHT_TO_LEFT | CLASS(EN))
#define LTR_ALLOWED (CLASS(L) | CLASS(EN) | NEUTRAL)
#define LTR_LAST    (CLASS(L) | CLASS(EN))

static unsigned
class_of(uint32_t c)
{
	return 1u << uc_bidi_class(c);
}

static unsigned
classes_of(const struct code_points *text)
{
	unsigned classes = 0;

	for (size_t i = 0; i < text->count; i++)
		classes |= class_of(text->at[i]);
	return classes;
}

/* The class of the last that is no mark on another, 0 if all are. */
static unsigned
last_class(const struct code_points *text)
{
	for (size_t i = text->count; i > 0; i--) {
		unsigned class = class_of(text->at[i - 1]);

		if (class != CLASS(NSM))
			return class;
	}
	return 0;
}

bool
bidi_has_right_to_left(const struct code_points *text)
{
	return classes_of(text) & RIGHT_TO_LEFT;
}

bool
bidi_rule_is_met(const struct code_points *text)
{
	unsigned first = text->count == 0 ? 0 : class_of(text->at[0]);
	unsigned all = classes_of(text);

	if (first == CLASS(L))
		return !(all & ~LTR_ALLOWED) && (last_class(text) & LTR_LAST);
	if (first != CLASS(R) && first != CLASS(AL))
		return false;
	if ((all & CLASS(EN)) && (all & CLASS(AN))) /* condition 4 */
		return false;
	return !(all & ~RTL_ALLOWED) && (last_class(text) & RTL_LAST);
}
