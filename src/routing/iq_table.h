/* iq_table.h -- each addressed iq has exactly one owner, by namespace, element, type and scope. */
#pragma once

#include <stdbool.h>

#include "routing/stage.h"
#include "xml/names.h"

enum iq_type { IQ_GET = 1, IQ_SET = 2 };

enum iq_scope {
	SCOPE_HOST = 1,		/* addressed to a host of ours */
	SCOPE_SELF = 2,		/* to the own account, or without "to" */
	SCOPE_ACCOUNT = 4,	/* to another local account */
};

struct iq_row {
	enum xml_namespace ns;
	const char	  *name;
	unsigned	   types;
	unsigned	   scopes;
	stage_fn	  *handle;
};

struct iq_table;

struct iq_table *iq_table_new(void);
void	iq_table_free(struct iq_table **table);

/* False when another row owns one of its cases already; the log names both. */
bool	iq_table_add(struct iq_table *table, const char *feature, const struct iq_row *row);

/* NULL when nobody owns it. */
const struct iq_row *iq_table_find(const struct iq_table *table, enum xml_namespace ns,
	    struct slice name, enum iq_type type, enum iq_scope scope);
