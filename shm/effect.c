/* effect.c -- what one stanza does to the shared memory, written down before the first step. */
#include "shm/effect_private.h"

#include <string.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/result.h"
#include "shm/blocks.h"
#include "shm/slots.h"
#include "shm/wake.h"

#define STEPS_EXTENT   64
#define STAGING_EXTENT (64u << 10)
#define KEPT_BLOCKS    64	/* for telling those who are refused */

/* A step's name for ever: worker, serial of its effect, index. */
#define SERIAL_BITS 40
#define SERIAL_MASK ((1ull << SERIAL_BITS) - 1)

static uint64_t
step_id(uint32_t worker, uint64_t serial, uint32_t step)
{
	return (uint64_t)worker << 56 | (serial & SERIAL_MASK) << 16 | step;
}

struct shm_worker *
effect_mine(struct shm *shm)
{
	return &shm->worker[shm->me];
}

static struct shm_worker *
mine(struct shm *shm)
{
	return effect_mine(shm);
}

static uint64_t
serial_of(struct effect_header *effect)
{
	return atomic_load_explicit(&effect->state, memory_order_relaxed) >> 1;
}

static void
clear(struct shm *shm, uint64_t serial, bool finished)
{
	struct effect_header *effect = mine(shm)->effect;
	struct slot_ref origin = { effect->origin_slot, effect->origin_epoch };
	struct slot *slot = NULL;

	if (origin.slot != UINT32_MAX)
		slot = slot_find(shm, origin);
	if (finished && effect->finishes && slot != NULL)
		slot_handled(slot, effect->stanza);
	SHM_STEP("effect: counted");
	atomic_store_explicit(&effect->state, serial << 1, memory_order_release);
	SHM_STEP("effect: cleared");
}

/* The effect that stands because targets had ended is of this stanza: what is drafted now belongs to it. */
static bool
goes_on(const struct effect_header *effect, struct slot_ref origin, uint64_t stanza)
{
	return origin.slot != UINT32_MAX && effect->origin_slot == origin.slot &&
	    effect->origin_epoch == origin.epoch && effect->stanza == stanza;
}

void
effect_draft(struct shm *shm, struct slot_ref origin, uint64_t stanza, bool finishes)
{
	struct effect_header *effect = mine(shm)->effect;
	bool stands = (atomic_load_explicit(&effect->state, memory_order_relaxed) & 1) != 0;

	shm->staged = 0;	/* what stands has been appended already */
	shm->takes_rest = false;
	if (stands && goes_on(effect, origin, stanza)) {
		shm->steps_run = effect->steps;
		shm->steps_drafted = effect->steps;
		return;
	}
	if (stands)
		clear(shm, serial_of(effect), true);
	atomic_store_explicit(&effect->state, (serial_of(effect) + 1) << 1,
	    memory_order_release);
	effect->steps = 0;
	effect->origin_slot = origin.slot;
	effect->origin_epoch = origin.epoch;
	effect->stanza = stanza;
	effect->finishes = finishes;
	shm->steps_run = 0;
	shm->steps_drafted = 0;
}

void
effect_take_rest(struct shm *shm)
{
	shm->takes_rest = true;
}

void
effect_leaves_open(struct shm *shm)
{
	mine(shm)->effect->finishes = false;
}

/* Memory behind the steps and the staging grows in extents and stays. */
static int
commit(struct shm_worker *worker, _Atomic uint32_t *committed, uint32_t needed, uint32_t extent,
    size_t unit, const void *base)
{
	uint32_t have = atomic_load_explicit(committed, memory_order_relaxed);
	uint32_t wanted = (needed + extent - 1) / extent * extent;
	size_t offset = (size_t)((const char *)base - (const char *)worker->effect);
	int result;

	if (needed <= have)
		return RESULT_OK;
	result = segment_commit(&worker->effect_segment, offset + have * unit,
	    (wanted - have) * unit);
	if (result == RESULT_OK)
		atomic_store(committed, wanted);
	return result;
}

int
effect_stage(struct shm *shm, uint32_t size, char **memory, uint32_t *offset)
{
	struct shm_worker *worker = mine(shm);
	int result;

	if (size > EFFECT_STAGING_MAX - shm->staged)
		return RESULT_FULL;
	result = commit(worker, &worker->effect->staging_committed, shm->staged + size,
	    STAGING_EXTENT, 1, worker->staging);
	if (result != RESULT_OK)
		return result;
	*memory = worker->staging + shm->staged;
	*offset = shm->staged;
	shm->staged += size;
	return RESULT_OK;
}

void
effect_stage_cut(struct shm *shm, uint32_t offset, uint32_t used)
{
	ensure(offset + used <= shm->staged);
	shm->staged = offset + used;
}

int
effect_new_step(struct shm *shm, struct effect_step **step)
{
	struct shm_worker *worker = mine(shm);
	int result;

	if (shm->steps_drafted == EFFECT_STEPS_MAX)
		return RESULT_FULL;
	result = commit(worker, &worker->effect->steps_committed, shm->steps_drafted + 1,
	    STEPS_EXTENT, sizeof(struct effect_step), worker->steps);
	if (result != RESULT_OK)
		return result;
	*step = &worker->steps[shm->steps_drafted++];
	/* What was done here under an older serial stays behind the new one. */
	memset((char *)*step + sizeof((*step)->done), 0, sizeof(**step) - sizeof((*step)->done));
	return RESULT_OK;
}

int
effect_add(struct shm *shm, struct slot_ref target, enum entry_kind kind, uint8_t flags,
    const struct effect_piece *pieces, int count)
{
	struct effect_step *step;
	uint64_t length = 0;
	int result;

	ensure(count <= EFFECT_PIECES);
	for (int i = 0; i < count; i++)
		length += pieces[i].length;
	if (length > EFFECT_STAGING_MAX)
		return RESULT_FULL;
	result = effect_new_step(shm, &step);
	if (result != RESULT_OK)
		return result;
	step->slot = target.slot;
	step->epoch = target.epoch;
	step->kind = STEP_APPEND;
	step->entry_kind = (uint8_t)kind;
	step->entry_flags = flags;
	step->length = (uint32_t)length;
	for (int i = 0; i < count; i++)
		step->piece[i] = pieces[i];
	return RESULT_OK;
}

void
effect_tells(struct shm *shm, enum step_tells tells, uint64_t told)
{
	struct effect_step *step = &mine(shm)->steps[shm->steps_drafted - 1];

	ensure(shm->steps_drafted > shm->steps_run);
	step->tells = tells;
	step->told = told;
}

static bool
is_done(struct effect_step *step, uint64_t serial)
{
	return atomic_load_explicit(&step->done, memory_order_acquire) == serial;
}

/* A session whose outbox is broken gets nothing any more, as one that has ended. */
static void
append(struct shm *shm, struct effect_step *step, uint64_t serial, uint32_t index)
{
	struct slot *slot = &shm->slots[step->slot];

	if (step->tells == STEP_TELLS_NEXT && atomic_load(&slot->told) + 1 != step->told)
		return;
	if (!outbox_append(shm, step->slot, step, mine(shm)->staging,
		step_id(shm->me, serial, index))) {
		step->gone = 1;
		return;
	}
	/* Who dies before this has it told once more, which an idempotent push allows. */
	if (step->tells == STEP_TELLS_NEXT || step->tells == STEP_TELLS_ALL)
		atomic_store(&slot->told, step->told);
}

/*
 * One append. Whoever takes the lock from the dead settles the last append, and that may be this
 * very step of a predecessor: so `done` is looked at again under the lock.
 */
static void
run_append(struct shm *shm, struct effect_step *step, uint64_t serial, uint32_t index)
{
	slot_lock(shm, step->slot);
	SHM_STEP("step: locked");
	if (!is_done(step, serial)) {
		if (slot_find(shm, (struct slot_ref){ step->slot, step->epoch }) == NULL)
			step->gone = 1;
		else
			append(shm, step, serial, index);
		SHM_STEP("step: appended");
		atomic_store_explicit(&step->done, serial, memory_order_release);
		SHM_STEP("step: done");
	}
	slot_unlock(shm, step->slot);
	SHM_STEP("step: unlocked");
}

/* Nothing that was drafted is wrong; but memory may have been scribbled over, and no replacement is to die of it too. */
static void
leave_out(struct shm *shm, uint64_t serial, uint32_t index, const char *wrong)
{
	struct effect_step *step = &mine(shm)->steps[index];

	log_error(LOG_SHM, "a step is left out", "effect=%u step=%u wrong=\"%s\"", shm->me, index,
	    wrong);
	step->gone = 1;
	atomic_store(&step->done, serial);
}

static void
run_step(struct shm *shm, struct effect_step *step, uint64_t serial, uint32_t index)
{
	const char *wrong;

	if (step->kind == STEP_APPEND) {
		run_append(shm, step, serial, index);
		return;
	}
	wrong = effect_run_ask(shm, step);
	if (wrong != NULL)
		leave_out(shm, serial, index, wrong);
	atomic_store_explicit(&step->done, serial, memory_order_release);
	SHM_STEP("ask: done");
}

static uint32_t
run_steps(struct shm *shm, uint64_t serial, uint32_t first, int *ran)
{
	struct effect_header *effect = mine(shm)->effect;
	uint32_t gone = 0;

	for (uint32_t i = first; i < effect->steps; i++) {
		struct effect_step *step = &mine(shm)->steps[i];

		if (!is_done(step, serial)) {
			run_step(shm, step, serial, i);
			(*ran)++;
		}
		if (step->gone)
			gone++;
		else if (step->kind == STEP_APPEND)
			wake_mark(shm, step->slot);
	}
	return gone;
}

/* Blocks for the steps that are still to be done: those of the others are in use. So many stay free besides. */
static int
reserve_for(struct shm *shm, uint64_t serial, uint32_t first, uint32_t end, uint32_t kept)
{
	uint32_t blocks = 0;

	for (uint32_t i = first; i < end; i++) {
		struct effect_step *step = &mine(shm)->steps[i];

		if (step->kind == STEP_APPEND && !is_done(step, serial))
			blocks += outbox_blocks(step->length);
	}
	return blocks == 0 ? RESULT_OK : blocks_reserve(shm, blocks + kept);
}

/*
 * With targets that had ended it goes on standing: were it cleared before the caller has routed their steps anew, a
 * death in between would leave h_in behind what was appended, and the stanza would be done twice.
 */
int
effect_run(struct shm *shm)
{
	struct effect_header *effect = mine(shm)->effect;
	uint64_t serial = serial_of(effect);
	uint32_t gone;
	int ran = 0;
	int result = reserve_for(shm, serial, shm->steps_run, shm->steps_drafted,
	    shm->takes_rest ? 0 : KEPT_BLOCKS);

	if (result == RESULT_OK)
		result = effect_number_asks(shm);
	if (result != RESULT_OK)
		return result;
	SHM_STEP("effect: drafted");
	atomic_store_explicit(&effect->steps, shm->steps_drafted, memory_order_release);
	atomic_store_explicit(&effect->state, serial << 1 | 1, memory_order_release);
	SHM_STEP("effect: stands");
	gone = run_steps(shm, serial, shm->steps_run, &ran);
	if (gone == 0)
		clear(shm, serial, true);
	return (int)gone;
}

bool
effect_is_gone(const struct shm *shm, uint32_t step)
{
	return shm->worker[shm->me].steps[shm->steps_run + step].gone != 0;
}

/* --- finishing --- */

/* RESULT_CORRUPT: no step can be believed. */
static int
check_standing(struct shm *shm, uint64_t serial)
{
	struct effect_header *effect = mine(shm)->effect;

	if (!effect_has_steps(shm, shm->me))
		return RESULT_CORRUPT;
	for (uint32_t i = 0; i < effect->steps; i++) {
		const char *wrong = effect_wrong_step(shm, shm->me, i, serial);

		if (wrong != NULL)
			leave_out(shm, serial, i, wrong);
	}
	return reserve_for(shm, serial, 0, effect->steps, 0);
}

/*
 * Steps whose target has ended are left out here: their stanzas were on their way to a session that ended in the same
 * moment as their worker, and h_in tells the sender that they were handled.
 */
int
effect_finish(struct shm *shm)
{
	struct effect_header *effect = mine(shm)->effect;
	uint64_t serial = serial_of(effect);
	int ran = 0;
	int result;

	if ((atomic_load(&effect->state) & 1) == 0)
		return 0;
	result = check_standing(shm, serial);
	if (result == RESULT_OK)
		run_steps(shm, serial, 0, &ran);
	else
		log_error(LOG_SHM, "an effect is given up", "effect=%u steps=%u reason=\"%s\"",
		    shm->me, effect->steps, result_text(result));
	clear(shm, serial, result == RESULT_OK);
	return ran;
}

void
effect_settle(struct shm *shm, uint32_t index)
{
	struct slot *slot = &shm->slots[index];
	uint64_t next = atomic_load(&slot->out_next);
	uint64_t last = atomic_load(&slot->last[next & 1]);
	uint32_t worker = (uint32_t)(last >> 56);
	uint64_t serial = last >> 16 & SERIAL_MASK;
	struct effect_header *effect;
	struct effect_step *step;
	uint64_t seen;

	if (serial == 0 || worker >= shm->workers)
		return;
	effect = shm->worker[worker].effect;
	if ((last & 0xffff) >= EFFECT_STEPS_MAX ||
	    atomic_load(&effect->state) != (serial << 1 | 1))
		return;
	step = &shm->worker[worker].steps[last & 0xffff];
	seen = atomic_load(&step->done);
	SHM_STEP("settle: found");
	if (seen < serial)
		atomic_compare_exchange_strong(&step->done, &seen, serial);
	SHM_STEP("settle: done");
}
