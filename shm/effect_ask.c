/* effect_ask.c -- steps that are requests to a store: each is pushed once, whoever dies. */

/*
 * A ring of requests has one writer, and numbers its records. A draft's requests get the numbers behind what was pushed, and
 * until the effect has run this worker pushes nothing else: so whoever finishes the effect sees by the ring alone whether a
 * request is in it. A reader only makes room, so a push for which there was room when the effect was drafted does not fail.
 */
#include "base/ensure.h"
#include "base/result.h"
#include "shm/effect_private.h"
#include "shm/store_request.h"

/* A replacement's effect is finished before it opens anything else: so attached by whoever comes first. */
static int
ring_of(struct shm *shm, enum store_kind kind, struct ring **ring)
{
	int result;

	ensure(kind < STORE_COUNT);
	if (shm->asks[kind] == NULL) {
		result = ring_attach(shm,
		    store_ring_number(shm->me, kind, RING_REQUESTS),
		    &shm->asks[kind]);
		if (result != RESULT_OK)
			return result;
		ring_set_wake_fd(shm->asks[kind], store_store_fd(kind));
	}
	*ring = shm->asks[kind];
	return RESULT_OK;
}

int
effect_open_ring(struct shm *shm, enum store_kind kind)
{
	struct ring *ring;

	return ring_of(shm, kind, &ring);
}

int
effect_ask(struct shm *shm, enum store_kind kind, bool later, struct effect_piece record)
{
	struct effect_step *step;
	struct ring *ring;
	int result = ring_of(shm, kind, &ring);

	if (result == RESULT_OK && !ring_has_room(ring, 1, record.length))
		result = RESULT_FULL;
	if (result == RESULT_OK)
		result = effect_new_step(shm, &step);
	if (result != RESULT_OK)
		return result;
	step->slot = (uint32_t)kind;
	step->kind = STEP_ASK;
	step->entry_flags = later;
	step->length = record.length;
	step->piece[0] = record;
	return RESULT_OK;
}

int
effect_number_asks(struct shm *shm)
{
	struct effect_step *steps = effect_mine(shm)->steps;
	uint32_t count[STORE_COUNT] = { 0 };
	size_t bytes[STORE_COUNT] = { 0 };

	for (uint32_t i = shm->steps_run; i < shm->steps_drafted; i++) {
		struct ring *ring;
		enum store_kind kind = (enum store_kind)steps[i].slot;

		if (steps[i].kind != STEP_ASK)
			continue;
		if (ring_of(shm, kind, &ring) != RESULT_OK)
			return RESULT_FULL;
		count[kind]++;
		bytes[kind] += steps[i].length;
		if (!ring_has_room(ring, count[kind], bytes[kind]))
			return RESULT_FULL;
		steps[i].told = ring_pushed(ring) + count[kind];
	}
	return RESULT_OK;
}

uint64_t
effect_asked(const struct shm *shm, uint32_t ask)
{
	const struct effect_step *steps = shm->worker[shm->me].steps;

	for (uint32_t i = shm->steps_run; i < shm->steps_drafted; i++)
		if (steps[i].kind == STEP_ASK && ask-- == 0)
			return steps[i].told;
	return 0;
}

const char *
effect_run_ask(struct shm *shm, const struct effect_step *step)
{
	struct slice record = slice_of(effect_mine(shm)->staging + step->piece[0].offset,
	    step->length);
	struct ring *ring;

	ensure(ring_of(shm, (enum store_kind)step->slot, &ring) == RESULT_OK);
	SHM_STEP("ask: looked");
	if (ring_pushed(ring) >= step->told)
		return NULL;
	if (ring_pushed(ring) + 1 != step->told)
		return "number";
	if ((step->entry_flags ? ring_push_later : ring_push)(ring, record, SLICE_EMPTY) !=
	    RESULT_OK)
		return "ring";
	SHM_STEP("ask: pushed");
	return NULL;
}
