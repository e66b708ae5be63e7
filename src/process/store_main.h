/* store_main.h -- a store process: the only writer of one durable environment. */
#pragma once

struct child;

/* Runs in a fresh fork, until the master tells it to stop or is gone; then finishes its rings first. */
_Noreturn void store_run(const struct child *child);
