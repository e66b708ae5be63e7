/* effect_private.h -- what the files of effects share. */
#pragma once

#include "shm/effect.h"

struct shm_worker *effect_mine(struct shm *shm);

/* A step at the draft's end; RESULT_FULL when there is no room for it. */
int	effect_new_step(struct shm *shm, struct effect_step **step);

/* What of a step that stands in a worker's record cannot be; NULL: nothing. */
const char *effect_wrong_step(const struct shm *shm, uint32_t worker, uint32_t index,
	    uint64_t serial);

/* False: a worker's record says that it has more than there can be, and none of it may be looked at. */
bool	effect_has_steps(const struct shm *shm, uint32_t worker);

/* --- requests, effect_ask.c --- */

/* Gives the draft's requests their numbers; RESULT_FULL when a ring has no room for all of them. */
int	effect_number_asks(struct shm *shm);
/* Pushes the request unless it has been pushed. NULL, or what of it cannot be. */
const char *effect_run_ask(struct shm *shm, const struct effect_step *step);
