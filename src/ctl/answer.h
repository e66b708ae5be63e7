/* answer.h -- JSON for scripts: one value a command, on standard output. */
#pragma once

#include <jansson.h>

#include "base/slice.h"

/* A string, whatever the bytes: what is no UTF-8 is written as \xNN. Empty: null. */
json_t *answer_text(struct slice text);

/* "2026-11-21T13:17:02.123456Z"; 0: null. */
json_t *answer_time(uint64_t wall_us);

/* Prints the value and gives it back. Returns an exit status. */
int	answer_write(json_t *value);
