/* shm_effect_test.c -- facts about effects: all or nothing, and once. */
#include "tests/unit/shm_kit.h"

#include "base/result.h"
#include "shm/blocks.h"

static struct kit kit;
static struct slot_ref from;
static struct slot_ref to[40];

static int
setup(void **state)
{
	kit_begin(&kit, 2, 64, 4u << 20);
	from = kit_slot(&kit);
	for (int i = 0; i < 40; i++)
		to[i] = kit_slot(&kit);
	return 0;
}

static int
teardown(void **state)
{
	kit_end(&kit);
	return 0;
}

static struct effect_piece
stage(const char *text)
{
	struct effect_piece piece = { 0, (uint32_t)strlen(text) };
	char *memory;

	assert_int_equal(effect_stage(kit.shm, piece.length, &memory, &piece.offset),
			 RESULT_OK);
	memcpy(memory, text, piece.length);
	return piece;
}

static void
add(struct slot_ref target, struct effect_piece a, struct effect_piece b,
    struct effect_piece c)
{
	struct effect_piece pieces[3] = { a, b, c };

	assert_int_equal(effect_add(kit.shm, target, ENTRY_IQ, 5, pieces, 3), RESULT_OK);
}

static void
add_text(struct slot_ref target, const char *text)
{
	struct effect_piece piece = stage(text);

	assert_int_equal(effect_add(kit.shm, target, ENTRY_MESSAGE, 0, &piece, 1),
			 RESULT_OK);
}

static uint64_t
entries(struct slot_ref ref)
{
	return outbox_entries(&kit.shm->slots[ref.slot]);
}

static uint64_t
h_in(void)
{
	return kit.shm->slots[from.slot].h_in;
}

static void
expect(struct slot_ref ref, const char *text)
{
	struct outbox_cursor cursor;
	char bytes[1000];
	size_t length;

	outbox_start(kit.shm, ref, &cursor);
	length = outbox_read(kit.shm, ref, &cursor, bytes, sizeof(bytes), 0);
	assert_slice(slice_of(bytes, length), text);
}

static void
many_targets_share_pieces(void **state)
{
	struct effect_piece start;
	struct effect_piece end;
	struct outbox_cursor cursor;
	struct entry entry;

	effect_draft(kit.shm, from, 1, true);
	start = stage("<message to='");
	end = stage("'/>");
	for (int i = 0; i < 40; i++) {
		char name[8] = { (char)('a' + i % 26), (char)('a' + i / 26), 0 };

		add(to[i], start, stage(name), end);
	}
	assert_int_equal(h_in(), 0);
	assert_int_equal(effect_run(kit.shm), 0);
	assert_int_equal(h_in(), 1);
	expect(to[0], "<message to='aa'/>");
	expect(to[39], "<message to='nb'/>");
	outbox_start(kit.shm, to[7], &cursor);
	assert_true(outbox_peek(kit.shm, to[7], &cursor, &entry));
	assert_int_equal(entry.kind, ENTRY_IQ);
	assert_int_equal(entry.flags, 5);
}

static void
an_empty_piece_hides_none_behind_it(void **state)
{
	struct effect_piece none = { 0, 0 };
	struct effect_piece text;

	effect_draft(kit.shm, from, 1, true);
	text = stage("text");
	add(to[0], none, text, none);
	add(to[1], none, none, text);
	add(to[2], text, none, text);
	assert_int_equal(effect_run(kit.shm), 0);
	expect(to[0], "text");
	expect(to[1], "text");
	expect(to[2], "texttext");
}

static void
h_in_moves_when_it_is_told_to(void **state)
{
	effect_draft(kit.shm, from, 1, false);
	add_text(to[0], "x");
	assert_int_equal(effect_run(kit.shm), 0);
	assert_int_equal(h_in(), 0);
	effect_draft(kit.shm, from, 1, true);
	assert_int_equal(effect_run(kit.shm), 0);
	assert_int_equal(h_in(), 1);
}

static void
an_ended_target_is_told_and_the_others_served(void **state)
{
	slot_give(kit.shm, to[1]);
	effect_draft(kit.shm, from, 1, true);
	for (int i = 0; i < 3; i++)
		add_text(to[i], "x");
	assert_int_equal(effect_run(kit.shm), 1);
	assert_false(effect_is_gone(kit.shm, 0));
	assert_true(effect_is_gone(kit.shm, 1));
	assert_false(effect_is_gone(kit.shm, 2));
	assert_int_equal(entries(to[0]), 1);
	assert_int_equal(h_in(), 0);

	slot_give(kit.shm, to[3]); /* routed anew, and again in vain */
	effect_draft(kit.shm, from, 1, true);
	add_text(to[3], "y");
	add_text(to[4], "y");
	assert_int_equal(effect_run(kit.shm), 1);
	assert_true(effect_is_gone(kit.shm, 0));
	assert_false(effect_is_gone(kit.shm, 1));
	assert_int_equal(h_in(), 0);
	effect_draft(kit.shm, from, 1, true);
	assert_int_equal(effect_run(kit.shm), 0);
	assert_int_equal(h_in(), 1);
	assert_int_equal(entries(to[0]), 1);
	assert_int_equal(entries(to[4]), 1);
}

static void
another_stanza_drops_what_was_not_routed_anew(void **state)
{
	slot_give(kit.shm, to[1]);
	effect_draft(kit.shm, from, 1, true);
	add_text(to[0], "x");
	add_text(to[1], "x");
	assert_int_equal(effect_run(kit.shm), 1);
	effect_draft(kit.shm, from, 2, true);
	assert_int_equal(h_in(), 1);
	add_text(to[0], "y");
	assert_int_equal(effect_run(kit.shm), 0);
	assert_int_equal(h_in(), 2);
	expect(to[0], "xy");
}

static void
a_death_before_the_new_routing_repeats_nothing(void **state)
{
	slot_give(kit.shm, to[1]);
	effect_draft(kit.shm, from, 1, true);
	add_text(to[0], "x");
	add_text(to[1], "x");
	assert_int_equal(effect_run(kit.shm), 1);
	effect_draft(kit.shm, from, 1, true);
	add_text(to[2], "half a draft");
	shm_reaped(kit.shm, 0);
	shm_join(kit.shm, 0);
	assert_int_equal(shm_recover(kit.shm), 0);
	assert_int_equal(h_in(), 1);
	expect(to[0], "x");
	assert_int_equal(entries(to[2]), 0);
}

static void
without_memory_nothing_happens(void **state)
{
	struct effect_piece piece = { 0, 100000 };
	uint32_t before;
	uint32_t after;
	uint32_t committed;
	char *memory;

	blocks_count(kit.shm, 0, &before, &committed);
	effect_draft(kit.shm, from, 1, true);
	assert_int_equal(effect_stage(kit.shm, piece.length, &memory, &piece.offset),
			 RESULT_OK);
	for (int i = 0; i < 40; i++)
		assert_int_equal(effect_add(kit.shm, to[i], ENTRY_MESSAGE, 0, &piece, 1),
				 RESULT_OK);
	for (int i = 0; i < 40; i++) /* 8 MB into an arena of 4 */
		assert_int_equal(effect_add(kit.shm, to[i], ENTRY_MESSAGE, 0, &piece, 1),
				 RESULT_OK);
	assert_int_equal(effect_run(kit.shm), RESULT_FULL);
	blocks_count(kit.shm, 0, &after, &committed);
	assert_int_equal(before, after);
	assert_int_equal(h_in(), 0);
	for (int i = 0; i < 40; i++)
		assert_int_equal(entries(to[i]), 0);
	effect_draft(kit.shm, from, 1, true);
	add_text(to[0], "x");
	assert_int_equal(effect_run(kit.shm), 0);
	assert_int_equal(h_in(), 1);
}

static void
staging_and_steps_have_limits(void **state)
{
	struct effect_piece piece = { 0, 1 };
	struct effect_piece three[3];
	uint32_t offset;
	char *memory;

	effect_draft(kit.shm, from, 1, true);
	assert_int_equal(effect_stage(kit.shm, EFFECT_STAGING_MAX + 1, &memory, &offset),
			 RESULT_FULL);
	assert_int_equal(effect_stage(kit.shm, EFFECT_STAGING_MAX, &memory, &offset),
			 RESULT_OK);
	assert_int_equal(effect_stage(kit.shm, 1, &memory, &offset), RESULT_FULL);
	effect_stage_cut(kit.shm, 0, 10);
	assert_int_equal(effect_stage(kit.shm, 1, &memory, &offset), RESULT_OK);
	assert_int_equal(offset, 10);
	for (int i = 0; i < 3; i++)
		three[i] = (struct effect_piece){ 0, EFFECT_STAGING_MAX / 2 };
	assert_int_equal(effect_add(kit.shm, to[0], ENTRY_MESSAGE, 0, three, 3),
			 RESULT_FULL);
	for (uint32_t i = 0; i < EFFECT_STEPS_MAX; i++)
		assert_int_equal(effect_add(kit.shm, to[0], ENTRY_MESSAGE, 0, &piece, 1),
				 RESULT_OK);
	assert_int_equal(effect_add(kit.shm, to[0], ENTRY_MESSAGE, 0, &piece, 1),
			 RESULT_FULL);
	assert_int_equal(effect_run(kit.shm),
			 RESULT_FULL); /* blocks for all, at the worst */
	assert_int_equal(entries(to[0]), 0);
}

/* The record as it stands before the first step; then as many of them as `done` says have
 * happened. */
static void
leave_standing(uint32_t done)
{
	struct effect_header *effect = kit.shm->worker[0].effect;
	uint64_t serial;

	effect_draft(kit.shm, from, 1, true);
	for (int i = 0; i < 5; i++)
		add_text(to[i], "x");
	serial = effect->state >> 1;
	effect->steps = 5;
	effect->state = serial << 1 | 1;
	for (uint32_t i = 0; i < done; i++)
		kit.shm->worker[0].steps[i].done = serial;
}

static void
a_replacement_does_what_is_left(void **state)
{
	leave_standing(2);
	shm_reaped(kit.shm, 0);
	shm_join(kit.shm, 0);
	assert_int_equal(shm_recover(kit.shm), 3);
	assert_int_equal(entries(to[1]), 0);
	assert_int_equal(entries(to[2]), 1);
	assert_int_equal(entries(to[4]), 1);
	assert_int_equal(h_in(), 1);
	assert_int_equal(shm_recover(kit.shm), 0);
	assert_int_equal(entries(to[4]), 1);
}

/* Published, not marked as done, the lock held: who takes the lock over marks it. */
static void
a_thief_settles_the_last_append(void **state)
{
	struct shm *thief = kit_worker(&kit, 1);
	uint64_t serial;

	leave_standing(0);
	serial = kit.shm->worker[0].effect->state >> 1;
	assert_int_equal(blocks_reserve(kit.shm, 10), RESULT_OK);
	slot_lock(kit.shm, to[0].slot);
	outbox_append(kit.shm, to[0].slot, &kit.shm->worker[0].steps[0],
		      kit.shm->worker[0].staging, serial << 16);
	shm_reaped(kit.shm, 0);
	slot_lock(thief, to[0].slot);
	assert_int_equal(kit.shm->worker[0].steps[0].done, serial);
	slot_unlock(thief, to[0].slot);
	shm_join(kit.shm, 0);
	assert_int_equal(shm_recover(kit.shm), 4);
	assert_int_equal(entries(to[0]), 1);
	assert_int_equal(entries(to[4]), 1);
	shm_detach(&thief);
}

/* Memory that was scribbled over: the replacement names what cannot be, does the rest, and lives. */
static void
a_scribbled_step_is_left_out_and_named(void **state)
{
	struct effect_step *steps = kit.shm->worker[0].steps;

	leave_standing(0);
	steps[0].slot = 70000;
	steps[1].piece[0].offset = UINT32_MAX;
	steps[2].kind = 9;
	shm_reaped(kit.shm, 0);
	shm_join(kit.shm, 0);
	assert_int_equal(shm_recover(kit.shm), 2);
	assert_int_equal(entries(to[1]), 0);
	assert_int_equal(entries(to[3]), 1);
	assert_int_equal(entries(to[4]), 1);
	assert_int_equal(h_in(), 1);
	assert_true(kit_logged(&kit, "a step is left out"));
}

static void
a_scribbled_count_of_steps_gives_the_effect_up(void **state)
{
	leave_standing(0);
	kit.shm->worker[0].effect->steps = UINT32_MAX;
	shm_reaped(kit.shm, 0);
	shm_join(kit.shm, 0);
	assert_int_equal(shm_recover(kit.shm), 0);
	assert_int_equal(entries(to[0]), 0);
	assert_int_equal(kit.shm->worker[0].effect->state & 1, 0);
	assert_true(kit_logged(&kit, "an effect is given up"));
}

static void
a_scribbled_tail_gets_nothing_appended(void **state)
{
	struct slot *slot = &kit.shm->slots[to[0].slot];

	effect_draft(kit.shm, from, 1, true);
	add_text(to[0], "x");
	assert_int_equal(effect_run(kit.shm), 0);
	atomic_store(&slot->tail[atomic_load(&slot->out_next) & 1], UINT64_MAX);
	effect_draft(kit.shm, from, 2, true);
	add_text(to[0], "y");
	assert_int_equal(effect_run(kit.shm), 1);
	assert_true(effect_is_gone(kit.shm, 0));
	assert_int_equal(entries(to[0]), 1);
	assert_true(kit_logged(&kit, "wrong=tail"));
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(many_targets_share_pieces),
		FACT(an_empty_piece_hides_none_behind_it),
		FACT(h_in_moves_when_it_is_told_to),
		FACT(an_ended_target_is_told_and_the_others_served),
		FACT(another_stanza_drops_what_was_not_routed_anew),
		FACT(a_death_before_the_new_routing_repeats_nothing),
		FACT(without_memory_nothing_happens),
		FACT(staging_and_steps_have_limits),
		FACT(a_replacement_does_what_is_left),
		FACT(a_scribbled_step_is_left_out_and_named),
		FACT(a_scribbled_count_of_steps_gives_the_effect_up),
		FACT(a_scribbled_tail_gets_nothing_appended),
		FACT(a_thief_settles_the_last_append),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
