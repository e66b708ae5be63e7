/* print.h -- texts for a terminal: no byte of a peer's may steer it. */
#pragma once

#include <stdio.h>

#include "base/buffer.h"
#include "base/slice.h"

/*
 * Appends text with control characters (C0, DEL, C1), what turns the direction of writing, and invalid
 * UTF-8 as \xNN, byte by byte.
 */
void	print_safe(struct buffer *out, struct slice text);

/* Columns of a terminal that a safe text takes. Needs a locale of UTF-8 (LC_CTYPE). */
size_t	print_width(struct slice text);

/* "512 B", "3.4 KiB", "12 MiB". */
void	print_bytes(struct buffer *out, uint64_t bytes);

/* "4 s", "3 min 20 s", "2 h 5 min", "11 d 3 h". */
void	print_duration(struct buffer *out, uint64_t ms);
