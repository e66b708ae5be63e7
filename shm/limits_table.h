/* limits_table.h -- the segment behind limits.h, for the files of shm/ alone. */
#pragma once

#include "shm/shm.h"

#define LIMITS_NONE	    UINT32_MAX
#define LIMITS_PLACES_LEAST 4096u

uint64_t limits_size(uint32_t max_sessions, uint32_t workers);

/* Where a mapped segment has its parts. */
void	limits_view(struct shm *shm, void *memory);
