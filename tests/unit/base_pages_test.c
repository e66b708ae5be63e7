/* base_pages_test.c -- runs of pages: apart from each other, and given back to the system. */
#include "unit.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/pages.h"

#define MANY 1000

static void *runs[MANY];

static void
take_all(void)
{
	for (int i = 0; i < MANY; i++) {
		runs[i] = pages_take();
		memset(runs[i], i, PAGES_RUN);
	}
}

static void
give_all(void)
{
	for (int i = 0; i < MANY; i++)
		pages_give(runs[i]);
}

static void
each_taker_has_its_own(void **state)
{
	take_all();
	for (int i = 0; i < MANY; i++)
		for (size_t at = 0; at < PAGES_RUN; at += 4095)
			assert_int_equal(((unsigned char *)runs[i])[at], i & 255);
	give_all();
	take_all();
	give_all();
}

/* In pages of the process. */
static long
resident(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long size, pages = -1;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%ld %ld", &size, &pages), 2);
	fclose(file);
	return pages;
}

static void
what_is_given_back_is_the_system_s(void **state)
{
	long pages = (long)(MANY * PAGES_RUN) / sysconf(_SC_PAGESIZE), before;

#ifdef __SANITIZE_ADDRESS__
	skip();
#endif
	take_all();
	before = resident();
	give_all();
	assert_true(before - resident() > pages * 9 / 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_taker_has_its_own),
		cmocka_unit_test(what_is_given_back_is_the_system_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
