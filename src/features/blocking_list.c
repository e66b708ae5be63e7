/* blocking_list.c -- whom an account blocks, as it stands in the store: sorted. */
#include "features/blocking_list.h"

#include <stdlib.h>

static uint32_t
word_at(struct slice packed, uint32_t index)
{
	uint32_t word;

	memcpy(&word, packed.data + index * sizeof(word), sizeof(word));
	return word;
}

static size_t
head_size(uint32_t count)
{
	return (1 + (size_t)count) * sizeof(uint32_t);
}

static uint32_t
end_of(const struct blocking_list *list, uint32_t index)
{
	return word_at(list->packed, 1 + index);
}

/* Every entry lies inside, one behind the other. */
static bool
is_sound(const struct blocking_list *list)
{
	uint32_t before = 0;

	if (list->packed.length < head_size(list->count))
		return false;
	for (uint32_t i = 0; i < list->count; i++) {
		if (end_of(list, i) <= before)
			return false;
		before = end_of(list, i);
	}
	return list->packed.length == head_size(list->count) + before;
}

bool
blocking_list_open(struct slice packed, struct blocking_list *list)
{
	*list = (struct blocking_list){ packed, 0 };
	if (packed.length == 0)
		return true;
	if (packed.length < sizeof(uint32_t))
		return false;
	list->count = word_at(packed, 0);
	if (list->count > 0 && is_sound(list))
		return true;
	list->count = 0;
	return false;
}

struct slice
blocking_list_at(const struct blocking_list *list, uint32_t index)
{
	uint32_t start = index == 0 ? 0 : end_of(list, index - 1);

	return slice_of(list->packed.data + head_size(list->count) + start,
	    end_of(list, index) - start);
}

bool
blocking_list_has(const struct blocking_list *list, struct slice jid)
{
	uint32_t low = 0, high = list->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = slice_compare(blocking_list_at(list, middle), jid);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* "capulet.example/ghost" blocks that resource of everybody at the domain and of the domain itself. */
static bool
has_domain_resource(const struct blocking_list *list, const struct jid *jid)
{
	char text[JID_MAX];
	char *end = slice_copy(text, jid->domain);

	*end++ = '/';
	end = slice_copy(end, jid->resource);
	return blocking_list_has(list, slice_of(text, (size_t)(end - text)));
}

bool
blocking_list_matches(const struct blocking_list *list, const struct jid *jid)
{
	if (list->count == 0)
		return false;
	if (blocking_list_has(list, jid->bare) || blocking_list_has(list, jid->domain))
		return true;
	return !jid_is_bare(jid) &&
	    (blocking_list_has(list, jid->full) || has_domain_resource(list, jid));
}

/* --- a new one --- */

static int
compare(const void *a, const void *b)
{
	return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

static uint32_t
sort_once_each(struct slice *entries, uint32_t count)
{
	uint32_t kept = 0;

	qsort(entries, count, sizeof(*entries), compare);
	for (uint32_t i = 0; i < count; i++)
		if (kept == 0 || !slice_equal(entries[kept - 1], entries[i]))
			entries[kept++] = entries[i];
	return kept;
}

static struct slice
pack(struct arena *arena, const struct slice *entries, uint32_t count)
{
	size_t size = head_size(count);
	uint32_t end = 0;
	char *packed;

	if (count == 0)
		return SLICE_EMPTY;
	for (uint32_t i = 0; i < count; i++)
		size += entries[i].length;
	packed = arena_alloc(arena, size);
	memcpy(packed, &count, sizeof(count));
	for (uint32_t i = 0; i < count; i++) {
		memcpy(packed + head_size(count) + end, entries[i].data, entries[i].length);
		end += (uint32_t)entries[i].length;
		memcpy(packed + head_size(i), &end, sizeof(end));
	}
	return slice_of(packed, size);
}

struct slice
blocking_list_add(struct arena *arena, const struct blocking_list *list,
    const struct slice *jids, uint32_t count)
{
	uint32_t all = list->count + count;
	struct slice *entries = arena_alloc(arena, (all + 1) * sizeof(*entries));

	for (uint32_t i = 0; i < list->count; i++)
		entries[i] = blocking_list_at(list, i);
	for (uint32_t i = 0; i < count; i++)
		entries[list->count + i] = jids[i];
	return pack(arena, entries, sort_once_each(entries, all));
}

struct slice
blocking_list_remove(struct arena *arena, const struct blocking_list *list,
    const struct slice *jids, uint32_t count)
{
	struct slice *entries = arena_alloc(arena, (list->count + 1) * sizeof(*entries));
	struct slice packed = blocking_list_add(arena, &(struct blocking_list){ .count = 0 },
	    jids, count);
	struct blocking_list gone;
	uint32_t kept = 0;

	blocking_list_open(packed, &gone);
	for (uint32_t i = 0; i < list->count; i++)
		if (!blocking_list_has(&gone, blocking_list_at(list, i)))
			entries[kept++] = blocking_list_at(list, i);
	return pack(arena, entries, kept);
}
