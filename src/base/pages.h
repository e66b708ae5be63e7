/* pages.h -- runs of pages that go back to the system when they are given back, whatever stands beside them. */
#pragma once

#include <stddef.h>

/*
 * For what many connections have for a while and give back in no order: in the heap it would leave holes between what
 * lasts, which no other allocation fills. Of a run only the pages that are written cost memory. A few runs are
 * kept as they are for the next taker. One thread alone.
 */
#define PAGES_RUN ((size_t)16384)

void	*pages_take(void);	/* aligned to a page, not zeroed, never NULL */
void	 pages_give(void *run);
