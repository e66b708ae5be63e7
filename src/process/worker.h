/* worker.h -- a worker: accepts, speaks XMPP, and shares the memory with its likes. */
#pragma once

struct child;

/* Runs in a fresh fork, until the master tells it to stop or is gone. */
_Noreturn void worker_run(const struct child *child);
