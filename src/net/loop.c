/* loop.c -- the event loop of a process: libuv's, with hooks around its sleep. */
#include "net/loop.h"

#include <uv.h>

#include "base/ensure.h"
#include "base/memory.h"

struct loop {
	uv_loop_t uv;
	uv_prepare_t prepare;
	uv_check_t check;
	uv_idle_t idle; /* active: do not sleep */
	uv_timer_t timer;
	const struct loop_hooks *hooks;
	void *hooks_owner;
	const struct loop_timeouts *timeouts;
	void *timeouts_owner;
	bool asleep;
};

struct watch {
	uv_poll_t poll;
	struct loop *loop;
	watch_fn *on_ready;
	void *owner;
	int events;
};

struct work {
	uv_work_t request;
	struct loop *loop;
	void (*run)(void *job);
	void (*done)(void *job);
	void *job;
};

struct signal_watch {
	uv_signal_t handle;
	struct loop *loop;
	void (*on_signal)(void *owner, int signum);
	void *owner;
};

/* libuv tells of descriptors before it runs check handles: what comes first wakes us. */
static void
loop_awake(struct loop *loop)
{
	if (!loop->asleep)
		return;
	loop->asleep = false;
	if (loop->hooks != NULL && loop->hooks->after_sleep != NULL)
		loop->hooks->after_sleep(loop->hooks_owner);
}

static void
on_timer(uv_timer_t *timer)
{
	/* The turn that begins with it runs the timeouts. */
}

static void
on_idle(uv_idle_t *idle)
{
}

static void
loop_limit_sleep(struct loop *loop, uint64_t wait_ms)
{
	if (wait_ms == 0) {
		uv_idle_start(&loop->idle, on_idle);
		return;
	}
	uv_idle_stop(&loop->idle);
	if (wait_ms == LOOP_FOREVER)
		uv_timer_stop(&loop->timer);
	else
		uv_timer_start(&loop->timer, on_timer, wait_ms, 0);
}

static void
on_prepare(uv_prepare_t *prepare)
{
	struct loop *loop = prepare->data;
	uint64_t wait_ms = LOOP_FOREVER;
	bool more = false;

	if (loop->timeouts != NULL)
		loop->timeouts->run(loop->timeouts_owner);
	if (loop->hooks != NULL && loop->hooks->before_sleep != NULL)
		more = loop->hooks->before_sleep(loop->hooks_owner);
	if (more)
		wait_ms = 0;
	else if (loop->timeouts != NULL)
		wait_ms = loop->timeouts->wait_ms(loop->timeouts_owner);
	loop_limit_sleep(loop, wait_ms);
	loop->asleep = true;
}

static void
on_check(uv_check_t *check)
{
	loop_awake(check->data);
}

static void
on_watch_closed(uv_handle_t *handle)
{
	struct watch *watch = handle->data;

	memory_free(watch);
}

static void
on_signal_closed(uv_handle_t *handle)
{
	struct signal_watch *watch = handle->data;

	memory_free(watch);
}

static void
close_handle(uv_handle_t *handle, void *argument)
{
	if (uv_is_closing(handle))
		return;
	switch (uv_handle_get_type(handle)) {
	case UV_POLL:
		uv_close(handle, on_watch_closed);
		break;
	case UV_SIGNAL:
		uv_close(handle, on_signal_closed);
		break;
	default:
		uv_close(handle, NULL);
	}
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct watch *watch = poll->data;
	int ready = 0;

	loop_awake(watch->loop);
	if (events & UV_READABLE)
		ready |= WATCH_READ;
	if (events & UV_WRITABLE)
		ready |= WATCH_WRITE;
	if (status < 0) {
		/* An error stops the handle; the watch stays what it was. */
		int wanted = watch->events;

		watch->events = 0;
		watch_set(watch, wanted);
		ready = WATCH_READ | WATCH_WRITE;
	}
	watch->on_ready(watch->owner, ready);
}

static void
on_work(uv_work_t *request)
{
	struct work *work = request->data;

	work->run(work->job);
}

static void
on_work_done(uv_work_t *request, int status)
{
	struct work *work = request->data;

	loop_awake(work->loop);
	work->done(work->job);
	memory_free(work);
}

static void
on_signal(uv_signal_t *handle, int signum)
{
	struct signal_watch *watch = handle->data;

	loop_awake(watch->loop);
	watch->on_signal(watch->owner, signum);
}

struct loop *
loop_new(void)
{
	struct loop *loop = NEW(struct loop);

	ensure(uv_loop_init(&loop->uv) == 0);
	uv_prepare_init(&loop->uv, &loop->prepare);
	uv_check_init(&loop->uv, &loop->check);
	uv_idle_init(&loop->uv, &loop->idle);
	uv_timer_init(&loop->uv, &loop->timer);
	loop->prepare.data = loop;
	loop->check.data = loop;
	uv_prepare_start(&loop->prepare, on_prepare);
	uv_check_start(&loop->check, on_check);
	return loop;
}

void
loop_free(struct loop **loop)
{
	if (*loop == NULL)
		return;
	uv_walk(&(*loop)->uv, close_handle, NULL);
	(*loop)->hooks = NULL;
	(*loop)->timeouts = NULL;
	uv_run(&(*loop)->uv, UV_RUN_DEFAULT);
	ensure(uv_loop_close(&(*loop)->uv) == 0);
	memory_free(*loop);
	*loop = NULL;
}

void
loop_run(struct loop *loop)
{
	uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void
loop_stop(struct loop *loop)
{
	uv_stop(&loop->uv);
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

	ensure(uv_poll_init(&loop->uv, &watch->poll, fd) == 0);
	watch->poll.data = watch;
	watch->loop = loop;
	watch->on_ready = on_ready;
	watch->owner = owner;
	return watch;
}

void
watch_set(struct watch *watch, int events)
{
	int wanted = 0;

	if (watch->events == events)
		return;
	watch->events = events;
	if (events & WATCH_READ)
		wanted |= UV_READABLE;
	if (events & WATCH_WRITE)
		wanted |= UV_WRITABLE;
	ensure(uv_poll_start(&watch->poll, wanted, on_poll) == 0);
}

void
watch_close(struct watch **watch)
{
	if (*watch == NULL)
		return;
	uv_close((uv_handle_t *)&(*watch)->poll, on_watch_closed);
	*watch = NULL;
}

void
loop_work(struct loop *loop, void (*run)(void *job), void (*done)(void *job), void *job)
{
	struct work *work = NEW(struct work);

	work->request.data = work;
	work->loop = loop;
	work->run = run;
	work->done = done;
	work->job = job;
	ensure(uv_queue_work(&loop->uv, &work->request, on_work, on_work_done) == 0);
}

void
loop_on_signal(struct loop *loop, int signum, void (*handler)(void *owner, int signum),
	       void *owner)
{
	struct signal_watch *watch = NEW(struct signal_watch);

	ensure(uv_signal_init(&loop->uv, &watch->handle) == 0);
	watch->handle.data = watch;
	watch->loop = loop;
	watch->on_signal = handler;
	watch->owner = owner;
	ensure(uv_signal_start(&watch->handle, on_signal, signum) == 0);
}
