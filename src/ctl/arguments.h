/* arguments.h -- the command line: options anywhere, then a command and its operand. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

struct command;

struct arguments {
	const char	     *config_path;
	bool		      json;
	bool		      sample;
	uint64_t	      count;	/* 0: no limit */
	const struct command *command;
	const char	     *operand;	/* NULL: none */
};

/* False: *why is a sentence for people. */
bool	arguments_parse(int argc, char **argv, struct arguments *arguments, struct buffer *why);
