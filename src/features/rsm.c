/* rsm.c -- XEP-0059: which page of a result set is asked for, and what is told of it. */
#include "features/rsm.h"

static bool
read_number(struct arena *arena, const struct element *element, bool *has, uint32_t *number)
{
	int64_t value;

	if (*has ||
	    !slice_to_int(slice_trim(element_text(arena, element)), 0, UINT32_MAX, &value))
		return false;
	*has = true;
	*number = (uint32_t)value;
	return true;
}

static bool
read_id(struct arena *arena, const struct element *element, bool *has, struct slice *id)
{
	if (*has)
		return false;
	*has = true;
	*id = element_text(arena, element);
	return true;
}

/* What is not in the list is of a later version, and ignored. */
static bool
read_child(struct arena *arena, const struct element *child, struct rsm *rsm)
{
	if (element_is(child, NS_RSM, "max"))
		return read_number(arena, child, &rsm->has_max, &rsm->max);
	if (element_is(child, NS_RSM, "index"))
		return read_number(arena, child, &rsm->has_index, &rsm->index);
	if (element_is(child, NS_RSM, "before"))
		return read_id(arena, child, &rsm->has_before, &rsm->before);
	if (element_is(child, NS_RSM, "after"))
		return read_id(arena, child, &rsm->has_after, &rsm->after) &&
		    rsm->after.length > 0;
	return true;
}

bool
rsm_read(struct arena *arena, const struct element *parent, struct rsm *rsm)
{
	struct element *set = NULL, *child = element_first(parent);

	*rsm = (struct rsm){ 0 };
	for (; child != NULL; child = element_next(parent, child)) {
		if (!element_is(child, NS_RSM, "set"))
			continue;
		if (set != NULL)
			return false;
		set = child;
	}
	if (set == NULL)
		return true;
	for (child = element_first(set); child != NULL; child = element_next(set, child))
		if (!read_child(arena, child, rsm))
			return false;
	return !rsm->has_index || (!rsm->has_after && !rsm->has_before);
}

static struct slice
text_of(struct arena *arena, uint64_t number)
{
	return arena_printf(arena, "%llu", (unsigned long long)number);
}

struct element *
rsm_answer(struct arena *arena, struct slice first, struct slice last, uint64_t index,
    uint64_t count)
{
	struct element *set = element_new(arena, NS_RSM, "set"), *child;

	if (first.length > 0) {
		child = element_add(arena, set, NS_RSM, "first");
		if (index != RSM_UNKNOWN)
			element_set(arena, child, "index", text_of(arena, index));
		element_add_text(arena, child, first);
		element_add_text(arena, element_add(arena, set, NS_RSM, "last"), last);
	}
	if (count != RSM_UNKNOWN)
		element_add_text(arena, element_add(arena, set, NS_RSM, "count"),
		    text_of(arena, count));
	return set;
}
