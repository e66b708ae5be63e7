/* process_view.c -- the processes of a server as their pages and the kernel show them. */
#include "ctl/process_view.h"

#include <stdatomic.h>

#include "ctl/ctl.h"
#include "process/heartbeat.h"
#include "shm/counters.h"
#include "shm/slots.h"

static_assert(PROCESS_VIEWS_MAX == PROCESSES_MAX, "processes");

const char *
process_state_name(enum process_state state)
{
	static const char *const names[] = { [PROCESS_STARTING] = "starting",
					     [PROCESS_READY] = "ready",
					     [PROCESS_DRAINING] = "draining",
					     [PROCESS_GONE] = "gone" };

	return names[state];
}

static void
count_slot(void *owner, struct slot_ref ref, struct slot *slot)
{
	uint64_t *counts = owner;
	uint32_t worker = atomic_load(&slot->owner) - 1;

	(void)ref;
	if (worker < WORKERS_MAX)
		counts[worker]++;
}

static uint64_t
since(uint64_t then_ms)
{
	uint64_t now = heartbeat_now_ms();

	return then_ms != 0 && then_ms < now ? now - then_ms : 0;
}

static void
read_one(const struct shm *shm, uint32_t process, struct process_view *view)
{
	const struct process_page *page = shm_page(shm, process);

	view->process = process;
	view->pid = atomic_load(&page->pid);
	view->generation = atomic_load(&page->generation);
	view->up_ms = since(atomic_load(&page->started_ms));
	view->heartbeat_age_ms = since(atomic_load(&page->heartbeat_ms));
	view->stanzas_in = atomic_load(&page->counters[COUNTER_STANZAS_IN]);
	view->stanzas_out = atomic_load(&page->counters[COUNTER_STANZAS_OUT]);
	view->handling = atomic_load(&page->handling);
	if (view->pid == 0 || !proc_read((pid_t)view->pid, &view->proc))
		view->state = PROCESS_GONE;
	else if (atomic_load(&page->ready) != 0)
		view->state = PROCESS_READY;
	else
		view->state = PROCESS_STARTING;
}

/* A worker has two numbers in turn; the one that is not in use is nobody's. */
static bool
is_nobody(const struct shm *shm, const struct process_view *view)
{
	uint64_t used = atomic_load(&shm->instance->serving) |
			atomic_load(&shm->instance->draining);

	return view->process < shm->workers && view->pid == 0 && view->sessions == 0 &&
	       (used >> view->process & 1) == 0;
}

static void
name(const struct shm *shm, uint32_t process, struct process_view *view)
{
	uint32_t master = shm_master_number(shm);

	view->kind = process < shm->workers ? "worker"
		     : process < master	    ? "store"
					    : "master";
	view->number = process < shm->workers ? process
		       : process < master     ? process - shm->workers
					      : 0;
	if (view->state == PROCESS_READY && process < shm->workers &&
	    (atomic_load(&shm->instance->draining) >> process & 1) != 0)
		view->state = PROCESS_DRAINING;
}

int
process_views_read(const struct ctl *ctl, struct process_view views[PROCESS_VIEWS_MAX])
{
	const struct shm *shm = ctl->shm;
	uint64_t sessions[WORKERS_MAX] = { 0 };
	int count = 0;

	slot_each(shm, SHM_NOBODY, count_slot, sessions);
	for (uint32_t i = 0; i <= shm_master_number(shm); i++) {
		struct process_view *view = &views[count];

		*view = (struct process_view){ 0 };
		read_one(shm, i, view);
		name(shm, i, view);
		if (i < shm->workers)
			view->sessions = sessions[i];
		count += !is_nobody(shm, view);
	}
	return count;
}
