/* leaks.h -- memory that nobody gave back, for builds that look for it. */
#pragma once

#include <stddef.h>

/* What this memory, which is not of malloc, points to is in use. */
void	leaks_look_in(const void *memory, size_t size);

/* Ends the process where something was lost: before an _exit(), which looks for nothing. */
void	leaks_check(void);
