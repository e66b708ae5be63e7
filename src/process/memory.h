/* memory.h -- the shared memory at the master's start: taken over from the server before, or made anew. */
#pragma once

#include <stdbool.h>

struct identity;
struct shm;
struct shm_options;

/*
 * The lock of the runtime directory is ours, so every process of the server before is gone. Its memory is taken over,
 * sessions, registry, requests and keys, if it is whole, of this boot and layout, and made with the same options. Else the
 * log says why and what is lost; what cannot be used is set aside (NAME.bad-SECONDS), never deleted, unless it is
 * of an earlier boot or holds nothing. is_fresh: so it is in any case. *taken says which it was.
 *
 * A negative result: no memory, logged.
 */
int	memory_open(const struct shm_options *options, const struct identity *identity,
	    bool is_fresh, struct shm **shm, bool *taken);
