/* loop.h -- the one event loop of a process, on libuv; its types stay behind this door. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct loop *loop_new(void);		/* after the fork, once a process */
void	     loop_free(struct loop **loop);	/* with the watches still open */
void	     loop_run(struct loop *loop);	/* until loop_stop() */
void	     loop_stop(struct loop *loop);

/*
 * before_sleep is called once an iteration, after all input and timers of that iteration were
 * handled and before the loop sleeps: the place to flush what gathered. It returns true when
 * there is more work at once, so that the loop does not sleep. after_sleep is called as soon
 * as it has slept, before anything else is told.
 */
struct loop_hooks {
	bool (*before_sleep)(void *owner);
	void (*after_sleep)(void *owner);
};
void	     loop_set_hooks(struct loop *loop, const struct loop_hooks *hooks, void *owner);

/*
 * The timers of a loop (net/timer.c): run() comes in each turn before before_sleep, wait_ms()
 * after it and tells how long the loop may sleep. Without a timer the loop sleeps for ever.
 */
#define LOOP_FOREVER UINT64_MAX

struct loop_timeouts {
	void	 (*run)(void *owner);
	uint64_t (*wait_ms)(void *owner);
};
void	     loop_set_timeouts(struct loop *loop, const struct loop_timeouts *timeouts, void *owner);

/*
 * A descriptor that is watched; read/write readiness, level triggered. An error on the
 * descriptor counts as both: the next read or write tells which.
 */
struct watch;

enum { WATCH_READ = 1, WATCH_WRITE = 2 };

typedef void watch_fn(void *owner, int events);

struct watch *watch_new(struct loop *loop, int fd, watch_fn *on_ready, void *owner);
void	      watch_set(struct watch *watch, int events);	/* 0 pauses; cheap when unchanged */
void	      watch_close(struct watch **watch);	/* asynchronous; the caller closes the fd after it */

/* Work in the thread pool (PBKDF2): run() on a thread, done() on the loop. */
void	      loop_work(struct loop *loop, void (*run)(void *job), void (*done)(void *job), void *job);

/* Signals delivered to the loop. */
void	      loop_on_signal(struct loop *loop, int signum, void (*on_signal)(void *owner, int signum),
		  void *owner);
