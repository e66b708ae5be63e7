/* backoff.h -- how long the replacement of a process that died young has to wait. */
#pragma once

#include <stdint.h>

#define BACKOFF_YOUNG_MS 1000
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MOST_MS	 10000

/*
 * Milliseconds until the next start. *young counts deaths in a row within BACKOFF_YOUNG_MS of the start: none
 * means at once, then 100 ms, doubled each time. One that lived longer starts the count anew.
 */
uint64_t backoff_delay(uint64_t lived_ms, unsigned *young);
