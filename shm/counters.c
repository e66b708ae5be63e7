/* counters.c -- a page of counters a process: names, and sums for those who ask. */
#include "shm/counters.h"

static const struct {
	const char *name;
	const char *about;
} rows[] = {
#define COUNTER(symbol, name, about) { name, about },
#include "shm/counters.def"
#undef COUNTER
};

const char *
counter_name(enum counter counter)
{
	return rows[counter].name;
}

const char *
counter_about(enum counter counter)
{
	return rows[counter].about;
}

uint64_t
counter_sum(const struct shm *shm, enum counter counter)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < PROCESSES_MAX; i++)
		sum += atomic_load_explicit(&shm_page(shm, i)->counters[counter],
		    memory_order_relaxed);
	return sum;
}
