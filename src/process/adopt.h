/* adopt.h -- a worker takes over what is left in its other seat: an effect, blocks, answers of stores, sessions. */
#pragma once

#include <stdint.h>

#include "base/slice.h"

struct adoption;
struct child;
struct server;

/* Before the sandbox closes: what it takes to adopt that seat later is opened. Ends the worker where it cannot be. */
struct adoption *adopt_prepare(struct server *server, const struct child *child, uint32_t seat);

/*
 * TALK_ADOPT: the process of that seat was reaped, and nobody will sit there before TALK_ADOPTED has answered. Finishes
 * what it had begun, as its own replacement would; waits for what the stores answer it, so that all it had asked for is
 * known; then takes its sessions. Twice is harmless, whoever died in between.
 */
void	adopt_begin(struct adoption *adoption, struct slice seat);
