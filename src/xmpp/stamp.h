/* stamp.h -- reading dates and times of XEP-0082; base/clock.h writes them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/*
 * "1969-07-21T02:56:15.123Z", "1969-07-20T21:56:15-05:00": microseconds since 1970 UTC, those before it are 0. False
 * for what is no DateTime. Digits past the sixth are dropped.
 */
bool	stamp_read(struct slice text, uint64_t *wall_us);
