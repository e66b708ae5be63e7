/* store_main.c -- a store process: the only writer of one durable environment. */
#include "process/store_main.h"

#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "process/child.h"
#include "process/heartbeat.h"
#include "process/logs.h"
#include "process/talk.h"
#include "shm/registry.h"
#include "shm/shm.h"
#include "shm/store.h"

struct store_process {
	const struct child  *child;
	struct process_page *page;
	struct shm	    *shm;
	struct store	    *store;
	struct store_server *server;
	struct registry	    *registry;	/* of the core store: it clears what dead workers left there */
	bool		     stops;
};

_Noreturn static void
fail(const char *event, int result)
{
	log_error(LOG_STORE, event, "reason=\"%s\"", result_text(result));
	_exit(result == RESULT_LAYOUT || result == RESULT_DENIED ? EX_CONFIG : EX_UNAVAILABLE);
}

static void
open_all(struct store_process *process)
{
	const struct inheritance *all = process->child->inheritance;
	enum store_kind kind = (enum store_kind)process->child->index;
	int rc = shm_attach(all->config->runtime_dir, false, &process->shm);

	if (rc != RESULT_OK)
		fail("cannot attach the shared memory", rc);
	process->page = shm_page(process->shm, process->child->number);
	heartbeat_start(process->page, PROCESS_STORE);
	for (uint32_t i = 0; i < process->shm->workers; i++)
		shm_set_wake_fd(process->shm, i, all->wake_fd[i]);
	store_set_wake_fds(all->answer_fd, all->request_fd);
	if (all->config->test_clock)
		clock_share(&process->shm->instance->clock_offset_ms);
	if (kind == STORE_CORE) {
		rc = registry_open(process->shm, true, false, &process->registry);
		if (rc != RESULT_OK)
			fail("cannot open the registry", rc);
		registry_watch(process->registry, process->page);
	}
	store_set_map_size((uint64_t)all->config->map_size);
	rc = store_open(all->config->data_dir, kind, true, &process->store);
	if (rc != RESULT_OK)
		fail("cannot open the store", rc);
	env_watch(store_env(process->store), process->page);
	rc = store_server_open(process->shm, process->store, kind, &process->server);
	if (rc != RESULT_OK)
		fail("cannot open the rings", rc);
}

/* Before the dead one is reaped: its number is still its own, so that LMDB cannot take another for it. */
static void
clear_after_death(struct store_process *process, const struct talk *talk)
{
	env_reader_check(store_env(process->store));
	if (process->registry != NULL)
		env_reader_check(registry_env(process->registry));
	talk_send(process->child->socket, TALK_CHECKED, slice_of(talk->text, talk->length), -1);
	if (process->registry != NULL)
		registry_sweep(process->registry);
}

static void
hear(struct store_process *process)
{
	struct talk talk;
	int rc;

	while ((rc = talk_receive(process->child->socket, &talk)) == RESULT_OK) {
		if (talk.verb == TALK_CHECK)
			clear_after_death(process, &talk);
		else if (talk.verb == TALK_STOP)
			process->stops = true;
		if (talk.verb == TALK_LOG && talk.fd >= 0)
			logs_replace(talk.fd);
		else if (talk.fd >= 0)
			close(talk.fd);
	}
	/* The master is gone, and the workers with it: what they asked for is still done. */
	if (rc != RESULT_AGAIN)
		process->stops = true;
}

_Noreturn void
store_run(const struct child *child)
{
	struct store_process process = { .child = child };

	child_start(child);
	open_all(&process);
	child_enter_sandbox(child, process.page, NULL, NULL);
	atomic_store(&process.page->ready, 1);
	child_tell(child, TALK_READY);
	for (;;) {
		int served = store_server_turn(process.server);

		heartbeat_beat(process.page);
		hear(&process);
		if (process.stops && served == 0)
			break;
		if (!process.stops)
			store_server_wait(process.server, child->socket, HEARTBEAT_EVERY_MS);
	}
	store_server_close(&process.server);
	store_close(&process.store);
	registry_close(&process.registry);
	log_info(LOG_STORE, "stopped", "");
	child_end();
}
