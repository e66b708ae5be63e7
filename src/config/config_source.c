/* config_source.c -- finds what libconfig takes in silence. */
#include "config/config_source.h"

#include "base/text.h"

/*
 * Of libconfig 1.5: numbers beyond 32 bits lose their upper half, what follows a comment
 * without an end is gone, a NUL ends the file or is dropped from a text, and @include opens
 * other files.
 */
struct scan {
	struct slice	  rest;
	unsigned	  line;
	struct buffer	 *out;
	config_source_fn *on_mistake;
	void		 *owner;
};

static void
complain(struct scan *scan, const char *mistake)
{
	scan->on_mistake(scan->owner, scan->line, mistake);
}

static char
peek(const struct scan *scan, size_t ahead)
{
	return ahead < scan->rest.length ? scan->rest.data[ahead] : '\0';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* libconfig looks for them at the start of lines; refused in comments too, not missed. */
static void
check_include(struct scan *scan)
{
	struct slice line = scan->rest;

	while (line.length > 0 && (line.data[0] == ' ' || line.data[0] == '\t'))
		line = slice_after(line, 1);
	if (slice_starts_with(line, SLICE("@include")))
		complain(scan, "@include is not supported: the configuration is one file");
}

static void
copy(struct scan *scan, size_t count)
{
	while (count-- > 0 && scan->rest.length > 0) {
		char c = scan->rest.data[0];

		if (c == '\0')
			complain(scan, "a NUL byte");
		buffer_append_byte(scan->out, c == '\0' ? ' ' : c);
		scan->rest = slice_after(scan->rest, 1);
		if (c == '\n') {
			scan->line++;
			check_include(scan);
		}
	}
}

static void
copy_line(struct scan *scan)
{
	copy(scan, slice_find(scan->rest, '\n'));
}

static void
copy_comment(struct scan *scan)
{
	unsigned start = scan->line;

	copy(scan, 2);
	while (scan->rest.length > 0) {
		if (peek(scan, 0) == '*' && peek(scan, 1) == '/') {
			copy(scan, 2);
			return;
		}
		copy(scan, 1);
	}
	scan->on_mistake(scan->owner, start, "the comment has no end");
}

static void
copy_string(struct scan *scan)
{
	unsigned start = scan->line;

	copy(scan, 1);
	while (scan->rest.length > 0) {
		if (peek(scan, 0) == '"') {
			copy(scan, 1);
			return;
		}
		if (slice_starts_with(scan->rest, SLICE("\\x00")))
			complain(scan, "a NUL byte in a text");
		copy(scan, peek(scan, 0) == '\\' ? 2 : 1);
	}
	scan->on_mistake(scan->owner, start, "the text has no end");
}

static void
copy_name(struct scan *scan)
{
	size_t length = 1;

	while (is_letter(peek(scan, length)) || is_digit(peek(scan, length)) ||
	    peek(scan, length) == '-' || peek(scan, length) == '_' || peek(scan, length) == '*')
		length++;
	copy(scan, length);
}

static int
digit_of(char c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

/* An integer that needs 64 bits gets the L that libconfig wants to see. */
static void
copy_number(struct scan *scan)
{
	int base = peek(scan, 0) == '0' && (peek(scan, 1) | 0x20) == 'x' ? 16 : 10;
	size_t length = base == 16 ? 2 : 0;
	int64_t number = 0;
	bool fits = true;

	for (; digit_of(peek(scan, length)) < base; length++)
		fits = fits && !__builtin_mul_overflow(number, base, &number) &&
		    !__builtin_add_overflow(number, digit_of(peek(scan, length)), &number);
	copy(scan, length);
	if (base == 10 && (peek(scan, 0) == '.' || (peek(scan, 0) | 0x20) == 'e')) {
		while (is_digit(peek(scan, 0)) || memchr(".eE+-", peek(scan, 0), 5) != NULL)
			copy(scan, 1);
		return;
	}
	if (!fits)
		complain(scan, "a number that is too large");
	else if (number > INT32_MAX && peek(scan, 0) != 'L')
		buffer_append_byte(scan->out, 'L');
	while (peek(scan, 0) == 'L')
		copy(scan, 1);
}

static void
copy_next(struct scan *scan)
{
	char c = peek(scan, 0);

	if (c == '#' || (c == '/' && peek(scan, 1) == '/'))
		copy_line(scan);
	else if (c == '/' && peek(scan, 1) == '*')
		copy_comment(scan);
	else if (c == '"')
		copy_string(scan);
	else if (is_letter(c) || c == '*')
		copy_name(scan);
	else if (is_digit(c))
		copy_number(scan);
	else
		copy(scan, 1);
}

static void
check_utf8(struct scan *scan, struct slice text)
{
	unsigned line = 1;

	while (text.length > 0) {
		int32_t c = text_utf8_next(&text);

		if (c < 0) {
			scan->on_mistake(scan->owner, line, "not valid UTF-8");
			return;
		}
		line += c == '\n';
	}
}

void
config_source_read(struct slice text, struct buffer *out, config_source_fn *on_mistake,
    void *owner)
{
	struct scan scan = { text, 1, out, on_mistake, owner };

	if (text.length > CONFIG_SOURCE_MAX) {
		on_mistake(owner, 0, "is larger than 1 MiB");
		text.length = 0;
		scan.rest.length = 0;
	}
	check_utf8(&scan, text);
	check_include(&scan);
	while (scan.rest.length > 0)
		copy_next(&scan);
	buffer_append_byte(out, '\0');
}
