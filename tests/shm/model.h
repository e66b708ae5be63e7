/* model.h -- visits every state that a small protocol can come to. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A state is plain bytes without padding. next() calls model_reach() for each state one
 * step away and returns false when no process can go on by itself (a death is no going
 * on). wrong() names the rule a state breaks, or is NULL.
 */
struct model {
	const char *name;
	size_t size;
	bool (*next)(const void *state);
	const char *(*wrong)(const void *state, bool at_rest);
	void (*print)(const void *state);
};

struct model_result {
	uint64_t states;
	uint64_t rests;    /* states in which nobody can go on */
	const char *wrong; /* of the first state that breaks a rule, or NULL */
};

struct model_result model_run(const struct model *model, const void *first);
void model_reach(const void *state);
