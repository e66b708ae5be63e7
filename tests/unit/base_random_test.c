/* base_random_test.c -- facts about random bytes, as far as they can be shown. */
#include "tests/unit/unit.h"

#include "base/random.h"

static void
two_draws_differ_at_every_size(void **state)
{
	static unsigned char one[5000], two[5000];

	for (size_t size = 16; size <= sizeof(one); size += 83) {
		random_bytes(one, size);
		random_bytes(two, size);
		assert_memory_not_equal(one, two, size);
	}
	assert_true(random_u64() != random_u64());
}

static void
exactly_the_bytes_asked_for_are_written(void **state)
{
	unsigned char bytes[20];
	int touched = 0;

	for (int round = 0; round < 64; round++) {
		memset(bytes, 0, sizeof(bytes));
		random_bytes(bytes + 2, 16);
		assert_int_equal(bytes[0] | bytes[1] | bytes[18] | bytes[19], 0);
		touched |= bytes[2] != 0 && bytes[17] != 0;
	}
	assert_true(touched);
	random_bytes(NULL, 0);
}

static void
a_forked_child_draws_bytes_of_its_own(void **state)
{
	uint64_t parents, childs;
	int ends[2], status;
	pid_t child;

	/* A buffer with something left in it stands when the child is made. */
	random_u64();
	assert_int_equal(pipe(ends), 0);
	child = fork();
	if (child == 0) {
		childs = random_u64();
		_exit(write(ends[1], &childs, sizeof(childs)) != sizeof(childs));
	}
	parents = random_u64();
	assert_int_equal(read(ends[0], &childs, sizeof(childs)), sizeof(childs));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_true(parents != childs);
	close(ends[0]);
	close(ends[1]);
}

static void
tokens_are_terminated_and_of_64_letters(void **state)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
	char token[1001];

	random_token(token, 1000);
	assert_int_equal(strlen(token), 1000);
	assert_int_equal(strspn(token, letters), 1000);

	random_token(token, 0);
	assert_string_equal(token, "");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_draws_differ_at_every_size),
		cmocka_unit_test(exactly_the_bytes_asked_for_are_written),
		cmocka_unit_test(a_forked_child_draws_bytes_of_its_own),
		cmocka_unit_test(tokens_are_terminated_and_of_64_letters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
