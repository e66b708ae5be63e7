/* shm_fsck_test.c -- facts about the checker of the memory: each rule, broken alone, is named. */
#include "tests/unit/shm_fsck_kit.h"
#include "tests/unit/shm_kit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/result.h"
#include "shm/blocks.h"
#include "shm/outbox.h"
#include "shm/outbox_place.h"
#include "shm/ring_record.h"
#include "shm/segments.h"
#include "shm/store_request.h"

#define SESSIONS 70 /* so that the last word of dirty bits is not full */

/* A memory in which everything is there: see make(). */
struct memory {
	struct kit kit;
	struct shm *shm;
	struct slot_ref full;  /* entries over several blocks, the first ones given back */
	struct slot_ref other; /* one entry */
	struct slot_ref empty;
};

static void
make(struct memory *memory)
{
	kit_begin(&memory->kit, 2, SESSIONS, 1 << 20);
	memory->shm = memory->kit.shm;
	assert_int_equal(store_rings_create(memory->shm), RESULT_OK);
	memory->full = kit_slot(&memory->kit);
	memory->other = kit_slot(&memory->kit);
	memory->empty = kit_slot(&memory->kit);
	for (int i = 0; i < 5; i++)
		assert_int_equal(
		    kit_append(&memory->kit, memory->full, kit_bytes(1500, 7)), 0);
	assert_int_equal(outbox_give(memory->shm, memory->full, 2), RESULT_OK);
	assert_int_equal(kit_append(&memory->kit, memory->other, SLICE("one")), 0);
}

static void
end(struct memory *memory)
{
	kit_end(&memory->kit);
}

static void
check(struct memory *memory, enum fsck_rule rule, bool is_in_use)
{
	struct fsck *fsck = fsck_new(is_in_use);

	fsck_pass(fsck);
	fsck_memory(fsck, memory->shm);
	fsck_end(fsck);
	assert_broken(fsck, rule);
	fsck_free(&fsck);
}

/* --- the parts that are broken --- */

static struct slot *
slot_of(struct memory *memory, struct slot_ref ref)
{
	return &memory->shm->slots[ref.slot];
}

static struct slot *
full(struct memory *memory)
{
	return slot_of(memory, memory->full);
}

static struct block *
block_of(struct memory *memory, uint64_t place)
{
	return block_at(memory->shm, spot_of(place).block - 1);
}

static uint64_t
head_of(const struct slot *slot)
{
	return atomic_load(&slot->head[atomic_load(&slot->out_acked) & 1]);
}

static _Atomic uint64_t *
tail_of(struct slot *slot)
{
	return &slot->tail[atomic_load(&slot->out_next) & 1];
}

static struct entry *
first_entry(struct memory *memory)
{
	uint64_t head = head_of(full(memory));

	return (struct entry *)(void *)(block_of(memory, head)->bytes +
					spot_of(head).offset);
}

/* An effect of worker 0 that stands, with one step. */
static struct effect_step *
stand(struct memory *memory)
{
	struct effect_header *effect = memory->shm->worker[0].effect;

	assert_int_equal(kit_draft(&memory->kit, memory->other, SLICE("standing")),
			 RESULT_OK);
	atomic_store(&effect->steps, 1);
	atomic_fetch_or(&effect->state, 1);
	return &memory->shm->worker[0].steps[0];
}

static struct ring_header *
map_ring(struct memory *memory, struct segment *segment)
{
	struct segments_shape shape = { memory->shm->workers, memory->shm->max_sessions,
					memory->shm->instance->header.instance };
	struct segment_identity identity;

	assert_true(segments_identity("ring.0", &shape, &identity));
	assert_int_equal(segment_attach(segment, memory->kit.directory, "ring.0",
					&identity, false),
			 RESULT_OK);
	return segment->memory;
}

static struct record_head *
first_record(struct ring_header *ring)
{
	return (struct record_head *)(void *)((char *)ring + sizeof(*ring));
}

static void
push_two(struct memory *memory)
{
	struct ring *ring;

	assert_int_equal(ring_attach(memory->shm, 0, &ring), RESULT_OK);
	assert_int_equal(ring_push(ring, SLICE("first"), SLICE("of two")), RESULT_OK);
	assert_int_equal(ring_push(ring, SLICE("second"), SLICE("of two")), RESULT_OK);
	ring_detach(&ring);
}

/* --- how --- */

static void
page_kind(struct memory *memory)
{
	atomic_store(&shm_page(memory->shm, 5)->kind, 9);
}

static void
page_worker(struct memory *memory)
{
	atomic_store(&shm_page(memory->shm, 2)->kind, PROCESS_WORKER);
}

static void
page_freeing(struct memory *memory)
{
	atomic_store(&shm_page(memory->shm, 1)->freeing, SESSIONS + 1);
}

static void
page_sleeping(struct memory *memory)
{
	atomic_store(&shm_page(memory->shm, 1)->sleeping, 2);
}

static void
owner_unknown(struct memory *memory)
{
	atomic_store(&full(memory)->owner, 3);
}

static void
lock_unknown(struct memory *memory)
{
	atomic_store(&slot_of(memory, memory->empty)->lock, 7 | 1 << 8);
}

static void
lock_of_nobody(struct memory *memory)
{
	atomic_store(&slot_of(memory, memory->empty)->lock, 1 << 8);
}

static void
epoch_odd(struct memory *memory)
{
	atomic_store(&memory->shm->slots[40].epoch, 3);
}

static void
epoch_even(struct memory *memory)
{
	atomic_fetch_add(&slot_of(memory, memory->empty)->epoch, 1);
}

static void
type_unknown(struct memory *memory)
{
	atomic_store(&full(memory)->type, 42);
}

static void
type_free(struct memory *memory)
{
	atomic_store(&full(memory)->type, SLOT_FREE);
}

static void
type_of_the_free(struct memory *memory)
{
	atomic_store(&memory->shm->slots[40].type, SLOT_C2S);
}

static void
given_too_much(struct memory *memory)
{
	struct slot *slot = slot_of(memory, memory->empty);

	atomic_store(&slot->out_acked, 4 << 1);
}

static void
safe_too_much(struct memory *memory)
{
	atomic_store(&full(memory)->h_safe, 1);
}

static void
managed_too_much(struct memory *memory)
{
	atomic_store(&full(memory)->sm_out, 6);
}

static void
bytes_too_much(struct memory *memory)
{
	struct slot *slot = slot_of(memory, memory->empty);

	atomic_store(&slot->bytes_in, 5);
}

static void
tail_nowhere(struct memory *memory)
{
	atomic_store(tail_of(full(memory)),
		     place_of((struct spot){ 1 << 24 | 9999, 0 }) | 3);
}

static void
head_beyond(struct memory *memory)
{
	struct slot *slot = full(memory);

	atomic_store(&slot->head[atomic_load(&slot->out_acked) & 1],
		     place_of((struct spot){ (1 << 24 | 9999) + 1, 0 }));
}

static void
next_beyond(struct memory *memory)
{
	atomic_store(&block_of(memory, head_of(full(memory)))->next, 5u << 24);
}

static void
block_stolen(struct memory *memory)
{
	uint32_t block = spot_of(head_of(full(memory))).block - 1;

	atomic_store(&memory->shm->worker[0].block_owner[block], 0);
}

static void
block_shared(struct memory *memory)
{
	uint32_t block = spot_of(head_of(full(memory))).block;
	struct slot *other = slot_of(memory, memory->other);

	atomic_store(&block_of(memory, head_of(other))->next, block);
	first_entry(memory); /* the other chain is not followed: only its entry counts */
	((struct entry *)(void *)block_of(memory, head_of(other))->bytes)->length = 5000;
}

static void
chain_in_circle(struct memory *memory)
{
	uint64_t head = head_of(full(memory));

	atomic_store(&block_of(memory, head)->next, spot_of(head).block);
}

static void
chain_cut(struct memory *memory)
{
	atomic_store(&block_of(memory, head_of(full(memory)))->next, 0);
}

static void
entry_number(struct memory *memory)
{
	first_entry(memory)->number = 77;
}

static void
entry_kind(struct memory *memory)
{
	first_entry(memory)->kind = 99;
}

static void
entry_length(struct memory *memory)
{
	first_entry(memory)->length = EFFECT_STAGING_MAX + 1;
}

static void
tail_moved(struct memory *memory)
{
	atomic_fetch_add(tail_of(full(memory)), 8);
}

static void
last_other(struct memory *memory)
{
	struct slot *slot = full(memory);

	atomic_store(&slot->last[atomic_load(&slot->out_next) & 1], 1);
}

static void
bytes_other(struct memory *memory)
{
	atomic_fetch_add(&full(memory)->bytes_in, 1);
}

static void
block_of_nobody(struct memory *memory)
{
	atomic_store(&memory->shm->worker[1].arena->committed, 512);
	atomic_store(&memory->shm->worker[1].block_owner[3], SESSIONS + 9);
}

static void
block_forgotten(struct memory *memory)
{
	assert_int_equal(blocks_reserve(memory->shm, 1), RESULT_OK);
	block_take(memory->shm, memory->empty.slot);
}

static void
effect_too_long(struct memory *memory)
{
	stand(memory);
	atomic_store(&memory->shm->worker[0].effect->steps, 65);
}

static void
effect_from_nowhere(struct memory *memory)
{
	stand(memory);
	memory->shm->worker[0].effect->origin_slot = 4000;
}

static void
step_kind(struct memory *memory)
{
	stand(memory)->kind = 9;
}

static void
step_slot(struct memory *memory)
{
	stand(memory)->slot = 4000;
}

static void
step_piece(struct memory *memory)
{
	stand(memory)->piece[0].offset = EFFECT_STAGING_MAX;
}

static void
step_length(struct memory *memory)
{
	stand(memory)->length++;
}

static void
step_done(struct memory *memory)
{
	atomic_store(&stand(memory)->done, 1ull << 40);
}

static void
dirty_beyond(struct memory *memory)
{
	_Atomic uint64_t *summary = memory->shm->worker[1].dirty;

	atomic_fetch_or(&summary[0], 2);
	atomic_fetch_or(&summary[2], 1ull << 6);
}

static void
dirty_without_summary(struct memory *memory)
{
	_Atomic uint64_t *summary = memory->shm->worker[1].dirty;

	atomic_fetch_or(&summary[2], 1);
}

static void
ring_turned(struct memory *memory)
{
	struct segment segment;
	struct ring_header *ring = map_ring(memory, &segment);

	atomic_store(&ring->head, 4096);
	segment_detach(&segment);
}

static void
ring_odd(struct memory *memory)
{
	struct segment segment;
	struct ring_header *ring = map_ring(memory, &segment);

	atomic_store(&ring->tail, 8);
	segment_detach(&segment);
}

static void
ring_length(struct memory *memory)
{
	struct segment segment;

	push_two(memory);
	first_record(map_ring(memory, &segment))->length = 1 << 20;
	segment_detach(&segment);
}

static void
ring_kind(struct memory *memory)
{
	struct segment segment;

	push_two(memory);
	first_record(map_ring(memory, &segment))->kind = 9;
	segment_detach(&segment);
}

static void
ring_number(struct memory *memory)
{
	struct segment segment;

	push_two(memory);
	first_record(map_ring(memory, &segment))->number = 5;
	segment_detach(&segment);
}

static void
ring_gone(struct memory *memory)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/ring.1", memory->kit.directory);
	assert_int_equal(unlink(path), 0);
}

static void
ring_cut(struct memory *memory)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/ring.1", memory->kit.directory);
	assert_int_equal(truncate(path, 4096), 0);
}

static const struct {
	enum fsck_rule rule;
	void (*breaks)(struct memory *memory);
} rows[] = {
	{ FSCK_PROCESS_PAGE, page_kind },
	{ FSCK_PROCESS_PAGE, page_worker },
	{ FSCK_PROCESS_PAGE, page_freeing },
	{ FSCK_PROCESS_PAGE, page_sleeping },
	{ FSCK_SLOT_OWNER, owner_unknown },
	{ FSCK_SLOT_LOCK, lock_unknown },
	{ FSCK_SLOT_LOCK, lock_of_nobody },
	{ FSCK_SLOT_EPOCH, epoch_odd },
	{ FSCK_SLOT_HALFWAY, epoch_even },
	{ FSCK_SLOT_TYPE, type_unknown },
	{ FSCK_SLOT_TYPE, type_free },
	{ FSCK_SLOT_TYPE, type_of_the_free },
	{ FSCK_SLOT_COUNTS, given_too_much },
	{ FSCK_SLOT_COUNTS, safe_too_much },
	{ FSCK_SLOT_COUNTS, managed_too_much },
	{ FSCK_OUTBOX_BYTES, bytes_too_much },
	{ FSCK_OUTBOX_BYTES, bytes_other },
	{ FSCK_OUTBOX_PLACE, tail_nowhere },
	{ FSCK_OUTBOX_PLACE, head_beyond },
	{ FSCK_OUTBOX_PLACE, next_beyond },
	{ FSCK_OUTBOX_BLOCK, block_stolen },
	{ FSCK_OUTBOX_BLOCK, block_shared },
	{ FSCK_OUTBOX_CYCLE, chain_in_circle },
	{ FSCK_OUTBOX_ENTRY, chain_cut },
	{ FSCK_OUTBOX_ENTRY, entry_number },
	{ FSCK_OUTBOX_ENTRY, entry_kind },
	{ FSCK_OUTBOX_ENTRY, entry_length },
	{ FSCK_OUTBOX_END, tail_moved },
	{ FSCK_OUTBOX_LAST, last_other },
	{ FSCK_BLOCK_OWNER, block_of_nobody },
	{ FSCK_BLOCK_LEAKED, block_forgotten },
	{ FSCK_EFFECT_STATE, effect_too_long },
	{ FSCK_EFFECT_STATE, effect_from_nowhere },
	{ FSCK_EFFECT_STEP, step_kind },
	{ FSCK_EFFECT_STEP, step_slot },
	{ FSCK_EFFECT_STEP, step_piece },
	{ FSCK_EFFECT_STEP, step_length },
	{ FSCK_EFFECT_STEP, step_done },
	{ FSCK_DIRTY_BITS, dirty_beyond },
	{ FSCK_DIRTY_BITS, dirty_without_summary },
	{ FSCK_RING_COUNTS, ring_turned },
	{ FSCK_RING_COUNTS, ring_odd },
	{ FSCK_RING_RECORD, ring_length },
	{ FSCK_RING_RECORD, ring_kind },
	{ FSCK_RING_RECORD, ring_number },
	{ FSCK_SEGMENT_MISSING, ring_gone },
	{ FSCK_SEGMENT_BROKEN, ring_cut },
};

static void
a_whole_memory_has_no_finding(void **state)
{
	struct memory memory;

	make(&memory);
	stand(&memory);
	push_two(&memory);
	check(&memory, FSCK_RULES, true);
	check(&memory, FSCK_RULES, false);
	end(&memory);
}

static void
each_rule_broken_alone_is_named(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct memory memory;

		make(&memory);
		rows[i].breaks(&memory);
		check(&memory, rows[i].rule, true);
		end(&memory);
	}
}

/* --- what is no finding --- */

/* The words of a worker that died with the lock: the next who takes it settles and counts. */
static void
what_the_dead_left_under_a_lock_is_none(void **state)
{
	struct memory memory;
	struct slot *slot;

	make(&memory);
	slot = full(&memory);
	atomic_store(&slot->lock, 2 | 1 << 8);
	shm_reaped(memory.shm, 1);
	bytes_other(&memory);
	last_other(&memory);
	block_take(memory.shm, memory.full.slot);
	check(&memory, FSCK_RULES, true);
	end(&memory);
}

static void
what_a_replacement_gives_back_is_none(void **state)
{
	struct memory memory;

	make(&memory);
	block_forgotten(&memory);
	atomic_store(&shm_page(memory.shm, 0)->kind, PROCESS_WORKER);
	check(&memory, FSCK_RULES, true);
	atomic_store(&shm_page(memory.shm, 0)->pid, 1);
	atomic_store(&shm_page(memory.shm, 0)->ready, 1);
	check(&memory, FSCK_BLOCK_LEAKED, true);
	atomic_store(&shm_page(memory.shm, 1)->freeing, memory.empty.slot + 1);
	check(&memory, FSCK_RULES, true);
	end(&memory);
}

/* With the server down all are dead, and nobody has settled anything yet. */
static void
locks_and_halves_of_a_dead_server_are_none(void **state)
{
	struct memory memory;

	make(&memory);
	atomic_store(&full(&memory)->lock, memory.shm->word);
	bytes_other(&memory);
	epoch_even(&memory);
	dirty_without_summary(&memory);
	check(&memory, FSCK_RULES, false);
	end(&memory);
}

/* Somebody has the lock and goes on: the slot is left out, and nothing is said of its blocks. */
static void
a_slot_that_is_being_written_is_left_out(void **state)
{
	struct memory memory;

	make(&memory);
	atomic_store(&full(&memory)->lock, memory.shm->word);
	bytes_other(&memory);
	check(&memory, FSCK_RULES, true);
	end(&memory);
}

static void
only_what_every_pass_finds_is_a_finding(void **state)
{
	const struct fsck_finding *findings;
	struct fsck *fsck = fsck_new(true);
	size_t more;

	for (int i = 0; i < 3; i++) {
		fsck_pass(fsck);
		fsck_find(fsck, FSCK_SLOT_TYPE, "slot 1", "always");
		fsck_find(fsck, FSCK_SLOT_TYPE, "slot 2", "it was %d", i);
		if (i != 1)
			fsck_find(fsck, FSCK_SLOT_TYPE, "slot 3", "now and then");
		fsck_end(fsck);
	}
	assert_int_equal(fsck_findings(fsck, &findings, &more), 1);
	assert_string_equal(findings[0].where, "slot 1");
	assert_int_equal(more, 0);
	fsck_free(&fsck);
}

static void
beyond_a_thousand_findings_are_counted(void **state)
{
	const struct fsck_finding *findings;
	struct fsck *fsck = fsck_new(true);
	size_t more;

	fsck_pass(fsck);
	for (int i = 0; i < FSCK_FINDINGS_MAX + 5; i++)
		fsck_find(fsck, FSCK_SLOT_TYPE, "slot", "%d", i);
	fsck_end(fsck);
	assert_int_equal(fsck_findings(fsck, &findings, &more), FSCK_FINDINGS_MAX);
	assert_int_equal(more, 5);
	fsck_free(&fsck);
}

/* A chain that is broken is no reason to begin without all the others. */
static void
what_nobody_mends_keeps_a_server_from_going_on(void **state)
{
	static const struct {
		void (*breaks)(struct memory *memory);
		bool is_hopeless;
	} cases[] = { { step_slot, true },	{ page_freeing, true }, { ring_turned, true },
		      { owner_unknown, true },	{ entry_kind, false },	{ chain_cut, false },
		      { block_forgotten, false } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fsck *fsck = fsck_new(false);
		struct memory memory;

		make(&memory);
		cases[i].breaks(&memory);
		fsck_pass(fsck);
		fsck_memory(fsck, memory.shm);
		fsck_end(fsck);
		assert_int_equal(fsck_hopeless(fsck) != NULL, cases[i].is_hopeless);
		fsck_free(&fsck);
		end(&memory);
	}
}

/* --- the files --- */

static void
check_files(const char *directory, bool maps, enum fsck_rule rule)
{
	struct fsck *fsck = fsck_new(false);

	fsck_pass(fsck);
	assert_int_equal(fsck_segments(fsck, directory), maps);
	fsck_end(fsck);
	assert_broken(fsck, rule);
	fsck_free(&fsck);
}

static void
files_that_are_missing_or_broken_are_named_before_they_are_mapped(void **state)
{
	static const char *const names[] = { "instance", "slots", "limits", "arena.1", "effect.0",
					     "dirty.1" };
	char path[100];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct memory memory;

		make(&memory);
		check_files(memory.kit.directory, true, FSCK_RULES);
		snprintf(path, sizeof(path), "%s/%s", memory.kit.directory, names[i]);
		assert_int_equal(truncate(path, 5000), 0);
		check_files(memory.kit.directory, false, FSCK_SEGMENT_BROKEN);
		assert_int_equal(unlink(path), 0);
		check_files(memory.kit.directory, false, FSCK_SEGMENT_MISSING);
		end(&memory);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_memory_has_no_finding),
		cmocka_unit_test(each_rule_broken_alone_is_named),
		cmocka_unit_test(what_the_dead_left_under_a_lock_is_none),
		cmocka_unit_test(what_a_replacement_gives_back_is_none),
		cmocka_unit_test(locks_and_halves_of_a_dead_server_are_none),
		cmocka_unit_test(a_slot_that_is_being_written_is_left_out),
		cmocka_unit_test(only_what_every_pass_finds_is_a_finding),
		cmocka_unit_test(what_nobody_mends_keeps_a_server_from_going_on),
		cmocka_unit_test(beyond_a_thousand_findings_are_counted),
		cmocka_unit_test(
		    files_that_are_missing_or_broken_are_named_before_they_are_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
