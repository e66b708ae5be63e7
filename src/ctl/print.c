/* print.c -- texts for a terminal: no byte of a peer's may steer it. */
#include "ctl/print.h"

#include <wchar.h>

#include "base/text.h"

/* Left-to-right and right-to-left marks, embeddings, overrides and isolates. */
static bool
turns_direction(int32_t c)
{
	return c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static bool
is_harmless(int32_t c)
{
	return c >= 0x20 && !(c >= 0x7f && c <= 0x9f) && c != 0x2028 && c != 0x2029 &&
	       !turns_direction(c);
}

void
print_safe(struct buffer *out, struct slice text)
{
	while (text.length > 0) {
		struct slice rest = text;
		int32_t c = text_utf8_next(&rest);
		size_t length = c < 0 ? 1 : text.length - rest.length;

		if (is_harmless(c))
			buffer_append(out, slice_of(text.data, length));
		else
			for (size_t i = 0; i < length; i++)
				buffer_printf(out, "\\x%02x",
					      (unsigned char)text.data[i]);
		text = slice_after(text, length);
	}
}

size_t
print_width(struct slice text)
{
	size_t width = 0;

	while (text.length > 0) {
		int32_t c = text_utf8_next(&text);
		int columns;

		if (c < 0) {
			width += text.length;
			break;
		}
		columns = wcwidth((wchar_t)c);
		width += columns < 0 ? 1 : (size_t)columns;
	}
	return width;
}

void
print_bytes(struct buffer *out, uint64_t bytes)
{
	static const char *const units[] = {
		"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"
	};
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	buffer_printf(out, unit > 0 && value < 10 ? "%.1f %s" : "%.0f %s", value,
		      units[unit]);
}

void
print_duration(struct buffer *out, uint64_t ms)
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
	uint64_t seconds = ms / 1000;
	size_t i = 0;

	while (i < 3 && seconds < units[i].seconds)
		i++;
	buffer_printf(out, "%llu %s", (unsigned long long)(seconds / units[i].seconds),
		      units[i].name);
	seconds %= units[i].seconds;
	if (i < 3 && seconds / units[i + 1].seconds > 0)
		buffer_printf(out, " %llu %s",
			      (unsigned long long)(seconds / units[i + 1].seconds),
			      units[i + 1].name);
}
