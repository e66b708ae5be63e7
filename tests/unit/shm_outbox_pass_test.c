/* shm_outbox_pass_test.c -- facts about entries that are passed over, and about stepping from entry to entry. */
#include "tests/unit/shm_kit.h"

#include <string.h>

#include "base/result.h"
#include "shm/effect.h"
#include "shm/outbox.h"

#define ENTRIES 12

static struct kit kit;
static struct slot_ref ref;

/* Longer than a block, as long as one, and short. */
static size_t
length_of(uint64_t number)
{
	static const size_t lengths[] = { 1, 5000, 2040, 33, 2008, 700 };

	return lengths[number % 6];
}

static int
setup(void **state)
{
	kit_begin(&kit, 1, 8, UINT64_C(16) << 20);
	ref = kit_slot(&kit);
	for (uint64_t number = 1; number <= ENTRIES; number++)
		assert_int_equal(kit_append(&kit, ref, kit_bytes(length_of(number),
							   (unsigned)number)),
		    RESULT_OK);
	return 0;
}

static int
teardown(void **state)
{
	kit_end(&kit);
	return 0;
}

static struct outbox_cursor
at(uint64_t number)
{
	struct outbox_cursor cursor;

	outbox_start(kit.shm, ref, &cursor);
	while (cursor.number < number)
		assert_true(outbox_step(kit.shm, ref, &cursor));
	return cursor;
}

static void
pass_over(uint64_t number)
{
	struct outbox_cursor cursor = at(number);

	outbox_pass_over(kit.shm, ref, &cursor);
}

static void
a_step_goes_to_the_next_entry_whatever_was_read(void **state)
{
	struct outbox_cursor cursor = at(2);
	struct entry entry;
	char bytes[100];

	assert_int_equal(outbox_read(kit.shm, ref, &cursor, bytes, sizeof(bytes), 0), 100);
	for (uint64_t number = 2; number <= ENTRIES; number++) {
		assert_true(outbox_peek(kit.shm, ref, &cursor, &entry));
		assert_int_equal(entry.number, number);
		assert_int_equal(entry.length, length_of(number));
		assert_true(outbox_step(kit.shm, ref, &cursor));
	}
	assert_false(outbox_step(kit.shm, ref, &cursor));
	assert_int_equal(cursor.number, ENTRIES + 1);
}

/* In pieces of any size, as a socket takes them: what is read and what is skipped agree. */
static void
entries_passed_over_are_not_read(void **state)
{
	static char bytes[1 << 16];
	struct outbox_cursor cursor, behind;
	size_t expected = 0, got = 0, piece = 1, count;

	pass_over(1);
	pass_over(2);
	pass_over(5);
	pass_over(8);
	for (uint64_t number = 1; number <= ENTRIES; number++)
		if (number > 2 && number != 5 && number != 8)
			expected += length_of(number);
	outbox_start(kit.shm, ref, &cursor);
	behind = cursor;
	while ((count = outbox_read(kit.shm, ref, &cursor, bytes + got, piece, 0)) > 0) {
		outbox_skip(kit.shm, ref, &behind, count);
		assert_int_equal(behind.number, cursor.number);
		assert_int_equal(behind.offset, cursor.offset);
		got += count;
		piece = piece * 2 + 1;
	}
	assert_int_equal(got, expected);
	assert_memory_equal(bytes, kit_bytes(length_of(3), 3).data, length_of(3));
	assert_memory_equal(bytes + length_of(3), kit_bytes(length_of(4), 4).data,
	    length_of(4));
	assert_memory_equal(bytes + length_of(3) + length_of(4),
	    kit_bytes(length_of(6), 6).data, length_of(6));
}

static void
they_are_given_back_with_the_others(void **state)
{
	struct slot *slot = slot_find(kit.shm, ref);

	pass_over(3);
	assert_int_equal(outbox_give(kit.shm, ref, 4), RESULT_OK);
	assert_int_equal(outbox_entries(slot), ENTRIES - 4);
	assert_int_equal(outbox_give(kit.shm, ref, ENTRIES), RESULT_OK);
	assert_int_equal(outbox_bytes(slot), 0);
}

/* Also where nobody would have had to walk. */
static void
they_are_counted_whoever_gives_them_back(void **state)
{
	struct slot *slot = slot_find(kit.shm, ref);
	struct outbox_cursor cursor;

	outbox_start(kit.shm, ref, &cursor);
	for (int i = 0; i < 4; i++)
		assert_true(outbox_step(kit.shm, ref, &cursor));
	pass_over(3);
	assert_int_equal(outbox_give_before(kit.shm, ref, &cursor, cursor.octets), RESULT_OK);
	assert_int_equal(outbox_entries(slot), ENTRIES - 4);
	assert_int_equal(outbox_passed(kit.shm, ref, 4), 1);
}

/* What a client counts are the others: so an acknowledgement of so many names an entry further on. */
static void
counting_leaves_them_out(void **state)
{
	uint64_t number;

	assert_true(outbox_count(kit.shm, ref, 0, 12, ENTRIES, &number));
	assert_int_equal(number, 12);
	pass_over(3);
	pass_over(4);
	pass_over(9);
	assert_true(outbox_count(kit.shm, ref, 0, 3, ENTRIES, &number));
	assert_int_equal(number, 5);
	assert_true(outbox_count(kit.shm, ref, 5, 4, ENTRIES, &number));
	assert_int_equal(number, 10);
	assert_true(outbox_count(kit.shm, ref, 0, 9, ENTRIES, &number));
	assert_int_equal(number, ENTRIES);
	assert_false(outbox_count(kit.shm, ref, 0, 10, ENTRIES, &number));
	assert_false(outbox_count(kit.shm, ref, 0, 7, 9, &number));
	assert_true(outbox_count(kit.shm, ref, 7, 0, ENTRIES, &number));
	assert_int_equal(number, 7);
}

static void
those_given_back_are_remembered(void **state)
{
	uint64_t number;

	pass_over(2);
	pass_over(4);
	pass_over(11);
	assert_int_equal(outbox_passed(kit.shm, ref, 3), 1);
	outbox_give(kit.shm, ref, 3);
	assert_int_equal(outbox_passed(kit.shm, ref, 3), 1);
	assert_int_equal(outbox_passed(kit.shm, ref, 4), 2);
	assert_int_equal(outbox_passed(kit.shm, ref, ENTRIES), 3);
	assert_true(outbox_count(kit.shm, ref, 3, 1, ENTRIES, &number));
	assert_int_equal(number, 5);
	outbox_give(kit.shm, ref, ENTRIES);
	assert_int_equal(outbox_passed(kit.shm, ref, ENTRIES), 3);
	pass_over(5);	/* has gone: nothing happens */
	assert_int_equal(outbox_passed(kit.shm, ref, ENTRIES), 3);
}

static void
an_entry_that_a_store_keeps_tells_its_number_there(void **state)
{
	struct effect_piece piece = { .length = 4 };
	uint64_t number, stored;
	char *memory;

	assert_false(outbox_stored(kit.shm, ref, UINT64_MAX, &number, &stored));
	effect_draft(kit.shm, (struct slot_ref){ UINT32_MAX, 0 }, 0, false);
	effect_stage(kit.shm, 4, &memory, &piece.offset);
	memcpy(memory, "<m/>", 4);
	for (uint64_t i = 70; i < 73; i++) {
		effect_add(kit.shm, ref, ENTRY_MESSAGE, ENTRY_STORED, &piece, 1);
		effect_tells(kit.shm, STEP_TELLS_STORED, i);
	}
	assert_int_equal(effect_run(kit.shm), RESULT_OK);
	assert_true(outbox_stored(kit.shm, ref, UINT64_MAX, &number, &stored));
	assert_int_equal(number, ENTRIES + 3);
	assert_int_equal(stored, 72);
	assert_true(outbox_stored(kit.shm, ref, ENTRIES + 1, &number, &stored));
	assert_int_equal(stored, 70);
	assert_int_equal(atomic_load(&slot_find(kit.shm, ref)->told), 0);
	outbox_give(kit.shm, ref, ENTRIES + 3);
	assert_false(outbox_stored(kit.shm, ref, UINT64_MAX, &number, &stored));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_step_goes_to_the_next_entry_whatever_was_read),
		TEST(entries_passed_over_are_not_read),
		TEST(they_are_given_back_with_the_others),
		TEST(they_are_counted_whoever_gives_them_back),
		TEST(counting_leaves_them_out),
		TEST(those_given_back_are_remembered),
		TEST(an_entry_that_a_store_keeps_tells_its_number_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
