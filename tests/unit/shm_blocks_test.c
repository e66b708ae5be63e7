/* shm_blocks_test.c -- facts about arenas: limits, growth, giving back. */
#include "tests/unit/shm_kit.h"

#include <sys/stat.h>

#include "base/result.h"
#include "shm/blocks.h"

#define ARENA (4u << 20) /* four extents */
#define MOST  (ARENA / BLOCK_SIZE)

static struct kit kit;

static int
setup(void **state)
{
	kit_begin(&kit, 2, 64, ARENA);
	return 0;
}

static int
teardown(void **state)
{
	kit_end(&kit);
	return 0;
}

static uint32_t
used(uint32_t arena)
{
	uint32_t blocks;
	uint32_t committed;

	blocks_count(kit.shm, arena, &blocks, &committed);
	return blocks;
}

static uint32_t
committed(uint32_t arena)
{
	uint32_t blocks;
	uint32_t all;

	blocks_count(kit.shm, arena, &blocks, &all);
	return all;
}

static void
take(uint32_t *numbers, uint32_t count, uint32_t slot)
{
	assert_int_equal(blocks_reserve(kit.shm, count), RESULT_OK);
	for (uint32_t i = 0; i < count; i++)
		numbers[i] = block_take(kit.shm, slot);
}

static void
no_block_is_taken_twice(void **state)
{
	static bool seen[MOST];
	uint32_t numbers[MOST];

	memset(seen, 0, sizeof(seen));
	take(numbers, MOST, 3);
	for (uint32_t i = 0; i < MOST; i++) {
		assert_true(numbers[i] < MOST);
		assert_false(seen[numbers[i]]);
		seen[numbers[i]] = true;
		assert_int_equal(kit.shm->worker[0].block_owner[numbers[i]], 4);
		memset(block_at(kit.shm, numbers[i])->bytes, 1, 100);
	}
	assert_int_equal(used(0), MOST);
	assert_int_equal(used(1), 0);
}

static void
the_cap_is_an_answer_and_changes_nothing(void **state)
{
	uint32_t numbers[MOST];

	assert_int_equal(blocks_reserve(kit.shm, MOST + 1), RESULT_FULL);
	assert_int_equal(used(0), 0);
	take(numbers, MOST - 5, 1);
	assert_int_equal(blocks_reserve(kit.shm, 6), RESULT_FULL);
	assert_int_equal(used(0), MOST - 5);
	assert_int_equal(blocks_reserve(kit.shm, 5), RESULT_OK);
	block_give(kit.shm, numbers[0]);
	assert_int_equal(blocks_reserve(kit.shm, 6), RESULT_OK);
}

static void
an_arena_grows_with_its_use(void **state)
{
	uint32_t numbers[BLOCK_EXTENT + 1];

	assert_int_equal(committed(0), 0);
	take(numbers, 1, 1);
	assert_int_equal(committed(0), BLOCK_EXTENT);
	take(numbers + 1, BLOCK_EXTENT, 1);
	assert_int_equal(committed(0), 2 * BLOCK_EXTENT);
}

static void
what_another_worker_gives_back_is_found(void **state)
{
	struct shm *other = kit_worker(&kit, 1);
	uint32_t numbers[MOST];

	take(numbers, MOST, 1);
	for (uint32_t i = 0; i < MOST; i += 2)
		block_give(other, numbers[i]);
	assert_int_equal(used(0), MOST / 2);
	take(numbers, MOST / 2, 2);
	assert_int_equal(used(0), MOST);
	assert_int_equal(blocks_reserve(kit.shm, 1), RESULT_FULL);
	shm_detach(&other);
}

static uint64_t
memory_of_arena(void)
{
	struct stat st;

	assert_int_equal(fstat(kit.shm->worker[0].arena_segment.fd, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

static void
trimming_gives_the_end_back(void **state)
{
	uint32_t numbers[MOST];
	uint64_t before;

	take(numbers, MOST, 1);
	before = memory_of_arena();
	assert_int_equal(blocks_trim(kit.shm), 0);
	for (uint32_t i = 0; i < MOST; i++)
		if ((numbers[i] & (BLOCKS_MAX - 1)) >= 700)
			block_give(kit.shm, numbers[i]);
	assert_int_equal(blocks_trim(kit.shm), 2 * BLOCK_EXTENT * BLOCK_SIZE);
	assert_int_equal(committed(0), 2 * BLOCK_EXTENT);
	assert_int_equal(before - memory_of_arena(), 2 * BLOCK_EXTENT * BLOCK_SIZE);
	take(numbers, MOST - 700, 1);
	for (uint32_t i = 0; i < MOST - 700; i++)
		memset(block_at(kit.shm, numbers[i])->bytes, 2, BLOCK_SIZE - 8);
	assert_int_equal(used(0), MOST);
}

static void
sweeping_gives_back_what_is_not_linked(void **state)
{
	struct slot_ref ref = kit_slot(&kit);
	uint32_t numbers[10];
	uint32_t linked;

	assert_int_equal(kit_append(&kit, ref, kit_bytes(9000, 1)), 0);
	linked = used(0);
	take(numbers, 10, ref.slot);
	assert_int_equal(blocks_sweep(kit.shm, 1, UINT32_MAX), 0);
	assert_int_equal(blocks_sweep(kit.shm, 0, ref.slot + 1), 0);
	assert_int_equal(blocks_sweep(kit.shm, 0, ref.slot), 10);
	assert_int_equal(used(0), linked);
	take(numbers, 10, ref.slot);
	assert_int_equal(blocks_sweep(kit.shm, 0, UINT32_MAX), 10);
	assert_int_equal(used(0), linked);
}

static void
small_begin(struct kit *small, size_t size)
{
	struct shm_options options = { .workers = 1,
				       .max_sessions = 64,
				       .arena_bytes = 64u << 20 };

	kit_small_tmpfs(small, size);
	options.runtime_dir = small->directory;
	assert_int_equal(shm_create(&options, &small->shm), RESULT_OK);
	shm_join(small->shm, 0);
}

static void
a_full_tmpfs_is_an_answer_when_an_arena_grows(void **state)
{
	struct slot_ref ref;
	struct kit small;
	uint64_t before;
	int appended = 0;

	small_begin(&small, 4u << 20);
	ref = kit_slot(&small);
	while (kit_append(&small, ref, kit_bytes(10000, 1)) == 0)
		assert_true(++appended < 1000);
	before = small.shm->slots[ref.slot].out_next;
	assert_int_equal(before, appended);
	assert_int_equal(kit_append(&small, ref, kit_bytes(10000, 1)), RESULT_FULL);
	assert_int_equal(small.shm->slots[ref.slot].out_next, before);
	assert_int_equal(outbox_give(small.shm, ref, before), RESULT_OK);
	assert_int_equal(kit_append(&small, ref, kit_bytes(10000, 1)), 0);
	shm_detach(&small.shm);
	kit_small_end(&small);
}

static void
they_are_scarce_when_less_than_an_eighth_is_left(void **state)
{
	uint32_t numbers[MOST];

	assert_false(blocks_room(kit.shm, true).is_scarce);
	take(numbers, MOST - MOST / 8, 3);
	assert_int_equal(blocks_room(kit.shm, true).left, MOST / 8);
	assert_false(blocks_room(kit.shm, true).is_scarce);
	take(numbers + MOST - MOST / 8, 1, 3);
	assert_true(blocks_room(kit.shm, true).is_scarce);
	block_give(kit.shm, numbers[0]);
	assert_false(blocks_room(kit.shm, true).is_scarce);
}

/* Not each time: it is a look at every block. */
static void
the_room_is_known_within_a_sixty_fourth(void **state)
{
	uint32_t numbers[MOST];

	take(numbers, MOST / 2, 3);
	assert_int_equal(blocks_room(kit.shm, true).left, MOST / 2);
	take(numbers + MOST / 2, MOST / 64 - 1, 3);
	assert_int_equal(blocks_room(kit.shm, false).left, MOST / 2);
	take(numbers + MOST / 2 + MOST / 64, 1, 3);
	assert_int_equal(blocks_room(kit.shm, false).left, MOST / 2 - MOST / 64);
}

static void
they_are_scarce_where_tmpfs_has_no_more(void **state)
{
	static uint32_t numbers[4096];
	struct kit small;
	uint32_t most;

	small_begin(&small, 8u << 20);
	assert_int_equal(blocks_reserve(small.shm, 1), RESULT_OK);
	most = blocks_room(small.shm, true).left;
	assert_in_range(most, 512, 4096);
	assert_false(blocks_room(small.shm, true).is_scarce);
	for (uint32_t i = 0; i < most - most / 16; i++) {
		assert_int_equal(blocks_reserve(small.shm, 1), RESULT_OK);
		numbers[i] = block_take(small.shm, 3);
	}
	assert_true(blocks_room(small.shm, true).is_scarce);
	for (uint32_t i = 0; i < most - most / 16; i++)
		block_give(small.shm, numbers[i]);
	shm_detach(&small.shm);
	kit_small_end(&small);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(no_block_is_taken_twice),
		FACT(the_cap_is_an_answer_and_changes_nothing),
		FACT(an_arena_grows_with_its_use),
		FACT(what_another_worker_gives_back_is_found),
		FACT(trimming_gives_the_end_back),
		FACT(sweeping_gives_back_what_is_not_linked),
		FACT(they_are_scarce_when_less_than_an_eighth_is_left),
		FACT(the_room_is_known_within_a_sixty_fourth),
		cmocka_unit_test(a_full_tmpfs_is_an_answer_when_an_arena_grows),
		cmocka_unit_test(they_are_scarce_where_tmpfs_has_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
