/* slice.h -- a borrowed run of bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes somebody else owns; not terminated, may hold any byte. */
struct slice {
	const char *data;
	size_t	    length;
};

#define SLICE(literal)	  ((struct slice){ (literal), sizeof(literal) - 1 })
#define SLICE_EMPTY	  ((struct slice){ "", 0 })
#define SLICE_FMT	  "%.*s"
#define SLICE_ARG(s)	  (int)(s).length, (s).data

static inline struct slice
slice_of(const void *data, size_t length)
{
	return (struct slice){ data, length };
}

static inline struct slice
slice_from_text(const char *text)
{
	return (struct slice){ text, strlen(text) };
}

static inline bool
slice_equal(struct slice a, struct slice b)
{
	return a.length == b.length &&
	    (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static inline bool
slice_is(struct slice a, const char *text)
{
	return slice_equal(a, slice_from_text(text));
}

static inline bool
slice_starts_with(struct slice a, struct slice prefix)
{
	return a.length >= prefix.length && (prefix.length == 0 ||
	    memcmp(a.data, prefix.data, prefix.length) == 0);
}

/* Without its first count bytes, count being at most a.length. Of one without bytes data may be NULL. */
static inline struct slice
slice_after(struct slice a, size_t count)
{
	return count == 0 ? a : slice_of(a.data + count, a.length - count);
}

/* Copies its bytes, and returns where they end. */
static inline char *
slice_copy(char *out, struct slice a)
{
	if (a.length > 0)
		memcpy(out, a.data, a.length);
	return out + a.length;
}

/* Order of memcmp, the shorter first where one is the start of the other. */
int	slice_compare(struct slice a, struct slice b);

/* Index of the first byte c, or a.length. */
size_t	slice_find(struct slice a, char c);

/* Without white space (XML's four) at either end. */
struct slice slice_trim(struct slice a);

/*
 * Reads a decimal integer, with or without a sign, that fills the whole slice; false, and
 * *value as it was, if it is none or out of range.
 */
bool	slice_to_int(struct slice a, int64_t least, int64_t most, int64_t *value);
