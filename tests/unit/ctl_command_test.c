/* ctl_command_test.c -- the table of commands, and what is printed from it. */
#include "ctl/command.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static char *
written(void (*write_it)(const struct command *command, FILE *out),
	const struct command *command)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	write_it(command, out);
	fclose(out);
	return text;
}

static void
write_usage(const struct command *command, FILE *out)
{
	command_write_usage(out);
}

static void
write_manual(const struct command *command, FILE *out)
{
	command_write_manual(out);
}

static void
every_row_is_complete_and_found_by_its_name(void **state)
{
	size_t count;
	const struct command *all = command_all(&count);

	assert_true(count >= 17);
	for (size_t i = 0; i < count; i++) {
		assert_non_null(all[i].run);
		assert_ptr_equal(command_find(all[i].name), &all[i]);
		assert_int_equal(all[i].about[strlen(all[i].about) - 1], '.');
	}
	assert_null(command_find("nosuch"));
}

static void
usage_and_manual_name_every_command(void **state)
{
	char *usage = written(write_usage, NULL);
	char *manual = written(write_manual, NULL);
	size_t count;
	const struct command *all = command_all(&count);

	for (size_t i = 0; i < count; i++) {
		char line[64];

		snprintf(line, sizeof(line), "\n  %s ", all[i].name);
		assert_non_null(strstr(usage, line));
		snprintf(line, sizeof(line), ".It Cm %s", all[i].name);
		assert_non_null(strstr(manual, line));
	}
	free(usage);
	free(manual);
}

static void
help_shows_options_and_operand_in_short_lines(void **state)
{
	char *help = written(command_write_help, command_find("sessions"));

	assert_non_null(
	    strstr(help, "usage: rookeryctl [-c FILE] sessions [--json] [JID]\n"));
	for (const char *line = help; *line != '\0'; line = strchr(line, '\n') + 1)
		assert_true(strcspn(line, "\n") < 80);
	free(help);
}

static void
usage_fits_an_ordinary_terminal(void **state)
{
	char *usage = written(write_usage, NULL);

	assert_non_null(strstr(usage, "\n  clock SECONDS|stop|go\n                     Moves"));
	for (const char *line = usage; *line != '\0'; line = strchr(line, '\n') + 1)
		assert_true(strcspn(line, "\n") < 80);
	free(usage);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_complete_and_found_by_its_name),
		cmocka_unit_test(usage_and_manual_name_every_command),
		cmocka_unit_test(help_shows_options_and_operand_in_short_lines),
		cmocka_unit_test(usage_fits_an_ordinary_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
