/* compatible.h -- what a new binary must have in common with the one that runs, to take its place. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct buffer;
struct config;

/*
 * Lines "layout NAME NUMBER" and "option NAME VALUE": the memory, the words between processes, and the options with which
 * memory, directories and users were chosen.
 */
void	compatible_describe(const struct config *config, struct buffer *out);

/* Whether two such texts are the same; else `why` says in words what the first difference is. */
bool	compatible_compare(struct slice ours, struct slice theirs, char *why, size_t size);
