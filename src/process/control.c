/* control.c -- the master's end of the control socket: who may speak, and frames in and out. */
#include "process/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/result.h"
#include "config/config.h"
#include "process/control_frame.h"
#include "process/heartbeat.h"
#include "process/master.h"

#define REQUEST_MS 10000	/* for a whole request, or for taking an answer */
#define OUT_MOST   (1u << 20)
#define TRACE_MOST (256u << 10) /* waiting lines; more are dropped */

static int
fail(const char *path)
{
	log_error(LOG_CONTROL, "cannot make the control socket", "path=%s reason=\"%s\"", path,
	    strerror(errno));
	return RESULT_FAILED;
}

bool
control_is_allowed(uid_t uid, uid_t server_uid)
{
	return uid == 0 || uid == server_uid || uid == geteuid();
}

/* --- connections --- */

static void
client_close(struct control_client *client)
{
	bool traced = client->waits == CONTROL_WAIT_TRACE;

	if (client->fd < 0)
		return;
	close(client->fd);
	client->fd = -1;
	client->waits = CONTROL_WAIT_NOTHING;
	if (client->in.data != NULL)
		memory_wipe(client->in.data, client->in.capacity);
	buffer_clear(&client->in);
	buffer_clear(&client->out);
	buffer_clear(&client->jids);
	if (traced)
		control_trace_all(client->control);
}

static void
client_flush(struct control_client *client)
{
	while (client->fd >= 0 && buffer_length(&client->out) > 0) {
		struct slice bytes = buffer_slice(&client->out);
		ssize_t count =
		    send(client->fd, bytes.data, bytes.length, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0 && errno == EAGAIN)
			return;
		if (count < 0) {
			client_close(client);
			return;
		}
		buffer_take(&client->out, (size_t)count);
	}
	if (client->fd >= 0 && client->is_ending)
		client_close(client);
}

static void
client_refuse(struct control_client *client, int result)
{
	client->is_ending = true;
	control_done(client, result, SLICE_EMPTY);
}

static void
client_serve(struct control_client *client)
{
	struct control_header header;
	struct slice payload;
	int rc = RESULT_AGAIN;

	while (client->fd >= 0 && client->waits == CONTROL_WAIT_NOTHING && !client->is_ending &&
	    (rc = control_frame_read(&client->in, &header, &payload)) == RESULT_OK) {
		client->due_ms = 0;
		control_serve(client, &header, payload);
		if (client->fd < 0)
			return;
		/* It may have had keys of an account. */
		memory_wipe(client->in.data + client->in.start, sizeof(header) + header.length);
		buffer_take(&client->in, sizeof(header) + header.length);
	}
	if (client->fd >= 0 && rc == RESULT_CORRUPT)
		client_refuse(client, RESULT_CORRUPT);
}

static void
client_read(struct control_client *client)
{
	ssize_t count;

	if (buffer_length(&client->in) > CONTROL_PAYLOAD_MAX + sizeof(struct control_header)) {
		client_close(client);
		return;
	}
	count = recv(client->fd, buffer_reserve(&client->in, 4096), 4096, MSG_DONTWAIT);
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (count <= 0) {
		client_close(client);
		return;
	}
	buffer_add(&client->in, (size_t)count);
	if (client->due_ms == 0 && client->waits == CONTROL_WAIT_NOTHING)
		client->due_ms = heartbeat_now_ms() + REQUEST_MS;
	client_serve(client);
}

static void
on_client(void *owner, int fd)
{
	struct control_client *client = owner;

	/* Another turn's: that one has gone, and its place was taken. */
	if (client->fd != fd)
		return;
	client_flush(client);
	if (client->fd >= 0 && !client->is_ending)
		client_read(client);
}

static bool
is_known(const struct control *control, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	    control_is_allowed(peer.uid, control->master->inheritance.identity.uid))
		return true;
	log_warn(LOG_CONTROL, "refused", "uid=%u pid=%d", (unsigned)peer.uid, (int)peer.pid);
	return false;
}

static struct control_client *
free_place(struct control *control)
{
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (control->client[i].fd < 0)
			return &control->client[i];
	return NULL;
}

static void
on_connection(void *owner, int listening)
{
	struct control *control = owner;
	struct control_client *client = free_place(control);
	int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	if (client == NULL) {
		log_warn(LOG_CONTROL, "too many connections", "");
		close(fd);
		return;
	}
	*client = (struct control_client){ .control = control,
		.fd = fd,
		.serial = ++control->serial,
		.due_ms = heartbeat_now_ms() + REQUEST_MS };
	if (!is_known(control, fd))
		client_refuse(client, RESULT_DENIED);
}

/* --- answers --- */

void
control_line(struct control_client *client, struct slice line)
{
	size_t waiting = buffer_length(&client->out);

	if (client->fd < 0 || (client->waits == CONTROL_WAIT_TRACE && waiting > TRACE_MOST))
		return;
	if (waiting > OUT_MOST) {
		client_close(client);
		return;
	}
	control_frame_write(&client->out, CONTROL_LINE, RESULT_OK, line);
	if (client->waits == CONTROL_WAIT_TRACE)
		client_flush(client);
}

void
control_done(struct control_client *client, int result, struct slice payload)
{
	if (client->fd < 0)
		return;
	client->waits = CONTROL_WAIT_NOTHING;
	client->due_ms = heartbeat_now_ms() + REQUEST_MS;
	control_frame_write(&client->out, CONTROL_DONE, result, payload);
	client_flush(client);
}

void
control_reloaded(struct control *control, int result, struct slice lines)
{
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &control->client[i];
		struct slice rest = lines;

		if (client->fd < 0 || client->waits != CONTROL_WAIT_RELOAD)
			continue;
		if (client->passed > 0) {
			client->passed--;
			continue;
		}
		while (rest.length > 0) {
			size_t end = slice_find(rest, '\n');

			control_line(client, slice_of(rest.data, end));
			rest = slice_after(rest, end < rest.length ? end + 1 : end);
		}
		control_done(client, result, SLICE_EMPTY);
	}
}

/* --- the socket --- */

static struct control *
control_new(struct master *master, int fd)
{
	struct control *control = NEW(struct control);

	control->master = master;
	control->fd = fd;
	/* Answers to what the master before asked may still come. */
	control->serial = (uint32_t)random_u64();
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		control->client[i].fd = -1;
	return control;
}

int
control_listen(struct master *master, struct control **out)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char path[600];
	int fd, rc;

	snprintf(path, sizeof(path), "%s/%s", master->config->runtime_dir, CONTROL_SOCKET);
	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return fail(path);
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(path);
	privileges_lend(&master->inheritance.identity);
	/* The lock of the directory is ours: whose it was is gone. */
	unlink(path);
	rc = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		chmod(path, 0600) == 0 && listen(fd, CONTROL_CLIENTS_MAX) == 0
	    ? RESULT_OK
	    : fail(path);
	privileges_return(&master->inheritance.identity);
	if (rc != RESULT_OK) {
		close(fd);
		return rc;
	}
	*out = control_new(master, fd);
	return RESULT_OK;
}

void
control_take(struct master *master, int fd, const int *client_fd, uint32_t clients)
{
	struct control *control = control_new(master, fd);

	for (uint32_t i = 0; i < clients && i < CONTROL_CLIENTS_MAX; i++)
		control->client[i] = (struct control_client){ .control = control,
			.fd = client_fd[i],
			.waits = CONTROL_WAIT_UPGRADE,
			.serial = ++control->serial };
	master->control = control;
}

void
control_free(struct control **control)
{
	struct master *master = (*control)->master;
	char path[600];

	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		(*control)->client[i].waits = CONTROL_WAIT_NOTHING;
		client_close(&(*control)->client[i]);
	}
	close((*control)->fd);
	snprintf(path, sizeof(path), "%s/%s", master->config->runtime_dir, CONTROL_SOCKET);
	privileges_lend(&master->inheritance.identity);
	unlink(path);
	privileges_return(&master->inheritance.identity);
	memory_free(*control);
	*control = NULL;
}

void
control_watch(struct control *control, struct poll_set *set)
{
	struct store_client *store = control->master->core_client;

	poll_set_add(set, control->master->trace_fd, POLLIN, control_on_trace, control);
	poll_set_add(set, store_client_fd(store), POLLIN, control_on_answers, control);
	if (!store_client_sleep(store))
		poll_set_due(set, 0);
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &control->client[i];
		short events = buffer_length(&client->out) > 0 ? POLLIN | POLLOUT : POLLIN;

		if (client->fd < 0)
			continue;
		poll_set_add(set, client->fd, events, on_client, client);
		if (client->due_ms != 0)
			poll_set_due(set, client->due_ms);
	}
	/* After them: who has gone makes room for who comes. */
	poll_set_add(set, control->fd, POLLIN, on_connection, control);
}

void
control_turn(struct control *control)
{
	uint64_t now = heartbeat_now_ms();

	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &control->client[i];

		if (client->fd < 0 || client->due_ms == 0 || now < client->due_ms)
			continue;
		/* Who asked for something is told; who asks for nothing any more is let go. */
		if (client->waits != CONTROL_WAIT_NOTHING) {
			client->is_ending = true;
			control_done(client, RESULT_TIMEOUT, SLICE_EMPTY);
		} else {
			client_close(client);
		}
	}
}
