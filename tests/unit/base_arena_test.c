/* base_arena_test.c -- facts about arenas. */
#include "tests/unit/unit.h"

#include "base/arena.h"

static int
setup(void **state)
{
	static struct arena arena;

	arena_init(&arena);
	*state = &arena;
	return 0;
}

static int
teardown(void **state)
{
	struct arena *arena = *state;

	arena_clear(arena);
	assert_int_equal(arena->total, 0);
	return 0;
}

static void
an_arena_without_allocations_holds_nothing(void **state)
{
	struct arena *arena = *state;

	assert_int_equal(arena->total, 0);
	arena_reset(arena);
	arena_clear(arena);
	assert_int_equal(arena->total, 0);
}

static void
every_allocation_is_aligned_and_apart(void **state)
{
	struct arena *arena = *state;
	char *last = NULL;

	for (size_t size = 0; size < 300; size++) {
		char *memory = arena_alloc(arena, size);

		assert_non_null(memory);
		assert_int_equal((uintptr_t)memory % 16, 0);
		assert_ptr_not_equal(memory, last);
		memset(memory, (int)size, size);
		last = memory;
	}
}

static void
allocations_keep_their_bytes_across_chunks(void **state)
{
	struct arena *arena = *state;
	unsigned char *all[500];

	for (size_t i = 0; i < 500; i++)
		all[i] = memset(arena_alloc(arena, 100 + i), (int)(i & 0xff), 100 + i);
	for (size_t i = 0; i < 500; i++) {
		for (size_t j = 0; j < 100 + i; j++)
			assert_int_equal(all[i][j], i & 0xff);
	}
}

static void
chunks_double_from_4_to_64_kib(void **state)
{
	static const size_t totals[] = { 4, 8, 16, 32, 64, 128, 192, 256 };
	struct arena *arena = *state;

	for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
		size_t total = arena->total;

		while (arena->total == total)
			arena_alloc(arena, 16);
		assert_int_equal(arena->total, totals[i] * 1024);
	}
}

static void
a_large_allocation_leaves_the_current_chunk_in_use(void **state)
{
	struct arena *arena = *state;
	char *small = arena_alloc(arena, 16);
	char *large = arena_alloc(arena, 1000000);
	char *next = arena_alloc(arena, 16);

	memset(large, 1, 1000000);
	assert_ptr_equal(next, small + 16);
	assert_in_range(arena->total, 1004096, 1004096 + 64);
}

static void
a_large_allocation_may_be_the_first(void **state)
{
	struct arena *arena = *state;
	char *large = arena_alloc(arena, 100001);
	char *small = arena_alloc(arena, 1);

	memset(large, 1, 100001);
	*small = 2;
	assert_int_equal(large[100000], 1);
	arena_reset(arena);
	assert_true(arena->total <= 4096);
}

static void
reset_keeps_one_chunk_of_4_kib(void **state)
{
	struct arena *arena = *state;
	void *first = arena_alloc(arena, 1);

	arena_alloc(arena, 100000);
	for (int i = 0; i < 1000; i++)
		arena_alloc(arena, 1000);
	arena_reset(arena);
	assert_int_equal(arena->total, 4096);
	assert_ptr_equal(arena_alloc(arena, 1), first);
	assert_int_equal(arena->total, 4096);
}

static void
zeroed_memory_is_zero_also_after_a_reset(void **state)
{
	static const char zeros[1000];
	struct arena *arena = *state;

	memset(arena_alloc(arena, 1000), 0xff, 1000);
	arena_reset(arena);
	assert_memory_equal(arena_zeroed(arena, 1000), zeros, 1000);
}

static void
a_copy_is_terminated_and_its_own(void **state)
{
	struct arena *arena = *state;
	char original[] = "a\0b";
	struct slice copy = arena_copy(arena, slice_of(original, 3));

	original[0] = 'x';
	assert_int_equal(copy.length, 3);
	assert_memory_equal(copy.data, "a\0b", 4);
	assert_string_equal(arena_copy(arena, slice_of(NULL, 0)).data, "");
}

static void
printf_gives_a_terminated_text_of_any_length(void **state)
{
	struct arena *arena = *state;

	assert_slice(arena_printf(arena, "%s-%d", "sid", 7), "sid-7");
	for (int width = 250; width < 260; width++) {
		struct slice text = arena_printf(arena, "%*d", width, 7);

		assert_int_equal(text.length, width);
		assert_memory_equal(text.data + width - 2, " 7", 3);
	}
	assert_int_equal(arena_printf(arena, "%100000d", 7).length, 100000);
}

static void
the_last_allocation_grows_in_place(void **state)
{
	struct arena *arena = *state;
	char *text = arena_alloc(arena, 5);

	memcpy(text, "abcde", 5);
	assert_ptr_equal(arena_grow(arena, text, 5, 10), text);
	assert_ptr_equal(arena_grow(arena, text, 10, 1000), text);
	assert_memory_equal(text, "abcde", 5);
	memset(text, 1, 1000);
	assert_ptr_equal(arena_alloc(arena, 1), text + 1008);
}

static void
an_earlier_allocation_moves_when_it_grows(void **state)
{
	struct arena *arena = *state;
	char *text = arena_alloc(arena, 5);
	char *other = arena_alloc(arena, 5);
	char *moved;

	memcpy(text, "abcde", 5);
	memcpy(other, "other", 5);
	moved = arena_grow(arena, text, 5, 100);
	assert_ptr_not_equal(moved, text);
	memset(moved + 5, 1, 95);
	assert_memory_equal(moved, "abcde", 5);
	assert_memory_equal(other, "other", 5);
}

static void
the_last_allocation_moves_when_its_chunk_is_full(void **state)
{
	struct arena *arena = *state;
	char *text = arena_alloc(arena, 4000);
	char *moved;

	memset(text, 7, 4000);
	moved = arena_grow(arena, text, 4000, 8000);
	assert_ptr_not_equal(moved, text);
	assert_memory_equal(moved, text, 4000);
	memset(moved, 1, 8000);
}

static void
growing_fills_a_chunk_to_its_last_byte(void **state)
{
	struct arena *arena = *state;
	char *text = arena_alloc(arena, 16);
	size_t room = 16 + (size_t)(arena->end - arena->next);

	assert_ptr_equal(arena_grow(arena, text, 16, room), text);
	memset(text, 1, room);
	assert_int_equal(arena->total, 4096);
	assert_ptr_not_equal(arena_grow(arena, text, room, room + 1), text);
}

static void
growing_from_null_allocates(void **state)
{
	struct arena *arena = *state;
	char *text = arena_grow(arena, NULL, 0, 3);

	assert_non_null(text);
	assert_ptr_equal(arena_grow(arena, text, 3, 2), text);
}

static void
text_in_pieces_grows_through_all_chunk_sizes(void **state)
{
	struct arena *arena = *state;
	char *text = NULL;

	for (size_t length = 0; length < 200000; length += 1000) {
		text = arena_grow(arena, text, length, length + 1000);
		memset(text + length, (int)(length / 1000 & 0x7f), 1000);
	}
	for (size_t i = 0; i < 200000; i++)
		assert_int_equal(text[i], i / 1000 & 0x7f);
}

static void
ask_for_nearly_everything(void)
{
	struct arena arena;

	arena_init(&arena);
	arena_alloc(&arena, SIZE_MAX - 3);
}

static void
sizes_that_wrap_round_end_the_process(void **state)
{
	assert_true(unit_aborts(ask_for_nearly_everything));
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		FACT(an_arena_without_allocations_holds_nothing),
		FACT(every_allocation_is_aligned_and_apart),
		FACT(allocations_keep_their_bytes_across_chunks),
		FACT(chunks_double_from_4_to_64_kib),
		FACT(a_large_allocation_leaves_the_current_chunk_in_use),
		FACT(a_large_allocation_may_be_the_first),
		FACT(reset_keeps_one_chunk_of_4_kib),
		FACT(zeroed_memory_is_zero_also_after_a_reset),
		FACT(a_copy_is_terminated_and_its_own),
		FACT(printf_gives_a_terminated_text_of_any_length),
		FACT(the_last_allocation_grows_in_place),
		FACT(an_earlier_allocation_moves_when_it_grows),
		FACT(the_last_allocation_moves_when_its_chunk_is_full),
		FACT(growing_fills_a_chunk_to_its_last_byte),
		FACT(growing_from_null_allocates),
		FACT(text_in_pieces_grows_through_all_chunk_sizes),
		FACT(sizes_that_wrap_round_end_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
