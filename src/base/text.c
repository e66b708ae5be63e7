/* text.c -- base64 (RFC 4648), hexadecimal and UTF-8 (RFC 3629), all of them strict. */
#include "base/text.h"

/*
 * What a UTF-8 lead byte wants behind it. The state between two bytes is the same three
 * numbers in one word, 0 between two characters.
 */
#define STATE(left, least, most) \
	((uint32_t)(left) << 16 | (uint32_t)(most) << 8 | (least))
#define STATE_LEFT(state)	 ((state) >> 16)
#define STATE_LEAST(state)	 ((state) & 0xff)
#define STATE_MOST(state)	 ((state) >> 8 & 0xff)
#define STATE_BROKEN		 STATE(1, 0xff, 0x00)

/* RFC 3629 4: shortest forms only, no surrogates, nothing above U+10FFFF. */
static inline uint32_t
state_after_lead(unsigned char lead)
{
	if (lead < 0xc2)
		return STATE_BROKEN;
	if (lead < 0xe0)
		return STATE(1, 0x80, 0xbf);
	if (lead < 0xf0)
		return STATE(2, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf);
	if (lead < 0xf5)
		return STATE(3, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf);
	return STATE_BROKEN;
}

/* The bits of the code point that the lead byte of a longer form holds. */
static inline unsigned char
lead_mask(unsigned char lead)
{
	return lead < 0xe0 ? 0x1f : lead < 0xf0 ? 0x0f : 0x07;
}

static inline uint32_t
state_after(uint32_t state, unsigned char byte)
{
	if (state == 0)
		return byte < 0x80 ? 0 : state_after_lead(byte);
	if (byte < STATE_LEAST(state) || byte > STATE_MOST(state))
		return STATE_BROKEN;
	return STATE_LEFT(state) == 1 ? 0 : STATE(STATE_LEFT(state) - 1, 0x80, 0xbf);
}

/* How many ASCII bytes certainly stand at the start, eight at a time. */
static inline size_t
ascii_words(const char *data, size_t length)
{
	size_t i = 0;
	uint64_t word;

	for (; i + 8 <= length; i += 8) {
		memcpy(&word, data + i, 8);
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
	return i;
}

static const char base64_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes 2, 3 or 4 letters to a byte less; false on stray letters or bits. */
static bool
base64_decode_group(const char *letters, int count, unsigned char *out)
{
	uint32_t bits = 0;

	for (int i = 0; i < 4; i++) {
		int value = i < count ? base64_value(letters[i]) : 0;

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
	}
	if ((count == 2 && (bits & 0xffff)) || (count == 3 && (bits & 0xff)))
		return false;
	for (int i = 0; i < count - 1; i++)
		out[i] = (unsigned char)(bits >> (16 - 8 * i));
	return true;
}

size_t
text_base64_encode(struct slice bytes, char *out)
{
	const unsigned char *from = (const unsigned char *)bytes.data;
	char *next = out;

	for (size_t i = 0; i < bytes.length; i += 3) {
		size_t left = bytes.length - i;
		uint32_t bits = (uint32_t)from[i] << 16;

		if (left > 1)
			bits |= (uint32_t)from[i + 1] << 8;
		if (left > 2)
			bits |= from[i + 2];
		*next++ = base64_letters[bits >> 18];
		*next++ = base64_letters[bits >> 12 & 63];
		*next++ = left > 1 ? base64_letters[bits >> 6 & 63] : '=';
		*next++ = left > 2 ? base64_letters[bits & 63] : '=';
	}
	*next = '\0';
	return (size_t)(next - out);
}

long
text_base64_decode(struct slice text, void *out, size_t size)
{
	unsigned char *next = out;
	size_t padding = 0, length;

	if (text.length % 4 != 0)
		return -1;
	while (padding < 2 && padding < text.length &&
	    text.data[text.length - 1 - padding] == '=')
		padding++;
	length = text.length / 4 * 3 - padding;
	if (length > size)
		return -1;
	for (size_t i = 0; i < text.length; i += 4) {
		int count = i + 4 == text.length ? 4 - (int)padding : 4;

		if (!base64_decode_group(text.data + i, count, next))
			return -1;
		next += count - 1;
	}
	return (long)length;
}

void
text_hex_encode(struct slice bytes, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes.length; i++) {
		unsigned char byte = (unsigned char)bytes.data[i];

		*out++ = digits[byte >> 4];
		*out++ = digits[byte & 15];
	}
	*out = '\0';
}

int32_t
text_utf8_next(struct slice *text)
{
	uint32_t state = 0;
	int32_t code_point = 0;

	for (size_t i = 0; i < text->length; i++) {
		unsigned char byte = (unsigned char)text->data[i];

		if (i > 0)
			code_point = code_point << 6 | (byte & 0x3f);
		else if (byte < 0x80)
			code_point = byte;
		else
			code_point = byte & lead_mask(byte);
		state = state_after(state, byte);
		if (state == STATE_BROKEN)
			return -1;
		if (state == 0) {
			*text = slice_after(*text, i + 1);
			return code_point;
		}
	}
	return -1;
}

size_t
text_utf8_put(int32_t code_point, char *out)
{
	uint32_t c = (uint32_t)code_point;
	size_t length;

	if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	length = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	for (size_t i = length - 1; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)((0xf00 >> length) | c);
	return length;
}

bool
text_utf8_check(uint32_t *state, struct slice bytes)
{
	uint32_t now = *state;

	for (size_t i = 0; i < bytes.length && now != STATE_BROKEN;) {
		if (now == 0) {
			i += ascii_words(bytes.data + i, bytes.length - i);
			if (i == bytes.length)
				break;
		}
		now = state_after(now, (unsigned char)bytes.data[i++]);
	}
	*state = now;
	return now != STATE_BROKEN;
}
