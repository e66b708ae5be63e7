/* table.h -- rows for people: columns as wide as their widest cell. */
#pragma once

#include <stdio.h>

#include "base/slice.h"

enum table_align { TABLE_LEFT, TABLE_RIGHT };

struct table_column {
	const char	*heading;
	enum table_align align;
};

struct table;

/* columns are borrowed, and end with one without a heading. */
struct table *table_new(const struct table_column *columns);
void	      table_free(struct table **table);

/* The next cell, row by row, made safe for a terminal. An empty one is shown as "-". */
void	      table_add(struct table *table, struct slice text);
void	      table_printf(struct table *table, const char *format, ...)
		  __attribute__((format(printf, 2, 3)));
void	      table_bytes(struct table *table, uint64_t bytes);
void	      table_duration(struct table *table, uint64_t ms);

/* Headings, then the rows; the last row must be complete. No white space at the end of a line. */
void	      table_write(const struct table *table, FILE *out);
