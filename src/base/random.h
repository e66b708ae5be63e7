/* random.h -- bytes nobody can guess. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* From getrandom(2), buffered; the buffer is dropped after a fork. */
void	 random_bytes(void *out, size_t size);
uint64_t random_u64(void);

/* count characters of [A-Za-z0-9_-], 6 bits each, then a NUL: out holds count + 1. */
void	 random_token(char *out, size_t count);
