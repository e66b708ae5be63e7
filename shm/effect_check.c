/* effect_check.c -- steps that cannot be: for who finishes another's effect, and for the checker. */
#include "shm/effect_private.h"
#include "shm/store.h"

static bool
pieces_are_staged(const struct effect_step *step, uint32_t staged)
{
	uint64_t length = 0;

	for (int i = 0; i < EFFECT_PIECES; i++) {
		if ((uint64_t)step->piece[i].offset + step->piece[i].length > staged)
			return false;
		length += step->piece[i].length;
	}
	return length == step->length && length <= EFFECT_STAGING_MAX &&
	    (step->kind != STEP_ASK || step->piece[0].length == length);
}

const char *
effect_wrong_step(const struct shm *shm, uint32_t worker, uint32_t index, uint64_t serial)
{
	const struct effect_step *step = &shm->worker[worker].steps[index];
	uint32_t staged = atomic_load(&shm->worker[worker].effect->staging_committed);

	if (step->kind != STEP_APPEND && step->kind != STEP_ASK)
		return "kind";
	if (step->kind == STEP_APPEND && step->slot >= atomic_load(shm->slots_committed))
		return "slot";
	if (step->kind == STEP_ASK && step->slot >= STORE_COUNT)
		return "store";
	if (atomic_load(&step->done) > serial)
		return "done";
	if (step->tells > STEP_TELLS_STORED)
		return "what it tells";
	return pieces_are_staged(step, staged) ? NULL : "piece";
}

bool
effect_has_steps(const struct shm *shm, uint32_t worker)
{
	const struct effect_header *effect = shm->worker[worker].effect;
	uint32_t committed = atomic_load(&effect->steps_committed);

	return committed <= EFFECT_STEPS_MAX && atomic_load(&effect->steps) <= committed &&
	    atomic_load(&effect->staging_committed) <= EFFECT_STAGING_MAX;
}
