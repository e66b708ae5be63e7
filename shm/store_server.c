/* store_server.c -- the store process's loop: the rings of its clients, and the sleep until one of them asks. */
#include "shm/store_server_private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "shm/wake.h"

#define BLOCKED_MS 5		/* how soon a full ring of answers is looked at again */
#define GATHER_MS  40		/* what nobody waits for is committed together with what comes so soon behind it */

static int
open_channel(struct store_server *server, uint32_t process)
{
	struct channel *channel = &server->channels[server->count];
	int result;

	channel->number = store_ring_number(process, server->kind, RING_REQUESTS);
	result = ring_attach(server->shm, channel->number, &channel->requests);
	if (result == RESULT_OK)
		result = ring_attach(server->shm,
		    store_ring_number(process, server->kind, RING_ANSWERS), &channel->answers);
	if (result != RESULT_OK)
		return result;
	ring_set_wake_fd(channel->requests, store_store_fd(server->kind));
	ring_set_wake_fd(channel->answers, store_process_fd(process));
	ring_awake(channel->requests);
	ring_wake(channel->answers);
	server->count++;
	return RESULT_OK;
}

int
store_server_open(struct shm *shm, struct store *store, enum store_kind kind,
    struct store_server **out)
{
	struct store_server *server = NEW(struct store_server);
	int result = RESULT_OK;

	ensure(store->kind == kind && store->lock_fd >= 0);
	server->shm = shm;
	server->store = store;
	server->kind = kind;
	for (uint32_t process = 0; process < PROCESSES_MAX && result == RESULT_OK; process++)
		if (store_is_client(shm, process))
			result = open_channel(server, process);
	if (result == RESULT_OK)
		result = store_applied_forget_others(server);
	if (result != RESULT_OK) {
		store_server_close(&server);
		return result;
	}
	/* A predecessor may have died behind a commit. */
	store_tell_changes(server, UINT32_MAX);
	*out = server;
	return RESULT_OK;
}

void
store_server_close(struct store_server **pointer)
{
	struct store_server *server = *pointer;

	if (server == NULL)
		return;
	for (int i = 0; i < PROCESSES_MAX; i++) {
		ring_detach(&server->channels[i].requests);
		ring_detach(&server->channels[i].answers);
		memory_free(server->channels[i].outcomes);
	}
	memory_free(server);
	*pointer = NULL;
}

/* --- waiting --- */

/* False when there is something to do. What waits for room among its answers does not wait for us. */
static bool
sleep_all(struct store_server *server, int *timeout_ms)
{
	for (int i = 0; i < server->count; i++) {
		struct channel *channel = &server->channels[i];

		if (ring_sleep(channel->requests))
			continue;
		if (store_answers_room(channel) > 0)
			return false;
		if (*timeout_ms < 0 || *timeout_ms > BLOCKED_MS)
			*timeout_ms = BLOCKED_MS;
	}
	return true;
}

static bool
gather_all(struct store_server *server)
{
	for (int i = 0; i < server->count; i++)
		if (!ring_gather(server->channels[i].requests))
			return false;
	return true;
}

/* True: a byte came on extra_fd. */
static bool
nap(struct store_server *server, int extra_fd, int timeout_ms)
{
	struct pollfd fds[2] = {
		{ .fd = store_store_fd(server->kind), .events = POLLIN },
		{ .fd = extra_fd, .events = POLLIN },
	};

	SHM_STEP("store: sleeps");
	if (poll(fds, 2, timeout_ms) < 0 && errno != EINTR)
		log_error(LOG_STORE, "cannot wait", "reason=\"%s\"", strerror(errno));
	if ((fds[0].revents & POLLIN) != 0)
		wake_drain_fd(fds[0].fd);
	return (fds[1].revents & POLLIN) != 0;
}

void
store_server_wait(struct store_server *server, int extra_fd, int timeout_ms)
{
	bool is_called = sleep_all(server, &timeout_ms) && nap(server, extra_fd, timeout_ms);

	if (!is_called && gather_all(server))
		nap(server, extra_fd, GATHER_MS);
	for (int i = 0; i < server->count; i++)
		ring_awake(server->channels[i].requests);
}
