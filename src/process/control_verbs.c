/* control_verbs.c -- what rookeryctl may ask of the master, verb by verb. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "process/control.h"
#include "process/heartbeat.h"
#include "process/master.h"
#include "process/renew.h"
#include "shm/shm.h"
#include "shm/slots.h"
#include "shm/store.h"
#include "shm/trace.h"
#include "shm/wake.h"

#define ACCOUNT_MS 10000
#define RELOAD_MS  60000

typedef void verb_fn(struct control_client *client, struct slice payload);

static void
line(struct control_client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
line(struct control_client *client, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	control_line(client, slice_from_text(text));
}

static void
on_status(struct control_client *client, struct slice payload)
{
	static const char *const states[] = { "starting", "starting", "running", "stopping",
		"stopping", "stopped" };
	const struct master *master = client->control->master;
	const struct supervisor *all = &master->supervisor;

	line(client, "process=master pid=%d state=%s version=%s workers=%u config_serial=%llu",
	    (int)master->inheritance.master, states[master->state], VERSION, all->workers,
	    (unsigned long long)master->config->serial);
	for (uint32_t i = 0; i < all->count; i++) {
		const struct process *process = &all->process[i];

		if (process->child.kind == PROCESS_WORKER && process->role == SEAT_EMPTY)
			continue;
		line(client, "process=\"%s\" pid=%d state=%s role=%s restarts=%u age_ms=%llu",
		    process->child.name, (int)process->pid, supervise_state_text(process),
		    process->child.kind == PROCESS_WORKER ? seats_role_text(process->role) : "-",
		    process->restarts,
		    process->pid == 0
			? 0ull
			: (unsigned long long)(heartbeat_now_ms() - process->started_ms));
	}
	control_done(client, RESULT_OK, SLICE_EMPTY);
}

static void
on_version(struct control_client *client, struct slice payload)
{
	line(client, "rookery %s", VERSION);
	control_done(client, RESULT_OK, SLICE_EMPTY);
}

static void
on_stop(struct control_client *client, struct slice payload)
{
	control_done(client, RESULT_OK, SLICE_EMPTY);
	/* Stays open: its end is the end of the server. */
	client->due_ms = 0;
	master_stop(client->control->master, 0, "rookeryctl");
}

static void
on_reload(struct control_client *client, struct slice payload)
{
	struct master *master = client->control->master;

	client->waits = CONTROL_WAIT_RELOAD;
	client->due_ms = heartbeat_now_ms() + RELOAD_MS;
	/* One that is under way may have read the file before it was changed. */
	client->passed = master->image.socket >= 0 || master->is_applying ? 1 : 0;
	reload_start(master);
}

static void
on_logs(struct control_client *client, struct slice payload)
{
	master_reopen_logs(client->control->master);
	control_done(client, RESULT_OK, SLICE_EMPTY);
}

static void
on_clock(struct control_client *client, struct slice payload)
{
	struct master *master = client->control->master;
	uint64_t ms;

	if (!master->config->test_clock || payload.length != sizeof(ms)) {
		control_done(client, master->config->test_clock ? RESULT_INVALID : RESULT_DENIED,
		    SLICE_EMPTY);
		return;
	}
	memcpy(&ms, payload.data, sizeof(ms));
	if (ms == CLOCK_STOPS)
		clock_stop();
	else if (ms == CLOCK_GOES)
		clock_go();
	else
		clock_advance(ms);
	wake_all(master->shm);
	ms = clock_ms();
	log_info(LOG_CONTROL, "clock moved", "now_ms=%llu stands=%d", (unsigned long long)ms,
	    clock_stands());
	control_done(client, RESULT_OK, slice_of(&ms, sizeof(ms)));
}

static void
on_order(struct control_client *client, struct slice payload)
{
	struct shm *shm = client->control->master->shm;
	struct control_order head;
	struct slot_ref ref;
	uint32_t found = 0;

	if (payload.length < sizeof(head)) {
		control_done(client, RESULT_INVALID, SLICE_EMPTY);
		return;
	}
	memcpy(&head, payload.data, sizeof(head));
	payload = slice_after(payload, sizeof(head));
	if (payload.length % sizeof(ref) != 0 ||
	    (head.order != ORDER_KICK && head.order != ORDER_RESET &&
		head.order != ORDER_NOT_AUTHORIZED)) {
		control_done(client, RESULT_INVALID, SLICE_EMPTY);
		return;
	}
	for (; payload.length > 0; payload = slice_after(payload, sizeof(ref))) {
		memcpy(&ref, payload.data, sizeof(ref));
		if (slot_ask(shm, ref, (enum slot_order)head.order) == RESULT_OK)
			found++;
	}
	wake_flush(shm);
	log_info(LOG_CONTROL, "sessions ordered", "order=%u sessions=%u", head.order, found);
	control_done(client, RESULT_OK, slice_of(&found, sizeof(found)));
}

/* --- accounts --- */

static bool
read_account(struct slice payload, struct store_change *change)
{
	struct control_account head;

	if (payload.length < sizeof(head))
		return false;
	memcpy(&head, payload.data, sizeof(head));
	payload = slice_after(payload, sizeof(head));
	if ((head.verb != STORE_ACCOUNT_PUT && head.verb != STORE_ACCOUNT_DELETE) ||
	    head.jid_length == 0 || head.jid_length > payload.length ||
	    head.record_length != payload.length - head.jid_length)
		return false;
	*change = (struct store_change){ .verb = (enum store_verb)head.verb,
		.hashes = head.hashes,
		.version = head.version,
		.key = slice_of(payload.data, head.jid_length),
		.value = slice_after(payload, head.jid_length) };
	return true;
}

static void
on_account(struct control_client *client, struct slice payload)
{
	struct master *master = client->control->master;
	struct store_context context = { .session = { UINT32_MAX, 0 }, .tag = client->serial };
	struct store_change change;
	int64_t request = RESULT_INVALID;

	if (read_account(payload, &change))
		request = store_ask(master->core_client, &context, &change, 1);
	if (request < 0) {
		control_done(client, (int)request, SLICE_EMPTY);
		return;
	}
	log_info(LOG_CONTROL, change.verb == STORE_ACCOUNT_PUT ? "account put" : "account delete",
	    "jid=" SLICE_FMT, SLICE_ARG(change.key));
	client->waits = CONTROL_WAIT_ACCOUNT;
	client->due_ms = heartbeat_now_ms() + ACCOUNT_MS;
}

static void
on_store_answer(void *owner, const struct store_answer *answer)
{
	struct control *control = owner;

	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &control->client[i];

		if (client->fd < 0 || client->waits != CONTROL_WAIT_ACCOUNT ||
		    client->serial != answer->context.tag)
			continue;
		control_done(client, answer->result,
		    slice_of(&answer->account, sizeof(answer->account)));
	}
}

void
control_on_answers(void *owner, int fd)
{
	struct control *control = owner;

	wake_drain_fd(fd);
	store_answers(control->master->core_client, on_store_answer, control);
}

/* --- traces --- */

int
control_trace_all(struct control *control)
{
	struct slice jids[TRACE_JIDS_MAX];
	uint32_t count = 0;

	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		const struct control_client *client = &control->client[i];
		struct slice rest = buffer_slice(&client->jids);

		if (client->fd < 0 || client->waits != CONTROL_WAIT_TRACE)
			continue;
		while (rest.length > 0) {
			size_t end = slice_find(rest, '\n');

			if (count == TRACE_JIDS_MAX)
				return RESULT_FULL;
			jids[count++] = slice_of(rest.data, end);
			rest = slice_after(rest, end < rest.length ? end + 1 : end);
		}
	}
	return trace_set(control->master->shm, jids, count);
}

static void
on_trace(struct control_client *client, struct slice payload)
{
	int rc;

	buffer_append(&client->jids, payload);
	client->waits = CONTROL_WAIT_TRACE;
	rc = payload.length == 0 ? RESULT_INVALID : control_trace_all(client->control);
	if (rc == RESULT_OK)
		return;
	buffer_empty(&client->jids);
	control_done(client, rc, SLICE_EMPTY);
	control_trace_all(client->control);
}

void
control_on_trace(void *owner, int fd)
{
	struct control *control = owner;
	char text[4096];
	ssize_t count;

	for (int lines = 0; lines < 256; lines++) {
		count = recv(fd, text, sizeof(text), MSG_DONTWAIT);
		if (count <= 0)
			return;
		for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
			if (control->client[i].waits == CONTROL_WAIT_TRACE)
				control_line(&control->client[i], slice_of(text, (size_t)count));
	}
}

/* --- */

void
control_serve(struct control_client *client, const struct control_header *header,
    struct slice payload)
{
	static verb_fn *const verbs[] = {
		[CONTROL_STATUS] = on_status,
		[CONTROL_VERSION] = on_version,
		[CONTROL_STOP] = on_stop,
		[CONTROL_RELOAD] = on_reload,
		[CONTROL_LOGS] = on_logs,
		[CONTROL_CLOCK] = on_clock,
		[CONTROL_ORDER] = on_order,
		[CONTROL_ACCOUNT] = on_account,
		[CONTROL_TRACE] = on_trace,
		[CONTROL_DRAIN] = renew_on_drain,
		[CONTROL_UPGRADE] = upgrade_on_command,
	};

	if (header->verb > CONTROL_UPGRADE)
		control_done(client, RESULT_INVALID, SLICE_EMPTY);
	else if (header->verb > CONTROL_STOP &&
	    client->control->master->state >= MASTER_STOP_WORKERS)
		control_done(client, RESULT_DENIED, SLICE_EMPTY);
	else
		verbs[header->verb](client, payload);
}
