/* base_memory_test.c -- facts about the allocator. */
#include "tests/unit/unit.h"

#include "base/memory.h"

static void
new_memory_is_zero(void **state)
{
	static const char zeros[4096];
	char *memory = memory_new(sizeof(zeros));

	assert_memory_equal(memory, zeros, sizeof(zeros));
	memory_free(memory);
}

static void
no_bytes_are_memory_too(void **state)
{
	void *memory = memory_new(0);

	assert_non_null(memory);
	memory = memory_resize(memory, 0);
	assert_non_null(memory);
	memory_free(memory);
	memory_free(NULL);
}

static void
resizing_keeps_what_was_there(void **state)
{
	char *memory = memory_resize(NULL, 4);

	memcpy(memory, "hark", 4);
	memory = memory_resize(memory, 100000);
	assert_memory_equal(memory, "hark", 4);
	memory_free(memory);
}

static void
a_copied_text_is_terminated(void **state)
{
	char *copy = memory_copy_text(slice_of("romeo@", 5));
	char *empty = memory_copy_text(slice_of(NULL, 0));

	assert_string_equal(copy, "romeo");
	assert_string_equal(empty, "");
	memory_free(copy);
	memory_free(empty);
}

static void
wiping_overwrites_exactly_what_is_named(void **state)
{
	char secret[] = "abcdef";

	memory_wipe(secret + 1, 4);
	assert_memory_equal(secret, "a\0\0\0\0f", 7);
	memory_wipe(NULL, 0);
}

static void
ask_for_too_much(void)
{
	volatile size_t size = (size_t)PTRDIFF_MAX;

	memory_new(size);
}

/* A sanitizer's allocator ends the process in its own way. */
static void
memory_that_is_not_there_ends_the_process(void **state)
{
#ifdef ROOKERY_SANITIZERS
	(void)ask_for_too_much;
	print_message("SKIPPED: a sanitizer has an allocator of its own\n");
	skip();
#else
	assert_true(unit_aborts(ask_for_too_much));
#endif
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_memory_is_zero),
		cmocka_unit_test(no_bytes_are_memory_too),
		cmocka_unit_test(resizing_keeps_what_was_there),
		cmocka_unit_test(a_copied_text_is_terminated),
		cmocka_unit_test(wiping_overwrites_exactly_what_is_named),
		cmocka_unit_test(memory_that_is_not_there_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
