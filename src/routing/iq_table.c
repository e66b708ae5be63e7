/* iq_table.c -- each addressed iq has exactly one owner. */
#include "routing/iq_table.h"

#include <string.h>

#include "base/log.h"
#include "base/memory.h"

struct claim {
	const char	    *feature;
	const struct iq_row *row;
	struct claim	    *next;
};

struct iq_table {
	struct claim *by_namespace[NS_COUNT];
};

struct iq_table *
iq_table_new(void)
{
	return NEW(struct iq_table);
}

void
iq_table_free(struct iq_table **table)
{
	if (*table == NULL)
		return;
	for (int ns = 0; ns < NS_COUNT; ns++) {
		struct claim *claim = (*table)->by_namespace[ns];

		while (claim != NULL) {
			struct claim *next = claim->next;

			memory_free(claim);
			claim = next;
		}
	}
	memory_free(*table);
	*table = NULL;
}

static bool
overlaps(const struct iq_row *a, const struct iq_row *b)
{
	return strcmp(a->name, b->name) == 0 && (a->types & b->types) != 0 &&
	    (a->scopes & b->scopes) != 0;
}

bool
iq_table_add(struct iq_table *table, const char *feature, const struct iq_row *row)
{
	struct claim **end = &table->by_namespace[row->ns];

	for (; *end != NULL; end = &(*end)->next)
		if (overlaps((*end)->row, row)) {
			log_error(LOG_ROUTING, "two features own one iq",
			    "element=%s namespace=%s features=%s,%s", row->name,
			    names_uri(row->ns).data, (*end)->feature, feature);
			return false;
		}
	*end = NEW(struct claim);
	**end = (struct claim){ feature, row, NULL };
	return true;
}

const struct iq_row *
iq_table_find(const struct iq_table *table, enum xml_namespace ns, struct slice name,
    enum iq_type type, enum iq_scope scope)
{
	const struct claim *claim = table->by_namespace[ns];

	for (; claim != NULL; claim = claim->next)
		if ((claim->row->types & type) != 0 && (claim->row->scopes & scope) != 0 &&
		    slice_is(name, claim->row->name))
			return claim->row;
	return NULL;
}
