/* effect_private.h -- what the files of effects share. */
#pragma once

#include "shm/effect.h"

struct shm_worker *effect_mine(struct shm *shm);

/* A step at the draft's end; RESULT_FULL when there is no room for it. */
int	effect_new_step(struct shm *shm, struct effect_step **step);

/* --- requests, effect_ask.c --- */

/* Gives the draft's requests their numbers; RESULT_FULL when a ring has no room for all of them. */
int	effect_number_asks(struct shm *shm);
/* Pushes the request unless it has been pushed. */
void	effect_run_ask(struct shm *shm, const struct effect_step *step);
