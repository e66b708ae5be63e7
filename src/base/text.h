/* text.h -- base64, hexadecimal and UTF-8. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Characters needed for count bytes in base64, without the NUL. */
#define TEXT_BASE64_LENGTH(count) (((count) + 2) / 3 * 4)

/* Writes base64 (RFC 4648 4) and a NUL, returns the length. */
size_t	text_base64_encode(struct slice bytes, char *out);

/*
 * Strict: no white space, right padding, no stray bits. Returns the length, or -1 if it is
 * not so or size is too small. out may be text.data.
 */
long	text_base64_decode(struct slice text, void *out, size_t size);

/* Lower case and a NUL: out holds 2 * bytes.length + 1. */
void	text_hex_encode(struct slice bytes, char *out);

/*
 * One code point (Unicode 15 scalar value) from the front of *text, which moves on; -1,
 * and *text stays, if it is invalid, cut or empty.
 */
int32_t	text_utf8_next(struct slice *text);

/* Writes at most 4 bytes, no NUL, and returns how many: 0 if it is no scalar value. */
size_t	text_utf8_put(int32_t code_point, char *out);

/*
 * Checks a stream of UTF-8 that is cut anywhere. *state starts 0, is kept by the caller,
 * and is 0 again between two characters. Returns false from the first byte on that cannot
 * be right.
 */
bool	text_utf8_check(uint32_t *state, struct slice bytes);
