/* domain.c -- RFC 7622 3.2: IP literals, NR-LDH labels and U-labels. */
#include "xmpp/domain.h"

#include <arpa/inet.h>
#include <string.h>

#include <idn2.h>

#include "xmpp/bidi.h"
#include "xmpp/code_points.h"
#include "xmpp/jid.h"

/*
 * A label has at most 63 bytes in its DNS form: RFC 5890 2.3.1 and 2.3.2.1 make that part
 * of what NR-LDH labels and U-labels are, and RFC 7622 3.2.1 allows no others. The 253
 * bytes of a whole name in the DNS are a rule for those who ask the DNS: RFC 7622 3.2
 * allows 1023 bytes here, which U-labels may fill, and a name need not be in any DNS.
 */
#define LABEL_MAX 63

static bool
is_ldh(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* Hyphens at either end, or where "xn--" has them: a reserved label, RFC 5890 2.3.1. */
static bool
has_bad_hyphen(const char *label, size_t length)
{
	return label[0] == '-' || label[length - 1] == '-' ||
	       (length >= 4 && label[2] == '-' && label[3] == '-');
}

static bool
is_plain_label(const char *label, size_t length)
{
	return length > 0 && length <= LABEL_MAX && !has_bad_hyphen(label, length);
}

static bool
is_a_label(struct slice label)
{
	return slice_starts_with(label, SLICE("xn--"));
}

/*
 * IPv6address of RFC 3986. Zones mean nothing on another host, and no IPvFuture has come:
 * RFC 3986 3.2.2 would have it refused.
 */
static bool
prepare_ipv6(struct arena *arena, struct slice text, struct slice *out)
{
	char address[INET6_ADDRSTRLEN];
	unsigned char bytes[sizeof(struct in6_addr)];
	size_t length = text.length - 2;

	if (text.length < 2 || text.data[text.length - 1] != ']' ||
	    length >= sizeof(address))
		return false;
	memcpy(address, text.data + 1, length);
	address[length] = '\0';
	if (strlen(address) != length || inet_pton(AF_INET6, address, bytes) != 1)
		return false;
	inet_ntop(AF_INET6, bytes, address, sizeof(address));
	*out = arena_printf(arena, "[%s]", address);
	return true;
}

/* RFC 5895 2, with its full stop. Lower case goes letter by letter, as in UTS 46. */
static void
map(struct arena *scratch, struct code_points *text)
{
	code_points_lower_each(scratch, text);
	code_points_map_width(text);
	code_points_compose(scratch, text);
	for (size_t i = 0; i < text->count; i++) {
		if (text->at[i] == 0x3002)
			text->at[i] = '.';
	}
}

/* Checks u by all of IDNA 2008, and that a, unless NULL, is the same label. */
static bool
is_u_label(const char *u, const char *a)
{
	uint8_t *name = NULL;

	if (idn2_register_u8((const uint8_t *)u, (const uint8_t *)a, &name, 0) != IDN2_OK)
		return false;
	idn2_free(name);
	return true;
}

/* "xn--" in front of what is no A-label does not make one. */
static bool
decode_a_label(struct arena *scratch, const char *a, struct code_points *label)
{
	char *u = NULL;
	bool is_good;

	if (idn2_to_unicode_8z8z(a, &u, 0) != IDN2_OK)
		return false;
	is_good =
	    is_u_label(u, a) && code_points_decode(scratch, slice_from_text(u), label);
	idn2_free(u);
	return is_good;
}

/* What ASCII a U-label holds is LDH, too; above all no NUL, which would cut it short. */
static bool
check_ascii(const struct code_points *label, bool *is_ascii)
{
	*is_ascii = true;
	for (size_t i = 0; i < label->count; i++) {
		if (label->at[i] >= 0x80)
			*is_ascii = false;
		else if (!is_ldh(label->at[i]))
			return false;
	}
	return true;
}

/* Checks a mapped label; an A-label is replaced. */
static bool
prepare_label(struct arena *scratch, struct code_points *label)
{
	char text[LABEL_MAX * 4 + 1];
	struct slice utf8;
	bool is_ascii;

	if (label->count == 0 || label->count > LABEL_MAX ||
	    !check_ascii(label, &is_ascii))
		return false;
	utf8 = code_points_encode(scratch, label);
	memcpy(text, utf8.data, utf8.length);
	text[utf8.length] = '\0';
	if (!is_ascii)
		return is_u_label(text, NULL);
	if (is_a_label(utf8))
		return decode_a_label(scratch, text, label);
	return is_plain_label(text, utf8.length);
}

/* Takes the first label off what is left, and the dot behind it. */
static bool
next_label(struct code_points *left, struct code_points *label)
{
	size_t length = 0;

	if (left->at == NULL)
		return false;
	while (length < left->count && left->at[length] != '.')
		length++;
	*label = (struct code_points){ left->at, length };
	if (length == left->count) {
		left->at = NULL;
	} else {
		left->at += length + 1;
		left->count -= length + 1;
	}
	return true;
}

/* RFC 5893 2: one label that is written from right to left binds all others, too. */
static bool
bidi_is_good(const struct code_points *name)
{
	struct code_points left = *name, label;

	if (!bidi_has_right_to_left(name))
		return true;
	while (next_label(&left, &label)) {
		if (!bidi_rule_is_met(&label))
			return false;
	}
	return true;
}

/* Stops early at names too long. No label grows: A-labels are longer than U-labels. */
static bool
prepare_labels(struct arena *scratch, const struct code_points *text,
	       struct code_points *name)
{
	struct code_points left = *text, label;

	name->at = arena_alloc(scratch, (text->count + 1) * sizeof(uint32_t));
	name->count = 0;
	while (next_label(&left, &label)) {
		if (name->count > JID_PART_MAX || !prepare_label(scratch, &label))
			return false;
		if (name->count > 0)
			name->at[name->count++] = '.';
		memcpy(name->at + name->count, label.at, label.count * sizeof(uint32_t));
		name->count += label.count;
	}
	return bidi_is_good(name);
}

bool
domain_prepare(struct arena *arena, struct slice text, struct slice *out)
{
	struct arena scratch;
	struct code_points points, name;
	bool is_good;

	if (text.length > 0 && text.data[0] == '[')
		return prepare_ipv6(arena, text, out);
	arena_init(&scratch);
	is_good = code_points_decode(&scratch, text, &points);
	if (is_good) {
		map(&scratch, &points);
		if (points.count > 0 && points.at[points.count - 1] == '.')
			points.count--; /* RFC 7622 3.2: the root's dot goes */
		is_good = prepare_labels(&scratch, &points, &name);
	}
	if (is_good)
		*out = code_points_encode(arena, &name);
	arena_clear(&scratch);
	return is_good && out->length <= JID_PART_MAX;
}

bool
domain_is_plain(struct slice text)
{
	const char *label = text.data, *end;

	if (text.length == 0 || text.length > JID_PART_MAX)
		return false;
	end = text.data + text.length;
	for (const char *c = text.data; c < end; c++) {
		if (is_ldh((unsigned char)*c))
			continue;
		if (*c != '.' || !is_plain_label(label, (size_t)(c - label)))
			return false;
		label = c + 1;
	}
	return is_plain_label(label, (size_t)(end - label));
}
