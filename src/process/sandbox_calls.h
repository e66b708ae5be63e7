/* sandbox_calls.h -- the system calls each role may make, and why. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SANDBOX_SELF UINT64_MAX	/* as a value: the number of this process */

/* An argument that must be one value under a mask. */
struct sandbox_argument {
	uint32_t number;	/* 1 for the first; 0: any call of that number */
	uint64_t mask;
	uint64_t value;
};

struct sandbox_call {
	int			call;	/* as libseccomp numbers it: negative where the machine has none */
	unsigned		roles;	/* enum sandbox_role */
	int			error;	/* 0: allowed; else it fails with this, and nobody dies of it */
	struct sandbox_argument argument;
	const char	       *why;
};

const struct sandbox_call *sandbox_calls(size_t *count);
