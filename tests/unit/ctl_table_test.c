/* ctl_table_test.c -- rows for people. */
#include "ctl/table.h"

#include <locale.h>
#include <stdlib.h>

#include "base/memory.h"
#include "unit.h"

static const struct table_column two[] = {
	{ "NAME", TABLE_LEFT },
	{ "COUNT", TABLE_RIGHT },
	{ 0 },
};

static const struct table_column last_left[] = {
	{ "N", TABLE_RIGHT },
	{ "WHAT", TABLE_LEFT },
	{ 0 },
};

static void
check_written(struct table *table, const char *expected)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	table_write(table, out);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
	table_free(&table);
	assert_null(table);
}

static void
columns_are_as_wide_as_their_widest_cell(void **state)
{
	struct table *table = table_new(two);

	table_add(table, SLICE("a"));
	table_printf(table, "%d", 7);
	table_add(table, SLICE("longer"));
	table_printf(table, "%d", 1234567);
	check_written(table, "NAME      COUNT\n"
			     "a             7\n"
			     "longer  1234567\n");
}

static void
without_rows_the_headings_stand_alone(void **state)
{
	check_written(table_new(two), "NAME  COUNT\n");
}

static void
characters_count_by_the_columns_they_take(void **state)
{
	struct table *table = table_new(two);

	table_add(table, SLICE("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"));
	table_add(table, SLICE("1"));
	table_add(table, SLICE("J\xc3\xbcli\xc3\xa4"));
	table_add(table, SLICE("2"));
	check_written(table, "NAME    COUNT\n"
			     "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e      1\n"
			     "J\xc3\xbcli\xc3\xa4       2\n");
}

static void
no_line_ends_in_white_space(void **state)
{
	struct table *table = table_new(last_left);

	table_add(table, SLICE("1"));
	table_add(table, SLICE("x"));
	table_add(table, SLICE("22"));
	table_add(table, SLICE("long text"));
	check_written(table, " N  WHAT\n"
			     " 1  x\n"
			     "22  long text\n");
}

static void
an_empty_cell_is_a_dash(void **state)
{
	struct table *table = table_new(two);

	table_add(table, SLICE_EMPTY);
	table_add(table, SLICE_EMPTY);
	check_written(table, "NAME  COUNT\n"
			     "-         -\n");
}

static void
a_cell_cannot_break_its_line(void **state)
{
	struct table *table = table_new(two);

	table_add(table, SLICE("a\nb\x1b"));
	table_bytes(table, 2048);
	check_written(table, "NAME          COUNT\n"
			     "a\\x0ab\\x1b  2.0 KiB\n");
}

static void
write_half_a_row(void)
{
	struct table *table = table_new(two);

	table_add(table, SLICE("only one cell of two"));
	table_write(table, stdout);
}

static void
an_incomplete_row_ends_the_process(void **state)
{
	assert_true(unit_aborts(write_half_a_row));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
		cmocka_unit_test(without_rows_the_headings_stand_alone),
		cmocka_unit_test(characters_count_by_the_columns_they_take),
		cmocka_unit_test(no_line_ends_in_white_space),
		cmocka_unit_test(an_empty_cell_is_a_dash),
		cmocka_unit_test(a_cell_cannot_break_its_line),
		cmocka_unit_test(an_incomplete_row_ends_the_process),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
