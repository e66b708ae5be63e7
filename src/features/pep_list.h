/* pep_list.h -- names with a kind each, packed one behind the other as they stand in a node's record. */
#pragma once

#include "base/arena.h"

struct pep_entry {
	uint8_t	     kind;	/* what the list makes of it; never 0 */
	struct slice name;
};

/* Takes the first one off; false: there is none. */
bool	pep_list_next(struct slice *rest, struct pep_entry *entry);
bool	pep_list_is_valid(struct slice list);
uint32_t pep_list_count(struct slice list);

/* The kind of a name; 0: it is not in the list. */
uint8_t pep_list_find(struct slice list, struct slice name);

/* A new list in the arena: that name has that kind, and is not in it with kind 0. */
struct slice pep_list_set(struct arena *arena, struct slice list, struct slice name, uint8_t kind);
