/* rsm.h -- XEP-0059: which page of a result set is asked for, and what is told of it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "xml/element.h"

struct rsm {
	bool	     has_max;
	uint32_t     max;
	bool	     has_after, has_before, has_index;
	struct slice after;
	struct slice before;	/* empty: the last page */
	uint32_t     index;
};

/*
 * Reads the <set/> in parent, where there is one. False for what cannot be: two sets, a name twice, a number that is none, an
 * empty <after/>, or an <index/> with one of the others.
 */
bool	rsm_read(struct arena *arena, const struct element *parent, struct rsm *rsm);

#define RSM_UNKNOWN UINT64_MAX

/* <set/> of an answer; first empty: the page is. index and count may be RSM_UNKNOWN. */
struct element *rsm_answer(struct arena *arena, struct slice first, struct slice last,
		    uint64_t index, uint64_t count);
