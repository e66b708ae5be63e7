/* routing_delivery_test.c -- copies for many sessions: written once, all or nothing. */
#include "routing/delivery.h"

#include "base/result.h"
#include "shm/blocks.h"
#include "tests/unit/shm_kit.h"
#include "tests/unit/unit.h"

#define TARGETS 100

static struct kit kit;
static struct arena arena;
static struct delivery delivery;
static const struct slot_ref nobody = { UINT32_MAX, 0 };

static void
begin(uint64_t arena_bytes)
{
	kit_begin(&kit, 1, 200, arena_bytes);
	shm_recover(kit.shm);
	arena_init(&arena);
	delivery_begin(&delivery, kit.shm, nobody, 0);
}

static void
end(void)
{
	arena_clear(&arena);
	kit_end(&kit);
}

static struct element *
message(size_t length)
{
	struct element *element = element_new(&arena, NS_CLIENT, "message");
	char *text = arena_alloc(&arena, length + 1);

	memset(text, 'x', length);
	element_add_text(&arena, element_add(&arena, element, NS_CLIENT, "body"),
	    slice_of(text, length));
	return element;
}

static size_t
read_all(struct slot_ref ref, char *out, size_t size)
{
	struct outbox_cursor cursor = { 0 };

	outbox_start(kit.shm, ref, &cursor);
	return outbox_read(kit.shm, ref, &cursor, out, size, 0);
}

static void
the_bytes_are_written_once_for_all_targets(void **state)
{
	struct slot_ref targets[TARGETS];
	struct element *element;
	struct effect_piece first;
	char out[3000];

	begin(16 << 20);
	element = message(1000);
	for (int i = 0; i < TARGETS; i++) {
		targets[i] = kit_slot(&kit);
		delivery_add(&delivery, KIND_MESSAGE, element, targets[i]);
		if (i == 0)
			first = delivery.piece;
		assert_memory_equal(&delivery.piece, &first, sizeof(first));
	}
	assert_int_equal(delivery_run(&delivery), 0);
	assert_int_equal(delivery.count, TARGETS);
	for (int i = 0; i < TARGETS; i++) {
		assert_int_equal(read_all(targets[i], out, sizeof(out)), first.length);
		assert_memory_equal(out, "<message><body>xxx", 18);
		assert_memory_equal(out + first.length - 17, "</body></message>", 17);
	}
	end();
}

static void
another_element_is_written_anew(void **state)
{
	struct slot_ref target;
	char out[5000];
	size_t length;

	begin(16 << 20);
	target = kit_slot(&kit);
	delivery_add(&delivery, KIND_MESSAGE, message(10), target);
	delivery_add(&delivery, KIND_PRESENCE, element_new(&arena, NS_CLIENT, "presence"),
	    target);
	delivery_add(&delivery, KIND_MESSAGE, message(2), target);
	assert_int_equal(delivery_run(&delivery), 0);
	length = read_all(target, out, sizeof(out));
	assert_slice(slice_of(out, length),
	    "<message><body>xxxxxxxxxx</body></message><presence/>"
	    "<message><body>xx</body></message>");
	end();
}

/* Around the room of the first try, and far above it. */
static void
every_length_arrives_whole(void **state)
{
	static const size_t lengths[] = { 2015, 2016, 2017, 2018, 2048, 4096, 100000, 262144 };
	static char out[300000];

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct slot_ref target;
		size_t expected = lengths[i] + strlen("<message><body></body></message>");

		begin(16 << 20);
		target = kit_slot(&kit);
		delivery_add(&delivery, KIND_MESSAGE, message(lengths[i]), target);
		assert_int_equal(delivery_run(&delivery), 0);
		assert_int_equal(read_all(target, out, sizeof(out)), expected);
		assert_memory_equal(out + expected - 17, "</body></message>", 17);
		end();
	}
}

static void
what_does_not_fit_happens_to_nobody(void **state)
{
	struct slot_ref targets[2];
	struct element *element;
	uint32_t used, committed;

	begin(1 << 20);
	targets[0] = kit_slot(&kit);
	targets[1] = kit_slot(&kit);
	element = message(700000);
	delivery_add(&delivery, KIND_MESSAGE, element, targets[0]);
	delivery_add(&delivery, KIND_MESSAGE, element, targets[1]);
	assert_int_equal(delivery_run(&delivery), RESULT_FULL);
	for (int i = 0; i < 2; i++)
		assert_int_equal(outbox_entries(slot_find(kit.shm, targets[i])), 0);
	blocks_count(kit.shm, 0, &used, &committed);
	assert_int_equal(used, 0);
	end();
}

static void
a_stanza_larger_than_the_staging_is_refused(void **state)
{
	struct slot_ref target;

	begin(16 << 20);
	target = kit_slot(&kit);
	delivery_add(&delivery, KIND_MESSAGE, message(EFFECT_STAGING_MAX), target);
	delivery_add(&delivery, KIND_MESSAGE, message(1), target);
	assert_int_equal(delivery_run(&delivery), RESULT_FULL);
	assert_int_equal(outbox_entries(slot_find(kit.shm, target)), 0);
	end();
}

static void
targets_that_have_ended_are_counted(void **state)
{
	struct slot_ref targets[3];
	struct element *element;

	begin(16 << 20);
	element = message(10);
	for (int i = 0; i < 3; i++) {
		targets[i] = kit_slot(&kit);
		delivery_add(&delivery, KIND_MESSAGE, element, targets[i]);
	}
	slot_give(kit.shm, targets[1]);
	assert_int_equal(delivery_run(&delivery), 1);
	assert_int_equal(outbox_entries(slot_find(kit.shm, targets[0])), 1);
	assert_int_equal(outbox_entries(slot_find(kit.shm, targets[2])), 1);
	end();
}

static void
without_targets_nothing_happens(void **state)
{
	begin(16 << 20);
	assert_int_equal(delivery_run(&delivery), 0);
	assert_int_equal(delivery.count, 0);
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bytes_are_written_once_for_all_targets),
		cmocka_unit_test(another_element_is_written_anew),
		cmocka_unit_test(every_length_arrives_whole),
		cmocka_unit_test(what_does_not_fit_happens_to_nobody),
		cmocka_unit_test(a_stanza_larger_than_the_staging_is_refused),
		cmocka_unit_test(targets_that_have_ended_are_counted),
		cmocka_unit_test(without_targets_nothing_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
