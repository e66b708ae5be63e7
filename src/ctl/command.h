/* command.h -- every command is a row: usage, help and manual all read it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct ctl;

enum command_option {
	COMMAND_JSON = 1,	/* --json */
	COMMAND_COUNT = 2,	/* --count N */
	COMMAND_SAMPLE = 4,	/* --sample */
	COMMAND_ROOT = 8,	/* keeps the rights it was started with: no option */
	COMMAND_DATA = 16,	/* makes the data directory where it is missing: no option */
};

struct command {
	const char *name;
	const char *operand;	/* "JID", "[HOST]"; NULL: takes none */
	unsigned    options;
	int (*run)(struct ctl *ctl);	/* returns an exit status of sysexits(3) */
	const char *about;	/* one line of the list */
	const char *details;	/* sentences for help and manual; NULL: about says it all */
};

/* NULL: there is none of that name. */
const struct command *command_find(const char *name);
const struct command *command_all(size_t *count);

/* "usage: rookeryctl ..." and the list of commands. */
void	command_write_usage(FILE *out);
void	command_write_help(const struct command *command, FILE *out);

/* The section COMMANDS of rookeryctl(8), as mdoc. */
void	command_write_manual(FILE *out);
