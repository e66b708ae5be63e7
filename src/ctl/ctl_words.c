/* ctl_words.c -- prints the manual page from its frame and the rows of commands. */
#include <stdio.h>
#include <string.h>

#include "ctl/command.h"

/* The line of the frame that gives way to the commands. */
#define COMMANDS_LINE "@commands@\n"

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
		else
			fputs(line, stdout);
	fclose(frame);
	return 0;
}
