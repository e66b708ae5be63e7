/* process_descriptors_test.c -- what a child keeps open, and what it does not. */
#include "unit.h"

#include <fcntl.h>

#include "process/descriptors.h"

#define OPENED 4
#define FIRST  (1 << OPENED)	/* 0 to 2 are open: a status that no failure has */

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* In a child with some descriptors: a bit for each that is open afterwards, and FIRST. */
static int
open_after(const int *kept, size_t count)
{
	int fd[OPENED], status, bits = 0;
	pid_t child = fork();

	if (child == 0) {
		descriptors_keep(NULL, 0);
		for (int i = 0; i < OPENED; i++)
			fd[i] = open("/dev/null", O_RDONLY);
		descriptors_keep(kept, count);
		for (int i = 0; i < OPENED; i++)
			bits |= is_open(fd[i]) << i;
		_exit(bits | (is_open(0) && is_open(1) && is_open(2) ? FIRST : 0));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
with_none_to_keep_only_the_first_three_stay(void **state)
{
	assert_int_equal(open_after(NULL, 0), FIRST);
}

static void
those_to_keep_stay_in_any_order(void **state)
{
	static const int two[] = { 6, -1, 4, 6 };

	assert_int_equal(open_after(two, 4), FIRST | 1 << 1 | 1 << 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_none_to_keep_only_the_first_three_stay),
		cmocka_unit_test(those_to_keep_stay_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
