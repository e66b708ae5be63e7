/* remote.h -- what commands share that ask the running master. */
#pragma once

#include "base/slice.h"

struct ctl;

/* Reads the configuration, and connects to the server that it is of. 0, or an exit status; said. */
int	remote_connect(struct ctl *ctl, int timeout_ms, int *fd);

/* Prints a line of the answer. */
void	remote_on_line(void *owner, struct slice line);
