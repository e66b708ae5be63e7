/* xml_expat_memory_test.c -- pieces of an expat's memory: apart, counted, used again, and gone at once. */
#include "unit.h"

#include <stdint.h>
#include <string.h>

#include "base/pages.h"
#include "xml/expat_memory.h"

#define PLENTY ((size_t)1 << 30)

static struct expat_memory memory;

static void *
make(size_t size)
{
	void *piece = expat_memory_resize(&memory, NULL, size, PLENTY);

	assert_non_null(piece);
	assert_int_equal((uintptr_t)piece % 16, 0);
	memset(piece, 0xa5, size);
	return piece;
}

static void
an_empty_one_takes_nothing(void **state)
{
	expat_memory_clear(&memory);
	assert_int_equal(memory.held, 0);
}

static void
pieces_of_all_sizes_are_apart(void **state)
{
	enum { COUNT = 600 };
	unsigned char *piece[COUNT];

	for (int i = 0; i < COUNT; i++) {
		piece[i] = make((size_t)i * 17);
		memset(piece[i], i, (size_t)i * 17);
	}
	for (int i = 0; i < COUNT; i++)
		for (size_t at = 0; at < (size_t)i * 17; at++)
			assert_int_equal(piece[i][at], i & 255);
	for (int i = 0; i < COUNT; i++)
		expat_memory_free(&memory, piece[i]);
	assert_int_equal(memory.bytes, 0);
	expat_memory_clear(&memory);
	assert_int_equal(memory.held, 0);
}

/* From a run to the heap and back. */
static void
a_piece_keeps_what_is_in_it(void **state)
{
	static const size_t sizes[] = { 10, 16, 100, 4096, 4097, 100000, 200000, 5000, 4000, 30, 1 };
	unsigned char *piece = make(1);
	size_t kept = 1;

	piece[0] = 7;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		piece = expat_memory_resize(&memory, piece, sizes[i], PLENTY);
		for (size_t at = 0; at < kept && at < sizes[i]; at++)
			assert_int_equal(piece[at], 7);
		memset(piece, 7, sizes[i]);
		kept = sizes[i];
	}
	expat_memory_free(&memory, piece);
	expat_memory_free(&memory, NULL);
	assert_int_equal(memory.bytes, 0);
	expat_memory_clear(&memory);
}

/* What grows and is made anew for ever stays in one run. */
static void
what_was_freed_is_used_again(void **state)
{
	void *other = make(100);

	for (int i = 0; i < 10000; i++) {
		void *piece = make(40);

		piece = expat_memory_resize(&memory, piece, 1000, PLENTY);
		expat_memory_free(&memory, piece);
	}
	assert_int_equal(memory.held, PAGES_RUN);
	expat_memory_free(&memory, other);
	expat_memory_clear(&memory);
}

static void
the_limit_refuses_and_changes_nothing(void **state)
{
	char *piece = make(1000);
	size_t bytes = memory.bytes;

	strcpy(piece, "kept");
	assert_null(expat_memory_resize(&memory, NULL, 1000, bytes + 1000));
	assert_null(expat_memory_resize(&memory, piece, 3000, bytes + 1000));
	assert_null(expat_memory_resize(&memory, NULL, SIZE_MAX, PLENTY));
	assert_int_equal(memory.bytes, bytes);
	assert_string_equal(piece, "kept");
	expat_memory_free(&memory, piece);
	expat_memory_clear(&memory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_one_takes_nothing),
		cmocka_unit_test(pieces_of_all_sizes_are_apart),
		cmocka_unit_test(a_piece_keeps_what_is_in_it),
		cmocka_unit_test(what_was_freed_is_used_again),
		cmocka_unit_test(the_limit_refuses_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
