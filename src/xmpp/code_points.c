/* code_points.c -- text as an array of code points, mapped by libunistring. */
#include "xmpp/code_points.h"

#include <stdlib.h>

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>

#include "base/ensure.h"
#include "base/text.h"

#define UTF8_MAX      4 /* bytes of a code point */
#define LOWER_MAX     3 /* code points that one becomes in lower case */
#define CODE_POINT(c) (c) * sizeof(uint32_t)

/* Takes over what libunistring allocated; it fails only for want of memory. */
static void
take_result(struct arena *arena, struct code_points *text, uint32_t *result, size_t count)
{
	ensure(result != NULL);
	text->at = arena_alloc(arena, CODE_POINT(count));
	text->count = count;
	memcpy(text->at, result, CODE_POINT(count));
	free(result);
}

static uint32_t
without_width(uint32_t c)
{
	ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH];
	int tag;

	if (uc_decomposition(c, &tag, parts) != 1)
		return c;
	return tag == UC_DECOMP_WIDE || tag == UC_DECOMP_NARROW ? parts[0] : c;
}

bool
code_points_decode(struct arena *arena, struct slice utf8, struct code_points *text)
{
	text->at = arena_alloc(arena, CODE_POINT(utf8.length));
	text->count = 0;
	while (utf8.length > 0) {
		int32_t c = text_utf8_next(&utf8);

		if (c < 0)
			return false;
		text->at[text->count++] = (uint32_t)c;
	}
	return true;
}

struct slice
code_points_encode(struct arena *arena, const struct code_points *text)
{
	char *utf8 = arena_alloc(arena, text->count * UTF8_MAX);
	size_t length = 0;

	for (size_t i = 0; i < text->count; i++)
		length += text_utf8_put((int32_t)text->at[i], utf8 + length);
	return slice_of(utf8, length);
}

bool
code_points_equal(const struct code_points *a, const struct code_points *b)
{
	return a->count == b->count && memcmp(a->at, b->at, CODE_POINT(a->count)) == 0;
}

void
code_points_map_width(struct code_points *text)
{
	for (size_t i = 0; i < text->count; i++)
		text->at[i] = without_width(text->at[i]);
}

void
code_points_map_spaces(struct code_points *text)
{
	for (size_t i = 0; i < text->count; i++) {
		if (uc_is_general_category(text->at[i], UC_CATEGORY_Zs))
			text->at[i] = ' ';
	}
}

void
code_points_lower(struct arena *arena, struct code_points *text)
{
	size_t count;
	uint32_t *lower = u32_tolower(text->at, text->count, NULL, NULL, NULL, &count);

	take_result(arena, text, lower, count);
}

void
code_points_lower_each(struct arena *arena, struct code_points *text)
{
	uint32_t *lower = arena_alloc(arena, CODE_POINT(text->count * LOWER_MAX));
	size_t count = 0;

	for (size_t i = 0; i < text->count; i++) {
		size_t room = LOWER_MAX;

		ensure(u32_tolower(text->at + i, 1, NULL, NULL, lower + count, &room) ==
		       lower + count);
		count += room;
	}
	text->at = lower;
	text->count = count;
}

void
code_points_compose(struct arena *arena, struct code_points *text)
{
	size_t count;
	uint32_t *composed =
	    u32_normalize(UNINORM_NFC, text->at, text->count, NULL, &count);

	take_result(arena, text, composed, count);
}
