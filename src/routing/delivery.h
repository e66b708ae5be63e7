/* delivery.h -- what a stanza's way gathers: copies to sessions, written to shared memory as one effect. */
#pragma once

#include <stdbool.h>

#include "routing/stanza.h"
#include "shm/effect.h"

struct delivery {
	struct shm	     *shm;
	const struct element *written;	/* whose bytes `piece` holds */
	struct effect_piece   piece;
	uint32_t	      count;	/* targets so far */
	int		      result;	/* RESULT_FULL once something did not fit */
};

void	delivery_begin(struct delivery *delivery, struct shm *shm, struct slot_ref origin,
	    uint64_t number);

void	delivery_add(struct delivery *delivery, enum stanza_kind kind,
	    const struct element *element, struct slot_ref target);

/* All or nothing. RESULT_FULL: nothing happened; else the number of targets that had ended. */
int	delivery_run(struct delivery *delivery);
