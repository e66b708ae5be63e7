/* base_leaks_test.c -- what a process has lost ends it, where a build can see that. */
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/leaks.h"
#include "base/memory.h"
#include "tests/unit/unit.h"

#define SIZE 4096

/* Where no leak checker looks by itself. */
static void **
other_memory(void)
{
	void *memory =
	    mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(memory != MAP_FAILED);
	return memory;
}

static bool
ends_well(bool looks)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		void **other = other_memory();

		for (size_t i = 0; i < SIZE / sizeof(*other); i++)
			other[i] = memory_new(1);
		if (looks)
			leaks_look_in(other, SIZE);
		leaks_check();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
what_nothing_points_to_is_lost(void **state)
{
#ifdef __SANITIZE_ADDRESS__
	assert_false(ends_well(false));
#else
	print_message("SKIPPED: built without a sanitizer that looks for leaks\n");
	skip();
#endif
}

static void
what_is_pointed_to_is_not_from_wherever(void **state)
{
	assert_true(ends_well(true));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nothing_points_to_is_lost),
		cmocka_unit_test(what_is_pointed_to_is_not_from_wherever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
