/* core_kit.h -- for tests: the worker of the kit is its own stores, which answer when the test says so. */
#pragma once

#include "shm/store.h"
#include "tests/unit/worker_kit.h"

/* Around worker_begin() and worker_end(). */
void	core_begin(struct worker *worker);
void	core_end(struct worker *worker);

/* The stores commit what was asked, the worker hears of it and does what follows: until nothing follows. */
void	core_commit(struct worker *worker);

/* The same until it is so: what the thread pool has is waited for. */
void	core_commit_until(struct worker *worker, bool (*is_so)(struct worker *worker));

/* Writes into the core store behind the worker's back. */
void	core_apply(struct worker *worker, const struct store_change *change);
