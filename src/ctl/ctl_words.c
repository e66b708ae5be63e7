/* ctl_words.c -- prints the manual page from its frame and the rows of commands and rules. */
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"
#include "shm/fsck.h"

/* Lines of the frame that give way to rows. */
#define COMMANDS_LINE "@commands@\n"
#define RULES_LINE    "@rules@\n"

/* The frame tells what usually helps. */
static void
write_rule(FILE *out, const struct fsck_row *rule)
{
	fprintf(out, ".It Li %s\n%s\n", rule->name, rule->about);
	if (strcmp(rule->advice, FSCK_RESTART) != 0)
		fprintf(out, "What to do: %s.\n", rule->advice);
}

static void
write_rules(FILE *out)
{
	fputs(".Bl -tag -width Ds\n", out);
	for (int i = 0; i < FSCK_RULES; i++)
		write_rule(out, &fsck_rows[i]);
	fputs(".El\n", out);
}

int
main(int argc, char **argv)
{
	FILE *frame = argc == 2 ? fopen(argv[1], "r") : NULL;
	char line[1024];

	if (frame == NULL) {
		fputs("usage: ctl_words FRAME\n", stderr);
		return 2;
	}
	while (fgets(line, sizeof(line), frame) != NULL)
		if (strcmp(line, COMMANDS_LINE) == 0)
			command_write_manual(stdout);
		else if (strcmp(line, RULES_LINE) == 0)
			write_rules(stdout);
		else
			fputs(line, stdout);
	fclose(frame);
	return 0;
}
