/* shm_outbox_test.c -- facts about outboxes, whole and scribbled. */
#include "tests/unit/shm_kit.h"

#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "shm/blocks.h"

#define DATA_SIZE (BLOCK_SIZE - 8)

static struct kit kit;
static struct slot_ref box;
static char bytes[1 << 20];

static int
setup(void **state)
{
	kit_begin(&kit, 2, 64, 32u << 20);
	box = kit_slot(&kit);
	return 0;
}

static int
teardown(void **state)
{
	kit_end(&kit);
	return 0;
}

static struct slot *
slot(void)
{
	return &kit.shm->slots[box.slot];
}

static void
append(size_t length, unsigned seed)
{
	assert_int_equal(kit_append(&kit, box, kit_bytes(length, seed)), 0);
}

static uint32_t
used(void)
{
	uint32_t blocks;
	uint32_t committed;

	blocks_count(kit.shm, 0, &blocks, &committed);
	return blocks;
}

/* One entry, read in chunks of that size, is what was appended. */
static void
expect(struct outbox_cursor *cursor, size_t length, unsigned seed, size_t chunk)
{
	struct slice expected = kit_bytes(length, seed);
	size_t done = 0;

	while (done < length) {
		size_t want = length - done < chunk ? length - done : chunk;

		assert_int_equal(outbox_read(kit.shm, box, cursor, bytes + done, want, 0),
				 want);
		done += want;
	}
	assert_memory_equal(bytes, expected.data, length);
}

/* Their headers and ends fall on every place of a block. */
static void
entries_of_all_sizes_come_back(void **state)
{
	struct outbox_cursor cursor;

	outbox_start(kit.shm, box, &cursor);
	for (size_t length = 0; length <= 5000; length++) {
		struct entry entry;

		append(length, 1);
		assert_true(outbox_peek(kit.shm, box, &cursor, &entry));
		assert_int_equal(entry.length, length);
		assert_int_equal(entry.number, length + 1);
		assert_int_equal(entry.kind, ENTRY_MESSAGE);
		if (length == 0) /* nothing to read, and passed over */
			assert_int_equal(outbox_read(kit.shm, box, &cursor, bytes, 1, 0),
					 0);
		expect(&cursor, length, 1, 100000);
		assert_false(outbox_peek(kit.shm, box, &cursor, &entry));
		if (length % 7 == 0)
			assert_int_equal(outbox_give(kit.shm, box, length + 1),
					 RESULT_OK);
	}
	assert_int_equal(outbox_give(kit.shm, box, slot()->out_next), RESULT_OK);
	assert_int_equal(used(), 0);
}

static void
chunks_of_all_sizes_give_the_same_bytes(void **state)
{
	static const size_t chunks[] = { 1,
					 7,
					 8,
					 31,
					 32,
					 33,
					 DATA_SIZE - 33,
					 DATA_SIZE - 32,
					 DATA_SIZE - 1,
					 DATA_SIZE,
					 DATA_SIZE + 1,
					 5000 };
	static const size_t lengths[] = { 1,
					  8,
					  100,
					  DATA_SIZE - 64,
					  DATA_SIZE - 33,
					  DATA_SIZE - 32,
					  DATA_SIZE - 31,
					  DATA_SIZE,
					  DATA_SIZE + 1,
					  2 * DATA_SIZE - 32,
					  2 * DATA_SIZE,
					  4999 };

	for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
		struct outbox_cursor cursor;

		outbox_start(kit.shm, box, &cursor);
		for (size_t j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++)
			append(lengths[j], (unsigned)j);
		for (size_t j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++)
			expect(&cursor, lengths[j], (unsigned)j, chunks[i]);
		assert_int_equal(outbox_give(kit.shm, box, slot()->out_next), RESULT_OK);
		assert_int_equal(used(), 0);
	}
}

static void
one_read_passes_over_many_entries(void **state)
{
	struct outbox_cursor cursor;
	size_t at = 0;

	for (unsigned i = 0; i < 100; i++)
		append(i * 37, i);
	outbox_start(kit.shm, box, &cursor);
	assert_int_equal(outbox_read(kit.shm, box, &cursor, bytes, sizeof(bytes), 0),
			 37 * 99 * 100 / 2);
	for (unsigned i = 0; i < 100; i++) {
		assert_memory_equal(bytes + at, kit_bytes(i * 37, i).data, i * 37);
		at += i * 37;
	}
	assert_int_equal(cursor.number, 101);
}

static void
a_read_stops_where_it_is_told(void **state)
{
	struct outbox_cursor cursor;

	for (unsigned i = 0; i < 10; i++)
		append(3000, i);
	outbox_start(kit.shm, box, &cursor);
	assert_int_equal(outbox_read(kit.shm, box, &cursor, bytes, 100000, 4), 12000);
	assert_int_equal(outbox_read(kit.shm, box, &cursor, bytes, 100000, 4), 0);
	assert_int_equal(cursor.number, 5);
	assert_int_equal(outbox_read(kit.shm, box, &cursor, bytes, 100000, 0), 18000);
}

static void
skipping_is_reading_without_bytes(void **state)
{
	struct outbox_cursor cursor;

	append(5000, 1);
	append(300, 2);
	outbox_start(kit.shm, box, &cursor);
	outbox_skip(kit.shm, box, &cursor, 2500);
	assert_int_equal(cursor.number, 1);
	assert_int_equal(cursor.offset, 2500);
	assert_int_equal(outbox_read(kit.shm, box, &cursor, bytes, 2500, 0), 2500);
	assert_memory_equal(bytes, kit_bytes(5000, 1).data + 2500, 2500);
	outbox_skip(kit.shm, box, &cursor, 299);
	assert_int_equal(outbox_read(kit.shm, box, &cursor, bytes, 10, 0), 1);
	assert_int_equal(bytes[0], kit_bytes(300, 2).data[299]);
	assert_int_equal(cursor.number, 3);
}

static void
giving_back_some_keeps_the_rest(void **state)
{
	struct outbox_cursor cursor;

	for (unsigned i = 0; i < 50; i++)
		append(700 + i, i);
	for (unsigned i = 0; i < 50; i++) {
		outbox_start(kit.shm, box, &cursor);
		assert_int_equal(cursor.number, i + 1);
		expect(&cursor, 700 + i, i, 10000);
		assert_int_equal(outbox_entries(slot()), 50 - i);
		assert_int_equal(outbox_give(kit.shm, box, i + 1), RESULT_OK);
		assert_int_equal(outbox_give(kit.shm, box, i), RESULT_OK);
		assert_true(used() <= ((50 - i) * 800) / DATA_SIZE + 2);
	}
	assert_int_equal(used(), 0);
	assert_int_equal(outbox_bytes(slot()), 0);
	assert_int_equal(outbox_give(kit.shm, box, 51), RESULT_INVALID);
}

/* Who has come there knows where the rest begins: every place of a block, and the end of one. */
static void
giving_back_what_was_read_is_the_same_without_a_walk(void **state)
{
	struct outbox_cursor cursor, mark;
	uint64_t octets = 0;

	for (unsigned i = 0; i < 400; i++)
		append(i * 7, i);
	outbox_start(kit.shm, box, &cursor);
	for (unsigned i = 0; i < 400; i++) {
		uint64_t before = outbox_bytes(slot());

		assert_true(outbox_step(kit.shm, box, &cursor));
		if (i % 3 == 0)
			mark = cursor;
		if (i % 3 != 2)
			continue;
		assert_int_equal(outbox_give_before(kit.shm, box, &mark, mark.octets - octets),
				 RESULT_OK);
		assert_int_equal(before - outbox_bytes(slot()), mark.octets - octets);
		assert_int_equal(outbox_entries(slot()), 400 + 1 - mark.number);
		octets = mark.octets;
	}
	assert_int_equal(outbox_give_before(kit.shm, box, &cursor, cursor.octets - octets),
			 RESULT_OK);
	assert_int_equal(used(), 0);
	assert_int_equal(outbox_bytes(slot()), 0);
}

/* The cursor stood in a block that went with the last entry. */
static void
a_reader_goes_on_after_all_was_given_back(void **state)
{
	struct outbox_cursor cursor;

	outbox_start(kit.shm, box, &cursor);
	for (unsigned i = 0; i < 300; i++) {
		append(i * 13, i);
		if (i == 0)
			continue;
		expect(&cursor, i * 13, i, 10000);
		assert_int_equal(outbox_give(kit.shm, box, i + 1), RESULT_OK);
	}
}

static void
counts_are_of_what_waits(void **state)
{
	append(100, 0);
	append(0, 0);
	append(50, 0);
	assert_int_equal(outbox_entries(slot()), 3);
	assert_int_equal(outbox_bytes(slot()), 150);
	assert_int_equal(outbox_give(kit.shm, box, 1), RESULT_OK);
	assert_int_equal(outbox_bytes(slot()), 50);
	slot()->bytes_in += 1000; /* as a death may leave it */
	outbox_recount(kit.shm, box.slot);
	assert_int_equal(outbox_bytes(slot()), 50);
}

static void
the_most_blocks_are_never_less_than_needed(void **state)
{
	for (uint32_t length = 0; length < 20000; length += 41) {
		uint32_t before = used();

		append(length, 1);
		assert_true(used() - before <= outbox_blocks(length));
		if (length % 4 == 0)
			assert_int_equal(outbox_give(kit.shm, box, slot()->out_next),
					 RESULT_OK);
	}
}

static void
a_tool_reads_without_writing(void **state)
{
	struct outbox_cursor cursor;
	struct shm *tool;

	append(4000, 9);
	assert_int_equal(shm_attach(kit.directory, true, &tool), RESULT_OK);
	outbox_start(tool, box, &cursor);
	assert_int_equal(outbox_read(tool, box, &cursor, bytes, 10000, 0), 4000);
	assert_memory_equal(bytes, kit_bytes(4000, 9).data, 4000);
	shm_detach(&tool);
}

/* --- memory nobody may believe --- */

static uint64_t
scribble_of(uint64_t before)
{
	static const uint64_t nasty[] = { 0,
					  1,
					  UINT64_MAX,
					  0xffffffff00000000,
					  0x1fffffff0,
					  0x1000000001,
					  0x3f00000100000000,
					  0x4100000000,
					  0x100000000 + DATA_SIZE,
					  0x100000000 + DATA_SIZE - 32,
					  0xffffffff };
	uint64_t dice = random_u64();

	switch (dice % 4) {
	case 0:
		return before ^ 1ull << (dice >> 8 & 63);
	case 1:
		return before + (dice >> 8) % 64 - 32;
	case 2:
		return nasty[(dice >> 8) % (sizeof(nasty) / sizeof(nasty[0]))];
	default:
		return random_u64();
	}
}

static void
scribble_slot(void)
{
	place_word *words[] = { &slot()->tail[0],    &slot()->tail[1],
				&slot()->head[0],    &slot()->head[1],
				&slot()->out_acked,  &slot()->bytes_in,
				&slot()->bytes_acked };
	place_word *word = words[random_u64() % (sizeof(words) / sizeof(words[0]))];

	*word = scribble_of(*word);
}

static void
scribble_block(void)
{
	uint32_t head = (uint32_t)(slot()->head[slot()->out_acked & 1] >> 32);
	struct block *block;
	uint64_t word;

	if (!block_is_of(kit.shm, head, box.slot))	/* a head that was scribbled on: that block is another's */
		return;
	block = block_at(kit.shm, head - 1);
	if (random_u64() % 3 == 0) {
		block->next = (uint32_t)scribble_of(block->next);
		return;
	}
	memcpy(&word, block->bytes + random_u64() % 4 * 8, 8);
	word = scribble_of(word);
	memcpy(block->bytes + random_u64() % 4 * 8, &word, 8);
}

static void
use_what_is_left(void)
{
	struct outbox_cursor cursor;
	struct entry entry;

	outbox_start(kit.shm, box, &cursor);
	outbox_peek(kit.shm, box, &cursor, &entry);
	for (int i = 0; i < 3; i++)
		outbox_read(kit.shm, box, &cursor, bytes, 1 + random_u64() % 9000, 0);
	outbox_recount(kit.shm, box.slot);
	outbox_give(kit.shm, box, (slot()->out_acked >> 1) + 1);
	blocks_sweep(kit.shm, 0, box.slot);
	outbox_give(kit.shm, box, slot()->out_next);
}

static void
expect_untouched(struct slot_ref other)
{
	struct outbox_cursor cursor;

	outbox_start(kit.shm, other, &cursor);
	assert_int_equal(outbox_read(kit.shm, other, &cursor, bytes, 9000, 0), 3000);
	assert_memory_equal(bytes, kit_bytes(3000, 5).data, 3000);
}

static void
a_scribbled_outbox_is_refused(void **state)
{
	log_set_level(LOG_ERROR);
	for (int i = 0; i < 3000; i++) {
		struct slot_ref other = kit_slot(&kit);

		assert_int_equal(kit_append(&kit, other, kit_bytes(3000, 5)), 0);
		for (int j = 0; j < 6; j++)
			append(random_u64() % 4000, 1);
		for (int j = (int)(random_u64() % 3); j >= 0; j--) {
			if (random_u64() % 2 == 0)
				scribble_slot();
			else
				scribble_block();
		}
		use_what_is_left();
		expect_untouched(other);
		slot_give(kit.shm, other);
		slot_give(kit.shm, box);
		blocks_sweep(kit.shm, 0, box.slot);
		memset(slot()->tail, 0, sizeof(slot()->tail));
		box = kit_slot(&kit);
		assert_int_equal(ftruncate(kit.log, 0), 0);
	}
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(entries_of_all_sizes_come_back),
		FACT(chunks_of_all_sizes_give_the_same_bytes),
		FACT(one_read_passes_over_many_entries),
		FACT(a_read_stops_where_it_is_told),
		FACT(skipping_is_reading_without_bytes),
		FACT(giving_back_some_keeps_the_rest),
		FACT(giving_back_what_was_read_is_the_same_without_a_walk),
		FACT(a_reader_goes_on_after_all_was_given_back),
		FACT(counts_are_of_what_waits),
		FACT(the_most_blocks_are_never_less_than_needed),
		FACT(a_tool_reads_without_writing),
		FACT(a_scribbled_outbox_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
