/* connection.c -- a client's socket: reads in turns, writes once a loop iteration. */
#include "net/connection_internal.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/tls.h"
#include "net/transport.h"

uint64_t
connections_now(struct connections *connections)
{
	if (connections->now_ms == 0)
		connections->now_ms = clock_ms();
	return connections->now_ms;
}

void
connection_queue(struct connection *connection)
{
	if (connection->queued)
		return;
	connection->queued = true;
	STAILQ_INSERT_TAIL(&connection->all->queue, connection, next);
}

bool
connection_is_reading(const struct connection *connection)
{
	return !connection->dead && !connection->paused && !connection->ended &&
	       connection->rest == NULL && !connection->tls_follows;
}

/*
 * Most pauses are over before the peer says more, and to stop watching and begin again takes three calls: so it goes on
 * being watched until it wakes us.
 */
static bool
watches_input(const struct connection *connection)
{
	if (connection->read_waits_for_write)
		return false;
	return connection_is_reading(connection) ||
	       (connection->paused && connection->watched && !connection->ended);
}

static void
connection_update_watch(struct connection *connection)
{
	int events = 0;

	if (connection->dead)
		return;
	connection->watched = watches_input(connection);
	if (connection->watched)
		events |= WATCH_READ;
	if (connection->blocked || connection->read_waits_for_write)
		events |= WATCH_WRITE;
	watch_set(connection->watch, events);
}

void
connection_die(struct connection *connection, int result)
{
	if (connection->dead)
		return;
	connection->dead = true;
	connection->result = result;
	watch_close(&connection->watch);
	connection_queue(connection);
}

void
connection_refuse(struct connection *connection, const char *why)
{
	char address[INET6_ADDRSTRLEN];

	listener_address_text(&connection->address, address, sizeof(address));
	log_info(LOG_TLS, "failed", "address=%s reason=\"%s\"", address, why);
	connection_die(connection, RESULT_FAILED);
}

static void
connection_bury(struct connection *connection)
{
	connection->all->count--;
	if (connection->linger != NULL)
		timer_stop(connection->all->timers, connection->linger);
	tls_free(&connection->tls);
	close(connection->fd);
	connection->events->on_closed(connection->owner, connection->result);
	memory_free(connection->linger);
	memory_free(connection->rest);
	memory_free(connection);
}

static bool
connection_can_write(const struct connection *connection)
{
	return !connection->dead && !connection->blocked && !connection->shut &&
	       (connection->transport == &transport_tcp || connection->secured);
}

static void
connection_flush(struct connection *connection)
{
	if (connection->resumed && !connection->paused)
		connection_read_on(connection);
	if (connection->wants_write && connection_can_write(connection))
		connection_write(connection);
	else if (connection->closing && connection->tls != NULL && !connection->secured &&
		 !connection->tls_follows && !connection->dead && !connection->shut)
		connection_finish_output(connection);
	connection_update_watch(connection);
}

static void
on_ready(void *owner, int events)
{
	struct connection *connection = owner;

	if (events & WATCH_WRITE) {
		if (connection->blocked)
			connection_queue(connection);
		connection->blocked = false;
	}
	if (((events & WATCH_READ) || connection->read_waits_for_write) &&
	    connection_is_reading(connection)) {
		connection->last_input_ms = connections_now(connection->all);
		connection_read(connection);
	} else if (events & WATCH_READ) {
		connection->watched = false;
	}
	if (!connection->queued)
		connection_update_watch(connection);
}

static void
on_linger_over(struct timer *timer, void *parameter)
{
	struct connection *connection = parameter;

	connection_die(connection, connection->shut ? RESULT_OK : RESULT_TIMEOUT);
}

static void
connection_linger(struct connection *connection, uint64_t linger_ms)
{
	struct timers *timers = connection->all->timers;

	if (connection->linger == NULL)
		connection->linger = NEW(struct timer);
	else if (connection->linger->due_ms <= clock_ms() + linger_ms)
		return;
	timer_start(timers, connection->linger, linger_ms, on_linger_over, connection);
}

struct connections *
connections_new(struct loop *loop, struct timers *timers)
{
	struct connections *all = NEW(struct connections);

	all->loop = loop;
	all->timers = timers;
	STAILQ_INIT(&all->queue);
	return all;
}

void
connections_free(struct connections **connections)
{
	if (*connections == NULL)
		return;
	while (connections_flush(*connections))
		;
	ensure((*connections)->count == 0);
	memory_free(*connections);
	*connections = NULL;
}

bool
connections_flush(struct connections *connections)
{
	struct connection_queue turn = STAILQ_HEAD_INITIALIZER(turn);
	struct connection *connection;

	STAILQ_CONCAT(&turn, &connections->queue);
	while ((connection = STAILQ_FIRST(&turn)) != NULL) {
		STAILQ_REMOVE_HEAD(&turn, next);
		connection->queued = false;
		if (!connection->dead)
			connection_flush(connection);
		else
			connection_bury(connection);
	}
	connections->now_ms = 0;
	return !STAILQ_EMPTY(&connections->queue);
}

struct connection *
connection_new(struct connections *connections, int fd,
	       const struct sockaddr_storage *address,
	       const struct connection_events *events, void *owner)
{
	struct connection *connection = NEW(struct connection);

	connection->all = connections;
	connection->transport = &transport_tcp;
	connection->events = events;
	connection->owner = owner;
	connection->fd = fd;
	connection->address = *address;
	connection->last_input_ms = connections_now(connections);
	connection->last_progress_ms = connection->last_input_ms;
	connection->watch = watch_new(connections->loop, fd, on_ready, connection);
	connections->count++;
	connection_update_watch(connection);
	return connection;
}

int
connection_start_tls(struct connection *connection, struct tls_context *context)
{
	if (connection->dead || connection->closing || connection->tls != NULL)
		return RESULT_INVALID;
	if (connection->rest != NULL) {
		connection_refuse(connection, "bytes in clear after starttls");
		return RESULT_FAILED;
	}
	connection->tls = tls_accept(context, connection->fd);
	if (connection->wants_write)
		connection->tls_follows = true;
	else
		connection->transport = &transport_tls;
	connection_update_watch(connection);
	return RESULT_OK;
}

void
connection_prefer_host(struct connection *connection, struct slice host)
{
	if (connection->tls != NULL)
		tls_prefer_host(connection->tls, host);
}

struct tls *
connection_tls(struct connection *connection)
{
	return connection->transport == &transport_tls ? connection->tls : NULL;
}

void
connection_want_write(struct connection *connection)
{
	if (connection->dead || connection->shut)
		return;
	if (!connection->wants_write)
		connection->last_progress_ms = connections_now(connection->all);
	connection->wants_write = true;
	if (!connection->blocked)
		connection_queue(connection);
}

void
connection_pause(struct connection *connection)
{
	connection->paused = true;
	connection->resumed = false;
	connection_update_watch(connection);
}

void
connection_resume(struct connection *connection)
{
	connection->last_input_ms = connections_now(connection->all);
	if (!connection->paused || connection->dead)
		return;
	connection->paused = false;
	connection->resumed = true;
	connection_queue(connection);
}

bool
connection_is_paused(const struct connection *connection)
{
	return connection->paused;
}

void
connection_close(struct connection *connection, bool flush, uint64_t linger_ms)
{
	if (connection->dead)
		return;
	if (!flush) {
		connection_die(connection, RESULT_OK);
		return;
	}
	connection->closing = true;
	connection_linger(connection, linger_ms);
	connection_want_write(connection);
}

void
connection_release(struct connection *connection)
{
	if (connection->tls != NULL)
		tls_release(connection->tls);
}

const struct sockaddr_storage *
connection_address(const struct connection *connection)
{
	return &connection->address;
}

uint64_t
connection_bytes_in(const struct connection *connection)
{
	return connection->bytes_in;
}

uint64_t
connection_bytes_out(const struct connection *connection)
{
	return connection->bytes_out;
}

uint64_t
connection_last_input_ms(const struct connection *connection)
{
	return connection->last_input_ms;
}

uint64_t
connection_last_progress_ms(const struct connection *connection)
{
	return connection->last_progress_ms;
}
