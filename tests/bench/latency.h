/* latency.h -- a histogram of times, with buckets 3 % apart. */
#pragma once

#include <stdint.h>

#define LATENCY_BUCKETS 1280

struct latency {
	uint64_t count;
	uint64_t most_ns;
	uint64_t bucket[LATENCY_BUCKETS];
};

void	 latency_add(struct latency *latency, uint64_t ns);

/* The time that this share (0 to 1) of all stayed below or at. */
uint64_t latency_percentile(const struct latency *latency, double share);
