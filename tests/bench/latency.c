/* latency.c -- a histogram of times, with buckets 3 % apart. */
#include "tests/bench/latency.h"

/* 32 buckets to each power of two. */
#define STEPS     32
#define STEP_BITS 5

static unsigned
bucket_of(uint64_t ns)
{
	unsigned exponent;

	if (ns < STEPS)
		return (unsigned)ns;
	exponent = 63 - (unsigned)__builtin_clzll(ns) - STEP_BITS;
	return (exponent + 1) * STEPS + (unsigned)(ns >> exponent) % STEPS;
}

static uint64_t
upper_bound(unsigned bucket)
{
	unsigned exponent;

	if (bucket < STEPS)
		return bucket;
	exponent = bucket / STEPS - 1;
	return ((uint64_t)(STEPS + bucket % STEPS + 1) << exponent) - 1;
}

void
latency_add(struct latency *latency, uint64_t ns)
{
	unsigned bucket = bucket_of(ns);

	latency->count++;
	if (ns > latency->most_ns)
		latency->most_ns = ns;
	latency->bucket[bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1]++;
}

uint64_t
latency_percentile(const struct latency *latency, double share)
{
	uint64_t wanted = (uint64_t)(share * (double)latency->count + 0.5);
	uint64_t seen = 0;

	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		seen += latency->bucket[i];
		if (seen >= wanted && seen > 0)
			return upper_bound(i) < latency->most_ns ? upper_bound(i)
								 : latency->most_ns;
	}
	return latency->most_ns;
}
