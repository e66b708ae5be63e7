/* option_unit.h -- numbers with units: "30 s", "256 KiB". */
#pragma once

#include "base/buffer.h"
#include "config/option.h"

/* What option_unit_read() returns for a number of which no int64_t can hold the value. */
extern const char OPTION_UNIT_HUGE[];

/*
 * Durations in milliseconds, sizes in bytes; without a unit a number is seconds, or bytes.
 * Returns NULL, or what is wrong with the text.
 */
const char *option_unit_read(enum option_type type, struct slice text, int64_t *number);

/* In the largest unit that leaves a whole number. Plain numbers have none. */
void	    option_unit_write(enum option_type type, int64_t number, struct buffer *out);
