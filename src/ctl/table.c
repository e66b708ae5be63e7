/* table.c -- rows for people: columns as wide as their widest cell. */
#include "ctl/table.h"

#include <stdarg.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "ctl/print.h"

#define COLUMNS_MAX 16
#define GAP         2

struct table {
	const struct table_column *columns;
	size_t count;
	size_t width[COLUMNS_MAX];
	size_t cells;
	size_t capacity;
	struct slice *cell; /* each owned, terminated */
};

struct table *
table_new(const struct table_column *columns)
{
	struct table *table = NEW(struct table);

	table->columns = columns;
	while (columns[table->count].heading != NULL)
		table->count++;
	ensure(table->count > 0 && table->count <= COLUMNS_MAX);
	for (size_t i = 0; i < table->count; i++)
		table->width[i] = print_width(slice_from_text(columns[i].heading));
	return table;
}

void
table_free(struct table **pointer)
{
	struct table *table = *pointer;

	if (table == NULL)
		return;
	for (size_t i = 0; i < table->cells; i++)
		memory_free((char *)(uintptr_t)table->cell[i].data);
	memory_free(table->cell);
	memory_free(table);
	*pointer = NULL;
}

/* text is safe already. */
static void
add_safe(struct table *table, struct slice text)
{
	size_t *widest = &table->width[table->cells % table->count];
	size_t width;

	if (text.length == 0)
		text = SLICE("-");
	width = print_width(text);
	if (width > *widest)
		*widest = width;
	if (table->cells == table->capacity) {
		table->capacity = table->capacity == 0 ? 64 : table->capacity * 2;
		table->cell =
		    memory_resize(table->cell, table->capacity * sizeof(table->cell[0]));
	}
	table->cell[table->cells++] = slice_of(memory_copy_text(text), text.length);
}

void
table_add(struct table *table, struct slice text)
{
	struct buffer safe;

	buffer_init(&safe);
	print_safe(&safe, text);
	add_safe(table, buffer_slice(&safe));
	buffer_clear(&safe);
}

void
table_printf(struct table *table, const char *format, ...)
{
	char text[256];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	ensure(length >= 0 && (size_t)length < sizeof(text));
	table_add(table, slice_of(text, (size_t)length));
}

void
table_bytes(struct table *table, uint64_t bytes)
{
	struct buffer text;

	buffer_init(&text);
	print_bytes(&text, bytes);
	add_safe(table, buffer_slice(&text));
	buffer_clear(&text);
}

void
table_duration(struct table *table, uint64_t ms)
{
	struct buffer text;

	buffer_init(&text);
	print_duration(&text, ms);
	add_safe(table, buffer_slice(&text));
	buffer_clear(&text);
}

static void
write_cell(const struct table *table, size_t column, struct slice text, FILE *out)
{
	int padding = (int)(table->width[column] - print_width(text));
	bool is_last = column + 1 == table->count;

	if (table->columns[column].align == TABLE_RIGHT)
		fprintf(out, "%*s", padding, "");
	fwrite(text.data, 1, text.length, out);
	if (is_last) {
		fputc('\n', out);
		return;
	}
	if (table->columns[column].align == TABLE_LEFT)
		fprintf(out, "%*s", padding, "");
	fprintf(out, "%*s", GAP, "");
}

void
table_write(const struct table *table, FILE *out)
{
	ensure(table->cells % table->count == 0);
	for (size_t i = 0; i < table->count; i++)
		write_cell(table, i, slice_from_text(table->columns[i].heading), out);
	for (size_t i = 0; i < table->cells; i++)
		write_cell(table, i % table->count, table->cell[i], out);
}
