/* heartbeat.c -- the page a process keeps about itself, and the clock it is written in. */
#include "process/heartbeat.h"

#include <time.h>
#include <unistd.h>

#include "base/ensure.h"

uint64_t
heartbeat_now_ms(void)
{
	struct timespec time;

	ensure(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

void
heartbeat_start(struct process_page *page, enum process_kind kind)
{
	uint64_t now = heartbeat_now_ms();

	atomic_store(&page->kind, (uint32_t)kind);
	atomic_store(&page->sleeping, 0);
	atomic_store(&page->lock_since_ms, 0);
	atomic_store(&page->read_since_ms, 0);
	atomic_store(&page->waits_for, WRITE_LOCK_NONE);
	atomic_store(&page->broken, WRITE_LOCK_NONE);
	atomic_store(&page->handling, 0);
	atomic_store(&page->started_ms, now);
	atomic_store(&page->heartbeat_ms, now);
	atomic_store(&page->pid, (uint32_t)getpid());
}

void
heartbeat_beat(struct process_page *page)
{
	atomic_store_explicit(&page->heartbeat_ms, heartbeat_now_ms(), memory_order_relaxed);
}
