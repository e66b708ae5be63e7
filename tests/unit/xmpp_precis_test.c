/* xmpp_precis_test.c -- what is prepared stays as it is, whatever it was made of. */
#include "tests/unit/xmpp_support.h"

#include "base/text.h"
#include "xmpp/jid_prepare.h"

#define CODE_POINTS 0x110000

/* How many texts were let through. */
static size_t good_count;

static void
assert_stable(prepare *call, struct slice text)
{
	struct arena arena;
	struct slice out, again;

	arena_init(&arena);
	if (call(&arena, text, &out)) {
		good_count++;
		assert_true(call(&arena, out, &again));
		assert_true(slice_equal(out, again));
	}
	arena_clear(&arena);
}

static void
each_code_point_alone_is_stable(void **state)
{
	char text[4];

	for (int32_t c = 0; c < CODE_POINTS; c++) {
		size_t length = text_utf8_put(c, text);

		assert_stable(jid_prepare_local, slice_of(text, length));
		assert_stable(jid_prepare_resource, slice_of(text, length));
		assert_stable(jid_prepare_domain, slice_of(text, length));
	}
	/* Unicode 14 has 144,697 characters; no newer version has fewer. */
	assert_true(good_count > 250000);
}

static uint32_t
next_number(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Marks, letters that compose, wide and narrow forms, joiners, digits, right to left. */
static int32_t
pick(uint32_t *seed)
{
	static const struct {
		int32_t	 first;
		uint32_t count;
	} ranges[] = {
		{ 'a', 26 },	 { 'A', 26 },	  { 0xc0, 0x1c0 }, { 0x300, 0x70 },
		{ 0x370, 0x90 }, { 0x5d0, 0x25 }, { 0x620, 0x60 }, { 0x900, 0x80 },
		{ 0x200c, 2 },	 { 0x1e00, 0x200 }, { 0x3040, 0xc0 }, { 0xff00, 0xf0 },
		{ 0xac00, 0x2b }, { 0x10400, 0x50 },
	};
	uint32_t i = next_number(seed) % COUNT(ranges);

	return ranges[i].first + (int32_t)(next_number(seed) % ranges[i].count);
}

static void
mixed_texts_are_stable(void **state)
{
	char text[4 * 8];
	uint32_t seed = 7622;

	good_count = 0;
	for (int i = 0; i < 100000; i++) {
		size_t length = 0;

		for (uint32_t count = 1 + next_number(&seed) % 5; count > 0; count--)
			length += text_utf8_put(pick(&seed), text + length);
		assert_stable(jid_prepare_local, slice_of(text, length));
		assert_stable(jid_prepare_resource, slice_of(text, length));
		assert_stable(jid_prepare_domain, slice_of(text, length));
	}
	assert_true(good_count > 50000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_code_point_alone_is_stable),
		cmocka_unit_test(mixed_texts_are_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
