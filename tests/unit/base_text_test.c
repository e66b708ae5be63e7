/* base_text_test.c -- facts about base64, hexadecimal and UTF-8. */
#include "tests/unit/unit.h"

#include "base/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void
base64_gives_the_vectors_of_rfc_4648(void **state)
{
	static const char *const vectors[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
	};
	char text[16];

	for (size_t i = 0; i < COUNT(vectors); i++) {
		struct slice plain = slice_from_text(vectors[i][0]);
		struct slice coded = slice_from_text(vectors[i][1]);

		assert_int_equal(text_base64_encode(plain, text), coded.length);
		assert_int_equal(coded.length, TEXT_BASE64_LENGTH(plain.length));
		assert_string_equal(text, vectors[i][1]);
		assert_int_equal(text_base64_decode(coded, text, sizeof(text)),
		    plain.length);
		assert_memory_equal(text, plain.data, plain.length);
	}
	assert_int_equal(text_base64_encode(slice_of(NULL, 0), text), 0);
	assert_int_equal(text_base64_decode(slice_of(NULL, 0), text, 0), 0);
}

static void
base64_carries_every_byte(void **state)
{
	unsigned char bytes[256], decoded[256];
	char text[TEXT_BASE64_LENGTH(sizeof(bytes)) + 1];

	for (int i = 0; i < 256; i++)
		bytes[i] = (unsigned char)(255 - i);
	for (size_t length = 0; length <= 256; length++) {
		size_t coded = text_base64_encode(slice_of(bytes, length), text);

		assert_int_equal(text_base64_decode(slice_of(text, coded), decoded,
				     sizeof(decoded)),
		    length);
		assert_memory_equal(decoded, bytes, length);
	}
}

static void
base64_that_is_not_strict_is_refused(void **state)
{
	static const char *const wrong[] = {
		"Z", "Zg", "Zg=", "Zm9vY", "Zm9vYg=", "Zm9vYg", /* lengths */
		"=", "==", "===", "====", "Z===", "=Zg=", "Zg==Zg==", "Zm8=Zm8=", "Zm=v",
		"Zg=a", /* padding elsewhere */
		"Zh==", "Zv==", "Zm9=", "Zm+=", /* stray bits */
		"Zm9 ", " m9v", "Zm\n9", "Zm9v\n", "Zm9v\r\n\r\n", /* white space */
		"Zm-v", "Zm_v", "Zm9.", "Zm\xc3\xa4", "Zm9@", "Zm9[", "Zm9`", "Zm9{",
	};
	char out[16];

	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_int_equal(text_base64_decode(slice_from_text(wrong[i]), out,
				     sizeof(out)),
		    -1);
	assert_int_equal(text_base64_decode(SLICE("Zm\0v"), out, sizeof(out)), -1);
}

static void
base64_stays_inside_its_room(void **state)
{
	char out[4] = "xxx";

	assert_int_equal(text_base64_decode(SLICE("Zm9v"), out, 2), -1);
	assert_string_equal(out, "xxx");
	assert_int_equal(text_base64_decode(SLICE("Zm9v"), out, 3), 3);
	assert_string_equal(out, "foo");
	assert_int_equal(text_base64_decode(SLICE("Zg=="), out, 1), 1);
	assert_string_equal(out, "foo");
}

static void
base64_may_be_decoded_where_it_stands(void **state)
{
	char text[] = "Zm9vYmFyYg==";

	assert_int_equal(text_base64_decode(slice_from_text(text), text, sizeof(text)), 7);
	assert_memory_equal(text, "foobarb", 7);
}

static void
hexadecimal_is_in_lower_case_and_terminated(void **state)
{
	char text[9];

	text_hex_encode(SLICE("\x00\x1f\xab\xff"), text);
	assert_string_equal(text, "001fabff");
	text_hex_encode(slice_of(NULL, 0), text);
	assert_string_equal(text, "");
}

/* All of bytes, whole and cut at every place, must be (or not be) UTF-8 so far. */
static void
assert_utf8(struct slice bytes, bool expected)
{
	for (size_t cut = 0; cut <= bytes.length; cut++) {
		uint32_t kept = 0;
		bool first = text_utf8_check(&kept, slice_of(bytes.data, cut));

		assert_int_equal(first && text_utf8_check(&kept, slice_after(bytes, cut)),
		    expected);
	}
}

/* The same with ASCII before and behind, so that the fast path meets every alignment. */
static void
assert_utf8_everywhere(struct slice bytes, bool expected)
{
	char text[64];

	for (size_t before = 0; before < 18; before++) {
		memset(text, 'a', sizeof(text));
		memcpy(text + before, bytes.data, bytes.length);
		assert_utf8(slice_of(text, before + bytes.length), expected);
		assert_utf8(slice_of(text, before + bytes.length + 17), expected);
	}
}

static void
every_scalar_value_is_written_and_read_back(void **state)
{
	char text[4];

	for (int32_t code_point = 0; code_point <= 0x10ffff; code_point++) {
		size_t length = text_utf8_put(code_point, text);
		struct slice bytes = slice_of(text, length);
		uint32_t kept = 0;

		if (code_point >= 0xd800 && code_point <= 0xdfff) {
			assert_int_equal(length, 0);
			continue;
		}
		assert_true(text_utf8_check(&kept, bytes));
		assert_int_equal(kept, 0);
		assert_int_equal(text_utf8_next(&bytes), code_point);
		assert_int_equal(bytes.length, 0);
	}
	assert_int_equal(text_utf8_put(0x110000, text), 0);
	assert_int_equal(text_utf8_put(-1, text), 0);
}

static void
the_first_and_last_of_each_length_are_right(void **state)
{
	static const char *const right[] = { "\x01", "\x7f", "\xc2\x80", "\xdf\xbf",
		"\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
		"\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf" };

	for (size_t i = 0; i < COUNT(right); i++)
		assert_utf8_everywhere(slice_from_text(right[i]), true);
	assert_utf8_everywhere(SLICE("\0"), true);
}

/* Each is wrong at its last byte and not before. */
static const char *const wrong_utf8[] = {
	/* a continuation byte alone */
	"\x80",
	"\xbf",
	"\xc3\xa4\xa4",
	/* longer than needed */
	"\xc0",
	"\xc1",
	"\xe0\x80",
	"\xe0\x9f",
	"\xf0\x80",
	"\xf0\x8f",
	/* surrogates */
	"\xed\xa0",
	"\xed\xbf",
	/* above U+10FFFF */
	"\xf4\x90",
	"\xf5",
	"\xf8",
	"\xfc",
	"\xfe",
	"\xff",
	/* ended too early */
	"\xc3" "a",
	"\xc3\xc3",
	"\xe2\x82" "a",
	"\xe2\x82\xe2",
	"\xe2" "a",
	"\xf0\x9f\x90" "a",
	"\xf0\x9f\x90\xf0",
	"\xf0\x9f" "a",
	"\xf0\xc0",
};

static void
every_kind_of_wrong_utf8_is_found(void **state)
{
	for (size_t i = 0; i < COUNT(wrong_utf8); i++)
		assert_utf8_everywhere(slice_from_text(wrong_utf8[i]), false);
}

static void
wrong_utf8_is_found_at_its_first_wrong_byte(void **state)
{
	for (size_t i = 0; i < COUNT(wrong_utf8); i++) {
		struct slice bytes = slice_from_text(wrong_utf8[i]);
		uint32_t kept = 0;

		bytes.length--;
		assert_true(text_utf8_check(&kept, bytes));
	}
}

static void
after_a_wrong_byte_nothing_is_right(void **state)
{
	uint32_t kept = 0;

	assert_false(text_utf8_check(&kept, SLICE("\xff")));
	assert_false(text_utf8_check(&kept, SLICE("")));
	assert_false(text_utf8_check(&kept, SLICE("abcdefghijklmnop")));
	for (int byte = 0; byte < 256; byte++)
		assert_false(text_utf8_check(&kept, slice_of(&(char){ (char)byte }, 1)));
}

static void
the_state_tells_whether_a_character_is_open(void **state)
{
	struct slice bird = SLICE("\xf0\x9f\x90\xa6");
	uint32_t kept = 0;

	for (size_t i = 0; i < bird.length; i++) {
		assert_true(text_utf8_check(&kept, slice_of(bird.data + i, 1)));
		assert_int_equal(kept == 0, i == 3);
	}
	assert_true(text_utf8_check(&kept, slice_of(NULL, 0)));
}

static void
next_walks_from_character_to_character(void **state)
{
	struct slice text = SLICE("a\0\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\xa6");

	assert_int_equal(text_utf8_next(&text), 'a');
	assert_int_equal(text_utf8_next(&text), 0);
	assert_int_equal(text_utf8_next(&text), 0xfc);
	assert_int_equal(text_utf8_next(&text), 0x20ac);
	assert_int_equal(text_utf8_next(&text), 0x1f426);
	assert_int_equal(text.length, 0);
	assert_int_equal(text_utf8_next(&text), -1);
}

static void
next_stays_at_what_is_wrong_or_cut(void **state)
{
	static const char *const cut[] = { "\xc3", "\xe2", "\xe2\x82", "\xf0", "\xf0\x9f",
		"\xf0\x9f\x90" };

	for (size_t i = 0; i < COUNT(cut); i++) {
		struct slice text = slice_from_text(cut[i]);

		assert_int_equal(text_utf8_next(&text), -1);
		assert_ptr_equal(text.data, cut[i]);
	}
	for (size_t i = 0; i < COUNT(wrong_utf8); i++) {
		struct slice text = slice_from_text(wrong_utf8[i]);

		while (text.length > 0 && text_utf8_next(&text) >= 0)
			continue;
		assert_true(text.length > 0);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_gives_the_vectors_of_rfc_4648),
		cmocka_unit_test(base64_carries_every_byte),
		cmocka_unit_test(base64_that_is_not_strict_is_refused),
		cmocka_unit_test(base64_stays_inside_its_room),
		cmocka_unit_test(base64_may_be_decoded_where_it_stands),
		cmocka_unit_test(hexadecimal_is_in_lower_case_and_terminated),
		cmocka_unit_test(every_scalar_value_is_written_and_read_back),
		cmocka_unit_test(the_first_and_last_of_each_length_are_right),
		cmocka_unit_test(every_kind_of_wrong_utf8_is_found),
		cmocka_unit_test(wrong_utf8_is_found_at_its_first_wrong_byte),
		cmocka_unit_test(after_a_wrong_byte_nothing_is_right),
		cmocka_unit_test(the_state_tells_whether_a_character_is_open),
		cmocka_unit_test(next_walks_from_character_to_character),
		cmocka_unit_test(next_stays_at_what_is_wrong_or_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
