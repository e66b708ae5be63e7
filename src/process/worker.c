/* worker.c -- a worker: accepts, speaks XMPP, and shares the memory with its likes. */
#include "process/worker.h"

#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "features/feature.h"
#include "net/connection.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/timer.h"
#include "net/tls_context.h"
#include "process/adopt.h"
#include "process/child.h"
#include "process/heartbeat.h"
#include "process/logs.h"
#include "process/talk.h"
#include "process/worker_tls.h"
#include "routing/pending.h"
#include "session/session.h"
#include "shm/blocks.h"
#include "shm/registry.h"
#include "shm/store.h"
#include "shm/trace.h"
#include "shm/wake.h"
#include "stream/server.h"

#define CLOCK_LOOK_MS 20	/* how soon timers follow a clock that a test moved */

struct worker {
	const struct child *child;
	struct server	    server;
	struct process_page *page;
	struct timer	    heartbeat;
	struct watch	   *wake;
	struct watch	   *answers;
	struct watch	   *master;
	struct listener	  **listeners;
	size_t		    listener_count;
	int		    next_image;	/* of a reload, until the turn is over; -1 */
	struct adoption	   *adoption;	/* of our other seat */
	bool		    drains;
	bool		    stops;
};

/* What cannot be done at start cannot be done later: the master tries again, and says so. */
_Noreturn static void
fail(const char *event, int result)
{
	log_error(LOG_WORKER, event, "reason=\"%s\"", result_text(result));
	_exit(result == RESULT_LAYOUT || result == RESULT_DENIED ? EX_CONFIG : EX_UNAVAILABLE);
}

/* --- reloads --- */

/* Old connections keep the old context: it is counted. */
static void
apply_image(struct worker *worker)
{
	struct server *server = &worker->server;
	struct config *config = config_load(worker->next_image);
	struct config *old = server->config;

	close(worker->next_image);
	worker->next_image = -1;
	if (config == NULL) {
		log_error(LOG_WORKER, "the new configuration cannot be read", "");
		return;
	}
	tls_context_free(&server->tls);
	server->config = config;
	server->tls = worker_tls_new(config, server->shm);
	log_set_level((enum log_level)config->log_level);
	sessions_reload(server);
	config_free(&old);
	child_tell(worker->child, TALK_APPLIED);
}

/* --- the loop --- */

static void
on_core_answer(void *owner, const struct store_answer *answer)
{
	pending_on_answer(owner, STORE_CORE, answer);
}

static void
on_msg_answer(void *owner, const struct store_answer *answer)
{
	pending_on_answer(owner, STORE_MSG, answer);
}

static void
on_answers(void *owner, int events)
{
	struct worker *worker = owner;

	wake_drain_fd(store_client_fd(worker->server.core_client));
	store_answers(worker->server.core_client, on_core_answer, &worker->server);
	store_answers(worker->server.msg_client, on_msg_answer, &worker->server);
}

static void
on_wake(void *owner, int events)
{
	struct worker *worker = owner;

	wake_drain_fd(worker->child->inheritance->wake_fd[worker->child->index]);
}

/*
 * Nobody may be told later than before we sleep, and we may not sleep while anybody has told us: the
 * flags are set first, then what they stand for is looked at once more (shm/wake.h).
 */
static bool
on_before_sleep(void *owner)
{
	struct worker *worker = owner;
	struct server *server = &worker->server;
	bool more;

	if (worker->next_image >= 0)
		apply_image(worker);
	/* No timer fires, but the loop turns, as it looks at the clock. */
	if (clock_stands())
		heartbeat_beat(worker->page);
	more = sessions_turn(server);
	more = connections_flush(server->connections) || more;
	wake_flush(server->shm);
	if (more || !wake_sleep(server->shm))
		return true;
	if (store_client_sleep(server->core_client) && store_client_sleep(server->msg_client))
		return false;
	wake_awake(server->shm);
	on_answers(worker, WATCH_READ);
	return true;
}

static void
on_after_sleep(void *owner)
{
	struct worker *worker = owner;

	wake_awake(worker->server.shm);
}

static const struct loop_hooks loop_hooks = { on_before_sleep, on_after_sleep };

static void
on_heartbeat(struct timer *timer, void *parameter)
{
	struct worker *worker = parameter;

	heartbeat_beat(worker->page);
	timer_start(worker->server.timers, timer, HEARTBEAT_EVERY_MS, on_heartbeat, worker);
}

/* --- listening --- */

static void
on_accept(void *owner, int fd, const struct sockaddr_storage *address)
{
	session_accept(owner, fd, address, false);
}

static void
on_accept_tls(void *owner, int fd, const struct sockaddr_storage *address)
{
	session_accept(owner, fd, address, true);
}

static void
listen_all(struct worker *worker)
{
	const struct listeners *made = &worker->child->inheritance->listeners;
	struct server *server = &worker->server;

	worker->listeners = memory_new((made->count + 1) * sizeof(*worker->listeners));
	for (size_t i = 0; i < made->count; i++) {
		const struct listening *one = &made->all[i];

		if (!listeners_is_of(made, one, worker->child->index))
			continue;
		worker->listeners[worker->listener_count++] =
		    listener_new(server->loop, server->timers, one->fd,
			one->direct_tls ? on_accept_tls : on_accept, server);
	}
}

static void
stop_listening(struct worker *worker)
{
	for (size_t i = 0; i < worker->listener_count; i++)
		listener_close(&worker->listeners[i]);
	worker->listener_count = 0;
}

/* --- words of the master --- */

static void
on_stopped(struct server *server)
{
	/* What the last streams still say is in the kernel, or was given its time. */
	loop_stop(server->loop);
}

static void
stop(struct worker *worker)
{
	if (worker->stops)
		return;
	worker->stops = true;
	worker->server.stopping = true;
	stop_listening(worker);
	sessions_stop(&worker->server, on_stopped);
}

/* Others accept now. Those of our sessions that can be resumed go to them one by one. */
static void
drain(struct worker *worker)
{
	const struct config *config = worker->server.config;

	if (worker->stops || worker->drains)
		return;
	worker->drains = true;
	log_info(LOG_WORKER, "draining", "sessions=%u", sessions_count(&worker->server));
	stop_listening(worker);
	sessions_drain(&worker->server, (uint64_t)config->drain_time,
	    (uint32_t)config->drain_pace, on_stopped);
}

static void
on_talk(struct worker *worker, const struct talk *talk)
{
	switch (talk->verb) {
	case TALK_STOP:
		stop(worker);
		break;
	case TALK_DRAIN:
		drain(worker);
		break;
	case TALK_ADOPT:
		adopt_begin(worker->adoption, slice_of(talk->text, talk->length));
		break;
	case TALK_IMAGE:
		if (worker->next_image >= 0)
			close(worker->next_image);
		worker->next_image = talk->fd;
		return;
	case TALK_LOG:
		if (talk->fd >= 0)
			logs_replace(talk->fd);
		return;
	default:
		break;
	}
	if (talk->fd >= 0)
		close(talk->fd);
}

/* Without a master nobody would seat our replacement: the next one starts all of us anew. */
static void
on_master(void *owner, int events)
{
	struct worker *worker = owner;
	struct talk talk;
	int rc;

	while ((rc = talk_receive(worker->child->socket, &talk)) == RESULT_OK)
		on_talk(worker, &talk);
	if (rc != RESULT_AGAIN)
		_exit(0);
}

/* --- start --- */

static void
open_memory(struct worker *worker)
{
	const struct inheritance *all = worker->child->inheritance;
	struct server *server = &worker->server;
	int steps, rc = shm_attach(all->config->runtime_dir, false, &server->shm);

	if (rc != RESULT_OK)
		fail("cannot attach the shared memory", rc);
	worker->page = shm_page(server->shm, worker->child->number);
	heartbeat_start(worker->page, PROCESS_WORKER);
	for (uint32_t i = 0; i < server->shm->workers; i++)
		shm_set_wake_fd(server->shm, i, all->wake_fd[i]);
	store_set_wake_fds(all->answer_fd, all->request_fd);
	trace_set_fd(all->trace_fd);
	if (server->config->test_clock)
		clock_share(&server->shm->instance->clock_offset_ms);
	shm_join(server->shm, worker->child->index);
	steps = shm_recover(server->shm);
	if (steps > 0)
		log_info(LOG_WORKER, "finished what the predecessor had begun", "steps=%d",
		    steps);
	/* Memory for the first stanzas, and for telling those who are refused, though later there may be none to be had. */
	blocks_reserve(server->shm, 1);
}

static void
open_stores(struct worker *worker)
{
	const char *data_dir = worker->child->inheritance->config->data_dir;
	struct server *server = &worker->server;
	struct txn *txn;
	int rc = registry_open(server->shm, false, false, &server->registry);

	if (rc != RESULT_OK)
		fail("cannot open the registry", rc);
	registry_watch(server->registry, worker->page);
	store_set_map_size((uint64_t)server->config->map_size);
	rc = store_open(data_dir, STORE_CORE, false, &server->core);
	if (rc == RESULT_OK)
		rc = store_open(data_dir, STORE_MSG, false, &server->msg);
	if (rc == RESULT_OK)
		rc = store_client_open(server->shm, server->number, STORE_CORE,
		    &server->core_client);
	if (rc == RESULT_OK)
		rc = store_client_open(server->shm, server->number, STORE_MSG,
		    &server->msg_client);
	if (rc != RESULT_OK)
		fail("cannot open the stores", rc);
	env_watch(store_env(server->core), worker->page);
	env_watch(store_env(server->msg), worker->page);
	txn = store_read(server->core);
	store_secret(server->core, txn, server->secret);
	txn_end(&txn);
}

static void
watch_all(struct worker *worker)
{
	struct server *server = &worker->server;

	worker->wake = watch_new(server->loop,
	    worker->child->inheritance->wake_fd[worker->child->index], on_wake, worker);
	worker->answers = watch_new(server->loop, store_client_fd(server->core_client),
	    on_answers, worker);
	worker->master = watch_new(server->loop, worker->child->socket, on_master, worker);
	watch_set(worker->wake, WATCH_READ);
	watch_set(worker->answers, WATCH_READ);
	watch_set(worker->master, WATCH_READ);
	loop_set_hooks(server->loop, &loop_hooks, worker);
	on_heartbeat(&worker->heartbeat, worker);
}

static void
no_work(void *job)
{
}

/* The pool starts all its threads with the first work it gets. */
static void
start_threads(void *owner)
{
	struct worker *worker = owner;

	loop_work(worker->server.loop, no_work, no_work, worker);
}

static uint32_t
other_seat(const struct worker *worker)
{
	uint32_t seats = worker->server.shm->workers;

	return (worker->child->index + seats / 2) % seats;
}

_Noreturn void
worker_run(const struct child *child)
{
	struct worker *worker = NEW(struct worker);
	struct server *server = &worker->server;

	child_start(child);
	worker->child = child;
	worker->next_image = -1;
	server->number = child->index;
	server->config = config_load(child->inheritance->image_fd);
	if (server->config == NULL)
		fail("cannot read the configuration", RESULT_CORRUPT);
	close(child->inheritance->image_fd);
	open_memory(worker);
	open_stores(worker);
	tls_keys_protect(server->config->host_count);
	server->tls = worker_tls_new(server->config, server->shm);
	server->loop = loop_new();
	server->timers = timers_new(server->loop);
	if (server->config->test_clock)
		timers_watch_clock(server->timers, CLOCK_LOOK_MS);
	server->connections = connections_new(server->loop, server->timers);
	if (!features_start(server))
		_exit(EX_SOFTWARE);
	sessions_adopt(server, server->number);
	watch_all(worker);
	worker->adoption = adopt_prepare(server, child, other_seat(worker));
	/* Everything is open: nothing after this line opens a file, starts a thread, or changes its rights. */
	child_enter_sandbox(child, worker->page, start_threads, worker);
	listen_all(worker);
	atomic_store(&worker->page->ready, 1);
	child_tell(child, TALK_READY);
	loop_run(server->loop);
	log_info(LOG_WORKER, "stopped", "");
	child_end();
}
