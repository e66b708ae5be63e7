/* backoff.c -- how long the replacement of a process that died young has to wait. */
#include "process/backoff.h"

uint64_t
backoff_delay(uint64_t lived_ms, unsigned *young)
{
	uint64_t delay = BACKOFF_FIRST_MS;

	if (lived_ms >= BACKOFF_YOUNG_MS) {
		*young = 0;
		return 0;
	}
	++*young;
	for (unsigned i = 1; i < *young && delay < BACKOFF_MOST_MS; i++)
		delay *= 2;
	return delay < BACKOFF_MOST_MS ? delay : BACKOFF_MOST_MS;
}
