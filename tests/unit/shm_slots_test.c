/* shm_slots_test.c -- facts about slots, their orders and their locks. */
#include "tests/unit/shm_kit.h"

#include "base/result.h"
#include "shm/blocks.h"
#include "shm/outbox.h"
#include "shm/wake.h"

#define SESSIONS 300

static struct kit kit;

static int
setup(void **state)
{
	kit_begin(&kit, 2, SESSIONS, 0);
	return 0;
}

static int
teardown(void **state)
{
	kit_end(&kit);
	return 0;
}

static void
a_new_slot_is_mine_and_empty(void **state)
{
	struct slot_ref ref = kit_slot(&kit);
	struct slot *slot = slot_find(kit.shm, ref);

	assert_non_null(slot);
	assert_int_equal(ref.epoch & 1, 1);
	assert_int_equal(slot->owner, 1);
	assert_int_equal(slot->type, SLOT_C2S_UNAUTHED);
	assert_int_equal(slot->out_next, 0);
	assert_int_equal(slot->h_in, 0);
	assert_int_equal(slot_count(kit.shm), 1);
}

static void
there_are_as_many_as_max_sessions(void **state)
{
	bool seen[SESSIONS] = { false };
	struct slot_ref ref;

	for (int i = 0; i < SESSIONS; i++) {
		ref = kit_slot(&kit);
		assert_true(ref.slot < SESSIONS);
		assert_false(seen[ref.slot]);
		seen[ref.slot] = true;
	}
	assert_int_equal(slot_take(kit.shm, &ref), RESULT_FULL);
	slot_give(kit.shm, (struct slot_ref){ 7, 1 });
	ref = kit_slot(&kit);
	assert_int_equal(ref.slot, 7);
	assert_int_equal(ref.epoch, 3);
}

static void
a_slot_is_not_given_with_what_came_late(void **state)
{
	struct slot_ref ref = kit_slot(&kit);
	const struct slot *slot = slot_find(kit.shm, ref);
	uint64_t last;

	assert_int_equal(kit_append(&kit, ref, SLICE("seen")), RESULT_OK);
	last = atomic_load(&slot->out_next);
	assert_int_equal(kit_append(&kit, ref, SLICE("late")), RESULT_OK);
	assert_false(slot_give_behind(kit.shm, ref, last));
	assert_non_null(slot_find(kit.shm, ref));
	assert_int_equal(outbox_entries(slot), 2);
	assert_true(slot_give_behind(kit.shm, ref, last + 1));
	assert_null(slot_find(kit.shm, ref));
	assert_true(slot_give_behind(kit.shm, ref, last + 1));	/* twice is once */
	assert_int_equal(slot_count(kit.shm), 0);
}

static void
a_ref_goes_stale_with_its_session(void **state)
{
	struct slot_ref ref = kit_slot(&kit);
	struct slot_ref next = { ref.slot, ref.epoch + 2 };

	slot_give(kit.shm, ref);
	assert_null(slot_find(kit.shm, ref));
	assert_null(slot_find(kit.shm, (struct slot_ref){ ref.slot, ref.epoch + 1 }));
	assert_int_equal(slot_ask(kit.shm, ref, ORDER_KICK), RESULT_NOT_FOUND);
	assert_int_equal(slot_count(kit.shm), 0);
	kit.shm->slot_hint = ref.slot;
	assert_int_equal(kit_slot(&kit).epoch, next.epoch);
	assert_null(slot_find(kit.shm, ref));
	assert_non_null(slot_find(kit.shm, next));
	slot_give(kit.shm, ref); /* twice is once */
	assert_non_null(slot_find(kit.shm, next));
	assert_int_equal(slot_count(kit.shm), 1);
}

static void
a_ref_to_nowhere_finds_nothing(void **state)
{
	assert_null(slot_find(kit.shm, (struct slot_ref){ 0, 0 }));
	assert_null(slot_find(kit.shm, (struct slot_ref){ SESSIONS, 1 }));
	assert_null(slot_find(kit.shm, (struct slot_ref){ UINT32_MAX, 1 }));
}

static void
a_session_that_ends_leaves_no_block(void **state)
{
	struct slot_ref ref = kit_slot(&kit);
	uint32_t used;
	uint32_t committed;

	for (int i = 0; i < 20; i++)
		assert_int_equal(kit_append(&kit, ref, kit_bytes(5000, 1)), 0);
	blocks_count(kit.shm, 0, &used, &committed);
	assert_true(used >= 20 * 5000 / BLOCK_SIZE);
	slot_give(kit.shm, ref);
	blocks_count(kit.shm, 0, &used, &committed);
	assert_int_equal(used, 0);
}

static void
the_strongest_order_wins(void **state)
{
	struct slot_ref ref = kit_slot(&kit);
	struct slot *slot = slot_find(kit.shm, ref);

	assert_int_equal(slot_take_order(slot), ORDER_NONE);
	assert_int_equal(slot_ask(kit.shm, ref, ORDER_RESET), RESULT_OK);
	assert_int_equal(slot_ask(kit.shm, ref, ORDER_KICK), RESULT_OK);
	assert_int_equal(slot_ask(kit.shm, ref, ORDER_CONFLICT), RESULT_OK);
	assert_int_equal(slot_take_order(slot), ORDER_KICK);
	assert_int_equal(slot_take_order(slot), ORDER_NONE);
}

static void
on_slot(void *owner, uint32_t slot)
{
	*(uint32_t *)owner = slot;
}

static void
an_order_makes_the_slot_dirty(void **state)
{
	struct slot_ref ref = kit_slot(&kit);
	uint32_t dirty = UINT32_MAX;

	assert_int_equal(slot_ask(kit.shm, ref, ORDER_SHUTDOWN), RESULT_OK);
	assert_int_equal(wake_take(kit.shm, on_slot, &dirty), 1);
	assert_int_equal(dirty, ref.slot);
}

static void
h_in_never_goes_back(void **state)
{
	struct slot *slot = slot_find(kit.shm, kit_slot(&kit));

	slot_handled(slot, 5);
	slot_handled(slot, 3);
	assert_int_equal(slot->h_in, 5);
	slot_handled(slot, 6);
	assert_int_equal(slot->h_in, 6);
}

static void
count(void *owner, struct slot_ref ref, struct slot *slot)
{
	assert_ptr_equal(slot, &kit.shm->slots[ref.slot]);
	assert_ptr_equal(slot, slot_find(kit.shm, ref));
	(*(int *)owner)++;
}

static void
each_worker_has_its_slots(void **state)
{
	struct shm *other = kit_worker(&kit, 1);
	struct slot_ref ref;
	int mine = 0;
	int theirs = 0;
	int all = 0;

	for (int i = 0; i < 3; i++)
		kit_slot(&kit);
	for (int i = 0; i < 2; i++)
		assert_int_equal(slot_take(other, &ref), RESULT_OK);
	slot_each(kit.shm, 0, count, &mine);
	slot_each(kit.shm, 1, count, &theirs);
	slot_each(kit.shm, SHM_NOBODY, count, &all);
	assert_int_equal(mine, 3);
	assert_int_equal(theirs, 2);
	assert_int_equal(all, 5);
	shm_detach(&other);
}

static void
a_lock_is_taken_from_the_reaped_alone(void **state)
{
	struct shm *other = kit_worker(&kit, 1);
	struct slot_ref ref = kit_slot(&kit);
	struct slot *slot = slot_find(kit.shm, ref);

	slot_lock(other, ref.slot);
	assert_int_equal(slot->lock, other->word);
	assert_int_equal(slot_holders(kit.shm), 1 << 1);
	shm_reaped(kit.shm, 1);
	assert_int_equal(slot_holders(kit.shm), 0);
	slot_lock(kit.shm, ref.slot);
	assert_int_equal(slot->lock, kit.shm->word);
	assert_int_equal(slot_holders(kit.shm), 1 << 0);
	slot_unlock(kit.shm, ref.slot);
	assert_int_equal(slot->lock, 0);
	assert_int_equal(slot_holders(kit.shm), 0);
	shm_detach(&other);
}

/* As slot_take() and slot_give() leave a slot when they are killed. */
static void
what_was_half_taken_or_half_given_is_free_again(void **state)
{
	struct slot_ref taken = kit_slot(&kit);
	struct slot_ref given = kit_slot(&kit);
	struct slot *half = &kit.shm->slots[taken.slot];
	uint32_t used;
	uint32_t committed;

	slot_give(kit.shm, taken);
	half->owner = 1;
	half->out_next = 0;
	half->out_acked = 12;
	half->head[0] = 0x12345678901234;
	assert_int_equal(kit_append(&kit, given, kit_bytes(3000, 1)), 0);
	kit.shm->slots[given.slot].type = SLOT_C2S_DESTROYED;
	kit.shm->slots[given.slot].epoch = given.epoch + 1;
	shm_reaped(kit.shm, 0);
	shm_join(kit.shm, 0);
	shm_recover(kit.shm);
	assert_int_equal(kit.shm->slots[given.slot].owner, 0);
	assert_int_equal(half->owner, 0);
	blocks_count(kit.shm, 0, &used, &committed);
	assert_int_equal(used, 0);
	kit.shm->slot_hint = taken.slot;
	assert_int_equal(kit_slot(&kit).slot, taken.slot);
	assert_int_equal(half->out_acked, 0);
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(a_new_slot_is_mine_and_empty),
		FACT(there_are_as_many_as_max_sessions),
		FACT(a_slot_is_not_given_with_what_came_late),
		FACT(a_ref_goes_stale_with_its_session),
		FACT(a_ref_to_nowhere_finds_nothing),
		FACT(a_session_that_ends_leaves_no_block),
		FACT(the_strongest_order_wins),
		FACT(an_order_makes_the_slot_dirty),
		FACT(h_in_never_goes_back),
		FACT(each_worker_has_its_slots),
		FACT(a_lock_is_taken_from_the_reaped_alone),
		FACT(what_was_half_taken_or_half_given_is_free_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
