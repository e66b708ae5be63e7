/* config_words.c -- prints the sample file, or the manual page from its frame. */
#include "config/config.h"

#include <stdio.h>
#include <string.h>

/* The line of the frame that gives way to the options. */
#define OPTIONS_LINE "@options@\n"

static int
write_manual(const char *frame_path)
{
	FILE *frame = fopen(frame_path, "r");
	char line[1024];

	if (frame == NULL) {
		perror(frame_path);
		return 1;
	}
	while (fgets(line, sizeof(line), frame) != NULL)
		if (strcmp(line, OPTIONS_LINE) == 0)
			config_write_manual(stdout);
		else
			fputs(line, stdout);
	fclose(frame);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "sample") == 0) {
		config_write_sample(stdout);
		return 0;
	}
	if (argc == 3 && strcmp(argv[1], "manual") == 0)
		return write_manual(argv[2]);
	fputs("usage: config_words sample | manual FRAME\n", stderr);
	return 2;
}
