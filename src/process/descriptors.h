/* descriptors.h -- a child keeps its own descriptors and none of its parent's. */
#pragma once

#include <stddef.h>

/* Closes all above standard error but those; negative numbers are passed over. At most 512. */
void	descriptors_keep(const int *kept, size_t count);

/* As many descriptors as the system allows this process. */
void	descriptors_raise_limit(void);
