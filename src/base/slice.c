/* slice.c -- order, search and numbers in borrowed bytes. */
#include "base/slice.h"

static bool
is_xml_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int
slice_compare(struct slice a, struct slice b)
{
	size_t shorter = a.length < b.length ? a.length : b.length;
	int order = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);

	if (order != 0)
		return order;
	return (a.length > b.length) - (a.length < b.length);
}

size_t
slice_find(struct slice a, char c)
{
	const char *found = a.length == 0 ? NULL : memchr(a.data, c, a.length);

	return found == NULL ? a.length : (size_t)(found - a.data);
}

struct slice
slice_trim(struct slice a)
{
	while (a.length > 0 && is_xml_space(a.data[0]))
		a = slice_after(a, 1);
	while (a.length > 0 && is_xml_space(a.data[a.length - 1]))
		a.length--;
	return a;
}

bool
slice_to_int(struct slice a, int64_t least, int64_t most, int64_t *value)
{
	bool negative = slice_starts_with(a, SLICE("-"));
	int64_t number = 0;

	if (negative || slice_starts_with(a, SLICE("+")))
		a = slice_after(a, 1);
	if (a.length == 0)
		return false;
	for (size_t i = 0; i < a.length; i++) {
		int digit = a.data[i] - '0';

		if (digit < 0 || digit > 9)
			return false;
		if (__builtin_mul_overflow(number, 10, &number) ||
		    __builtin_add_overflow(number, negative ? -digit : digit, &number))
			return false;
	}
	if (number < least || number > most)
		return false;
	*value = number;
	return true;
}
