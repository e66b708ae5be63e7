/* model.c -- breadth first over all states, each kept once in a hash table. */
#include "model.h"

#include <stdio.h>
#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"

#define STATES_MOST (60u << 20)

static struct {
	const struct model *model;
	char *states; /* in the order of their finding */
	uint32_t *from;
	uint64_t count;
	uint64_t room;
	uint32_t *table; /* index + 1 */
	uint64_t table_size;
	uint32_t current;
} all;

static const char *
state_at(uint64_t index)
{
	return all.states + index * all.model->size;
}

static uint64_t
hash_of(const char *state)
{
	uint64_t hash = 0xcbf29ce484222325ull;
	size_t at = 0;

	for (; at + 8 <= all.model->size; at += 8) {
		uint64_t word;

		memcpy(&word, state + at, 8);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29;
	}
	for (; at < all.model->size; at++)
		hash = (hash ^ (uint8_t)state[at]) * 0x100000001b3ull;
	return hash ^ hash >> 32;
}

static uint32_t *
place_of(const char *state)
{
	uint64_t at = hash_of(state) % all.table_size;

	while (all.table[at] != 0 &&
	       memcmp(state_at(all.table[at] - 1), state, all.model->size) != 0)
		at = (at + 1) % all.table_size;
	return &all.table[at];
}

static void
grow(void)
{
	all.room *= 2;
	ensure(all.room <= STATES_MOST);
	all.states = memory_resize(all.states, all.room * all.model->size);
	all.from = memory_resize(all.from, all.room * sizeof(uint32_t));
	memory_free(all.table);
	all.table_size = all.room * 2 + 1;
	all.table = memory_new(all.table_size * sizeof(uint32_t));
	for (uint64_t i = 0; i < all.count; i++)
		*place_of(state_at(i)) = (uint32_t)i + 1;
}

void
model_reach(const void *state)
{
	uint32_t *place;

	if (all.count == all.room)
		grow();
	place = place_of(state);
	if (*place != 0)
		return;
	memcpy(all.states + all.count * all.model->size, state, all.model->size);
	all.from[all.count] = all.current;
	*place = (uint32_t)++all.count;
}

/* How the state was come to, the last step first. */
static void
print_way(uint64_t index)
{
	for (int steps = 0; steps < 200; steps++) {
		all.model->print(state_at(index));
		if (index == 0)
			return;
		index = all.from[index];
	}
}

struct model_result
model_run(const struct model *model, const void *first)
{
	struct model_result result = { 0, 0, NULL };
	void *state = memory_new(model->size);

	memset(&all, 0, sizeof(all));
	all.model = model;
	all.room = 1 << 15;
	grow();
	model_reach(first);
	for (uint64_t i = 0; i < all.count && result.wrong == NULL; i++) {
		bool rests;

		memcpy(state, state_at(i), model->size); /* the table may move */
		all.current = (uint32_t)i;
		rests = !model->next(state);
		result.rests += rests;
		result.wrong = model->wrong(state, rests);
		if (result.wrong != NULL && model->print != NULL)
			print_way(i);
	}
	result.states = all.count;
	memory_free(state);
	memory_free(all.states);
	memory_free(all.from);
	memory_free(all.table);
	return result;
}
