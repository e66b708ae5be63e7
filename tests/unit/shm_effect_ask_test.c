/* shm_effect_ask_test.c -- facts about requests to a store that are steps of an effect. */
#include "tests/unit/shm_kit.h"

#include "base/result.h"
#include "shm/store_request.h"

static struct kit kit;
static struct slot_ref from, to;
static struct store_client *client;
static struct ring *ring;

static int
setup(void **state)
{
	int none[PROCESSES_MAX];

	memset(none, 0xff, sizeof(none));
	kit_begin(&kit, 2, 64, 4u << 20);
	store_set_wake_fds(none, none);
	from = kit_slot(&kit);
	to = kit_slot(&kit);
	assert_int_equal(store_rings_create(kit.shm), RESULT_OK);
	assert_int_equal(store_client_open(kit.shm, 0, STORE_MSG, &client), RESULT_OK);
	assert_int_equal(ring_attach(kit.shm,
			     store_ring_number(0, STORE_MSG, RING_REQUESTS), &ring),
			 RESULT_OK);
	return 0;
}

static int
teardown(void **state)
{
	ring_detach(&ring);
	store_client_close(&client);
	kit_end(&kit);
	return 0;
}

static int
draft(uint64_t tag, size_t size)
{
	static char bytes[600 << 10];
	struct store_context context = { .session = from, .stanza = tag };
	struct store_change change = { .verb = STORE_SET,
				       .table = STORE_STANZA,
				       .version = STORE_ANY_VERSION,
				       .key = SLICE("key"),
				       .value = slice_of(bytes, size) };

	return store_draft(client, &context, &change, 1, false);
}

static void
deliver(void)
{
	struct effect_piece piece = { .length = 5 };
	char *memory;

	assert_int_equal(effect_stage(kit.shm, 5, &memory, &piece.offset), RESULT_OK);
	memcpy(memory, "hello", 5);
	assert_int_equal(effect_add(kit.shm, to, ENTRY_MESSAGE, 0, &piece, 1), RESULT_OK);
}

static uint64_t
tag_of(uint32_t skip)
{
	struct store_change changes[STORE_CHANGES_MAX];
	struct request_head head;
	struct slice record;
	uint64_t number;

	assert_true(ring_peek(ring, skip, &record, &number));
	assert_int_equal(store_request_read(record, &head, changes), RESULT_OK);
	return head.context.stanza;
}

static uint64_t
entries(void)
{
	return outbox_entries(&kit.shm->slots[to.slot]);
}

/* As if the worker had died before that step was noted as done. */
static void
stand_again(uint32_t step)
{
	struct shm_worker *worker = &kit.shm->worker[0];

	atomic_fetch_or(&worker->effect->state, 1);
	atomic_store(&worker->steps[step].done, 0);
}

static void
requests_are_pushed_when_the_effect_runs(void **state)
{
	effect_draft(kit.shm, from, 1, true);
	assert_int_equal(draft(7, 10), RESULT_OK);
	deliver();
	assert_int_equal(draft(8, 10), RESULT_OK);
	assert_int_equal(ring_pushed(ring), 0);
	assert_int_equal(effect_run(kit.shm), 0);
	assert_int_equal(ring_waiting(ring), 2);
	assert_int_equal(tag_of(0), 7);
	assert_int_equal(tag_of(1), 8);
	assert_int_equal(effect_asked(kit.shm, 0), 1);
	assert_int_equal(effect_asked(kit.shm, 1), 2);
	assert_int_equal(entries(), 1);
	assert_int_equal(kit.shm->slots[from.slot].h_in, 1);
}

static void
numbers_follow_what_was_pushed_beside(void **state)
{
	struct store_context context = { 0 };
	struct store_change change = { .verb = STORE_SET,
				       .table = STORE_STANZA,
				       .version = STORE_ANY_VERSION,
				       .key = SLICE("key") };

	effect_draft(kit.shm, from, 1, true);
	assert_int_equal(draft(7, 10), RESULT_OK);
	assert_int_equal(store_ask(client, &context, &change, 1), 1);
	assert_int_equal(effect_run(kit.shm), 0);
	assert_int_equal(effect_asked(kit.shm, 0), 2);
	assert_int_equal(tag_of(1), 7);
}

static void
what_is_in_the_ring_is_not_pushed_again(void **state)
{
	effect_draft(kit.shm, from, 1, true);
	assert_int_equal(draft(7, 10), RESULT_OK);
	deliver();
	assert_int_equal(effect_run(kit.shm), 0);
	stand_again(0);
	assert_int_equal(effect_finish(kit.shm), 1);
	assert_int_equal(ring_pushed(ring), 1);
	ring_drop(ring, 1);
	stand_again(0);
	assert_int_equal(effect_finish(kit.shm), 1);
	assert_int_equal(ring_pushed(ring), 1);
}

static void
what_is_not_in_the_ring_is_pushed_by_the_replacement(void **state)
{
	effect_draft(kit.shm, from, 1, true);
	assert_int_equal(draft(7, 10), RESULT_OK);
	assert_int_equal(effect_run(kit.shm), 0);
	stand_again(0);
	kit.shm->worker[0].steps[0].told = 2;
	assert_int_equal(effect_finish(kit.shm), 1);
	assert_int_equal(ring_pushed(ring), 2);
	assert_int_equal(tag_of(1), 7);
}

static void
without_room_in_the_ring_nothing_happens(void **state)
{
	effect_draft(kit.shm, from, 1, true);
	deliver();
	assert_int_equal(draft(1, 400 << 10), RESULT_OK);
	assert_int_equal(draft(2, 400 << 10), RESULT_OK);
	assert_int_equal(effect_run(kit.shm), RESULT_FULL);
	assert_int_equal(ring_pushed(ring), 0);
	assert_int_equal(entries(), 0);
	effect_draft(kit.shm, from, 1, true);
	assert_int_equal(draft(1, 600 << 10), RESULT_FULL);
	assert_int_equal(draft(1, 400 << 10), RESULT_OK);
	deliver();
	assert_int_equal(effect_run(kit.shm), 0);
	assert_int_equal(ring_pushed(ring), 1);
	assert_int_equal(entries(), 1);
}

/* Who waits for room in the ring asks again and again, within one draft. */
static void
what_is_refused_takes_no_room_in_the_staging(void **state)
{
	effect_draft(kit.shm, from, 1, true);
	for (int i = 0; i < 2 * (int)(EFFECT_STAGING_MAX / (600 << 10)); i++)
		assert_int_equal(draft(1, 600 << 10), RESULT_FULL);
	assert_int_equal(draft(1, 400 << 10), RESULT_OK);
	assert_int_equal(effect_run(kit.shm), 0);
	assert_int_equal(ring_pushed(ring), 1);
}

/* The caller routes anew those whose targets had ended: what it asked for at first stays asked for once. */
static void
what_goes_on_asks_for_more(void **state)
{
	effect_draft(kit.shm, from, 1, true);
	assert_int_equal(draft(7, 10), RESULT_OK);
	deliver();
	slot_give(kit.shm, to);
	assert_int_equal(effect_run(kit.shm), 1);
	assert_int_equal(effect_asked(kit.shm, 0), 1);
	effect_draft(kit.shm, from, 1, true);
	assert_int_equal(draft(8, 10), RESULT_OK);
	assert_int_equal(effect_run(kit.shm), 0);
	assert_int_equal(effect_asked(kit.shm, 0), 2);
	assert_int_equal(ring_pushed(ring), 2);
	assert_int_equal(kit.shm->slots[from.slot].h_in, 1);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(requests_are_pushed_when_the_effect_runs),
		FACT(numbers_follow_what_was_pushed_beside),
		FACT(what_is_in_the_ring_is_not_pushed_again),
		FACT(what_is_not_in_the_ring_is_pushed_by_the_replacement),
		FACT(without_room_in_the_ring_nothing_happens),
		FACT(what_is_refused_takes_no_room_in_the_staging),
		FACT(what_goes_on_asks_for_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
