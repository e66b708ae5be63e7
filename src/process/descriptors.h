/* descriptors.h -- a child keeps its own descriptors and none of its parent's. */
#pragma once

#include <stddef.h>

/* Closes all above standard error but those; negative numbers are passed over. At most 512. */
void	descriptors_keep(const int *kept, size_t count);

/*
 * At the start of a program: 0 to 2 are open, to /dev/null if need be, so that nothing of ours gets their
 * numbers; and nothing above is but `handed` ones from 3 on. What a careless caller left open would stay so for ever.
 */
void	descriptors_begin(int handed);

/* As many descriptors as the system allows this process. */
void	descriptors_raise_limit(void);
