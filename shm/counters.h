/* counters.h -- a page of counters a process: written by it alone, read by anybody without locks. */
#pragma once

#include "shm/shm.h"

enum counter {
#define COUNTER(symbol, name, about) symbol,
#include "shm/counters.def"
#undef COUNTER
	COUNTER_COUNT
};
static_assert(COUNTER_COUNT <= COUNTERS_MAX, "counters");

const char *counter_name(enum counter counter);
const char *counter_about(enum counter counter);

/* This worker's. One writer: a plain add, stored so that readers never see half of it. */
static inline void
counter_add(const struct shm *shm, enum counter counter, uint64_t count)
{
	_Atomic uint64_t *word = &shm_page(shm, shm->me)->counters[counter];

	atomic_store_explicit(word, atomic_load_explicit(word, memory_order_relaxed) + count,
	    memory_order_relaxed);
}

/* The sum over all processes. */
uint64_t counter_sum(const struct shm *shm, enum counter counter);
