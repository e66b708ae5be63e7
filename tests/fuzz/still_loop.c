/* still_loop.c -- for fuzz targets: net/loop.h without libuv, threads or sleep. */
#include <bsd/sys/queue.h>

#include "base/memory.h"
#include "net/loop.h"
#include "tests/fuzz/still.h"
#include "tests/unit/worker_kit.h"

#define SETTLE_TURNS 8

void	__wrap_worker_turns(struct worker *worker, int count);
void	__real_worker_turns(struct worker *worker, int count);
void	__wrap_worker_settle(struct worker *worker);

struct watch {
	struct loop	  *loop;
	watch_fn	  *on_ready;
	void		  *owner;
	int		   fd;
	int		   events;
	bool		   is_closed;	/* freed behind the turn */
	LIST_ENTRY(watch)  next;
};

struct work {
	void (*done)(void *job);
	void  *job;
	STAILQ_ENTRY(work) next;
};

STAILQ_HEAD(works, work);

struct loop {
	LIST_HEAD(, watch)	    watches;
	struct works		    works;
	const struct loop_hooks	   *hooks;
	void			   *hooks_owner;
	const struct loop_timeouts *timeouts;
	void			   *timeouts_owner;
	bool			    is_stopped, has_closed;
	bool			    has_acted;	/* in this turn: another may follow from it */
};

struct loop *
loop_new(void)
{
	struct loop *loop = NEW(struct loop);

	LIST_INIT(&loop->watches);
	STAILQ_INIT(&loop->works);
	return loop;
}

static void
forget_closed(struct loop *loop)
{
	struct watch *watch, *next;

	for (watch = LIST_FIRST(&loop->watches); watch != NULL; watch = next) {
		next = LIST_NEXT(watch, next);
		if (!watch->is_closed)
			continue;
		LIST_REMOVE(watch, next);
		memory_free(watch);
	}
	loop->has_closed = false;
}

void
loop_free(struct loop **loop)
{
	struct watch *watch;
	struct work *work;

	if (*loop == NULL)
		return;
	LIST_FOREACH(watch, &(*loop)->watches, next)
		watch->is_closed = true;
	forget_closed(*loop);
	while ((work = STAILQ_FIRST(&(*loop)->works)) != NULL) {
		STAILQ_REMOVE_HEAD(&(*loop)->works, next);
		memory_free(work);
	}
	memory_free(*loop);
	*loop = NULL;
}

static void
finish_works(struct loop *loop)
{
	struct works turn = STAILQ_HEAD_INITIALIZER(turn);
	struct work *work;

	STAILQ_CONCAT(&turn, &loop->works);
	while ((work = STAILQ_FIRST(&turn)) != NULL) {
		STAILQ_REMOVE_HEAD(&turn, next);
		loop->has_acted = true;
		work->done(work->job);
		memory_free(work);
	}
}

/* What is new in this turn stands before those that are looked at. */
static void
tell_watches(struct loop *loop)
{
	struct watch *watch;

	LIST_FOREACH(watch, &loop->watches, next) {
		int events = watch->is_closed ? 0 : watch->events;

		if (events != 0)
			events &= still_socket_events(watch->fd);
		if (events == 0)
			continue;
		loop->has_acted = true;
		watch->on_ready(watch->owner, events);
	}
	if (loop->has_closed)
		forget_closed(loop);
}

static void
take_turn(struct loop *loop)
{
	loop->has_acted = false;
	if (loop->timeouts != NULL)
		loop->timeouts->run(loop->timeouts_owner);
	if (loop->hooks != NULL && loop->hooks->before_sleep != NULL)
		loop->has_acted = loop->hooks->before_sleep(loop->hooks_owner);
	if (loop->hooks != NULL && loop->hooks->after_sleep != NULL)
		loop->hooks->after_sleep(loop->hooks_owner);
	tell_watches(loop);
	finish_works(loop);
}

void
loop_run(struct loop *loop)
{
	loop->is_stopped = false;
	while (!loop->is_stopped)
		take_turn(loop);
}

/* Turns behind one in which nothing happened are left out. */
void
__wrap_worker_turns(struct worker *worker, int count)
{
	for (int i = 0; i < count; i++) {
		__real_worker_turns(worker, 1);
		if (!worker->server.loop->has_acted)
			return;
	}
}

void
__wrap_worker_settle(struct worker *worker)
{
	__wrap_worker_turns(worker, SETTLE_TURNS);
}

void
loop_stop(struct loop *loop)
{
	loop->is_stopped = true;
}

void
loop_set_hooks(struct loop *loop, const struct loop_hooks *hooks, void *owner)
{
	loop->hooks = hooks;
	loop->hooks_owner = owner;
}

void
loop_set_timeouts(struct loop *loop, const struct loop_timeouts *timeouts, void *owner)
{
	loop->timeouts = timeouts;
	loop->timeouts_owner = owner;
}

struct watch *
watch_new(struct loop *loop, int fd, watch_fn *on_ready, void *owner)
{
	struct watch *watch = NEW(struct watch);

	watch->loop = loop;
	watch->fd = fd;
	watch->on_ready = on_ready;
	watch->owner = owner;
	LIST_INSERT_HEAD(&loop->watches, watch, next);
	return watch;
}

void
watch_set(struct watch *watch, int events)
{
	watch->events = events;
}

void
watch_close(struct watch **watch)
{
	if (*watch == NULL)
		return;
	(*watch)->is_closed = true;
	(*watch)->loop->has_closed = true;
	*watch = NULL;
}

void
loop_work(struct loop *loop, void (*run)(void *job), void (*done)(void *job), void *job)
{
	struct work *work = NEW(struct work);

	run(job);
	work->done = done;
	work->job = job;
	STAILQ_INSERT_TAIL(&loop->works, work, next);
}
