/* split.c -- cuts what a server sends into elements, without parsing them. */
#include "tests/bench/split.h"

#include <stdio.h>
#include <string.h>

static const char *
find(struct slice text, const char *needle, size_t length)
{
	return memmem(text.data, text.length, needle, length);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* White space and the XML declaration. */
static size_t
skip(struct slice input)
{
	size_t at = 0;
	const char *end;

	while (at < input.length && is_space(input.data[at]))
		at++;
	if (!slice_starts_with(slice_after(input, at), SLICE("<?")))
		return at;
	end = find(slice_after(input, at), "?>", 2);
	return end == NULL ? input.length : (size_t)(end - input.data) + 2;
}

static bool
is_tag_of_stream(struct slice tag)
{
	return slice_starts_with(tag, SLICE("</")) || split_is(tag, "stream:stream");
}

/* Length of the element at the front, 0 when it is not whole. */
static size_t
measure(struct slice input)
{
	char closing[72] = "</";
	const char *end = memchr(input.data, '>', input.length);
	size_t tag, name;

	if (end == NULL)
		return 0;
	tag = (size_t)(end - input.data) + 1;
	if (is_tag_of_stream(slice_of(input.data, tag)) || input.data[tag - 2] == '/')
		return tag;
	name = strcspn(input.data + 1, " />\n\t'");
	if (name > sizeof(closing) - 4)
		name = sizeof(closing) - 4;
	memcpy(closing + 2, input.data + 1, name);
	closing[name + 2] = '>';
	end = find(slice_after(input, tag), closing, name + 3);
	return end == NULL ? 0 : (size_t)(end - input.data) + name + 3;
}

size_t
split_next(struct slice input, struct slice *element)
{
	size_t start = skip(input);
	size_t length;

	if (start >= input.length)
		return 0;
	length = measure(slice_after(input, start));
	*element = slice_of(input.data + start, length);
	return length == 0 ? 0 : start + length;
}

bool
split_is(struct slice element, const char *name)
{
	size_t length = strlen(name);

	return element.length > length + 1 &&
	       memcmp(element.data + 1, name, length) == 0 &&
	       strchr(" />", element.data[length + 1]) != NULL;
}

bool
split_tag_has(struct slice element, const char *text)
{
	const char *end = memchr(element.data, '>', element.length);
	size_t length = end == NULL ? element.length : (size_t)(end - element.data);

	return find(slice_of(element.data, length), text, strlen(text)) != NULL;
}

struct slice
split_text(struct slice element, const char *name)
{
	char opening[64];
	int length = snprintf(opening, sizeof(opening), "<%s", name);
	const char *start = find(element, opening, (size_t)length);
	const char *limit = element.data + element.length;
	const char *end;

	if (start != NULL)
		start = memchr(start, '>', (size_t)(limit - start));
	if (start == NULL)
		return SLICE_EMPTY;
	start++;
	end = memchr(start, '<', (size_t)(limit - start));
	return slice_of(start, (size_t)((end == NULL ? limit : end) - start));
}
