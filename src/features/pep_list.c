/* pep_list.c -- names with a kind each, packed one behind the other. */
#include "features/pep_list.h"

#define HEAD 3		/* kind, length */

static bool
take(struct slice *rest, struct pep_entry *entry)
{
	uint16_t length;

	if (rest->length < HEAD)
		return false;
	memcpy(&length, rest->data + 1, sizeof(length));
	if (rest->length - HEAD < length)
		return false;
	entry->kind = (uint8_t)rest->data[0];
	entry->name = slice_of(rest->data + HEAD, length);
	*rest = slice_after(*rest, HEAD + (size_t)length);
	return true;
}

bool
pep_list_next(struct slice *rest, struct pep_entry *entry)
{
	return take(rest, entry);
}

bool
pep_list_is_valid(struct slice list)
{
	struct pep_entry entry;

	while (take(&list, &entry))
		if (entry.kind == 0)
			return false;
	return list.length == 0;
}

uint32_t
pep_list_count(struct slice list)
{
	struct pep_entry entry;
	uint32_t count = 0;

	while (take(&list, &entry))
		count++;
	return count;
}

uint8_t
pep_list_find(struct slice list, struct slice name)
{
	struct pep_entry entry;

	while (take(&list, &entry))
		if (slice_equal(entry.name, name))
			return entry.kind;
	return 0;
}

static char *
put(char *at, uint8_t kind, struct slice name)
{
	uint16_t length = (uint16_t)name.length;

	*at = (char)kind;
	memcpy(at + 1, &length, sizeof(length));
	if (name.length > 0)
		memcpy(at + HEAD, name.data, name.length);
	return at + HEAD + name.length;
}

struct slice
pep_list_set(struct arena *arena, struct slice list, struct slice name, uint8_t kind)
{
	char *new = arena_alloc(arena, list.length + HEAD + name.length), *at = new;
	struct pep_entry entry;

	while (take(&list, &entry))
		if (!slice_equal(entry.name, name))
			at = put(at, entry.kind, entry.name);
	if (kind != 0)
		at = put(at, kind, name);
	return slice_of(new, (size_t)(at - new));
}
