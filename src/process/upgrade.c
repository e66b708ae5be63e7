/* upgrade.c -- a new binary takes the place of the one that runs, and clients notice no more than a new connection. */
#include "process/upgrade.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "process/control.h"
#include "process/estate.h"
#include "process/heartbeat.h"
#include "process/master.h"
#include "process/renew.h"

#define TRIAL_MS   30000
#define READY_MS   20000	/* for processes that are just being replaced */
#define WORKERS_MS 30000
#define BACK_MS	   10000
#define ANSWER_MS  120000	/* more than all of these */

/* --- how it ended --- */

static void
answer(struct master *master, int result, const char *text)
{
	struct control *control = master->control;

	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &control->client[i];

		if (client->fd < 0 || client->waits != CONTROL_WAIT_UPGRADE)
			continue;
		control_line(client, slice_from_text(text));
		control_done(client, result, SLICE_EMPTY);
	}
}

static void
refuse(struct master *master, int result, const char *why)
{
	upgrade_trial_end(master);
	master->upgrade.stage = UPGRADE_NONE;
	log_error(LOG_MASTER, "not upgraded, nothing has changed", "program=%s reason='%s'",
	    master->program, why);
	answer(master, result, why);
}

static void
execute_new(struct master *master)
{
	char why[128];

	upgrade_execute(master);
	snprintf(why, sizeof(why), "the new binary cannot be executed: %s", strerror(errno));
	refuse(master, RESULT_FAILED, why);
}

static void
execute_old(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;
	struct estate estate;

	upgrade_gather(master, &estate);
	estate.kind = ESTATE_UPGRADE;
	estate.program_fd = upgrade->program_fd;
	estate.image_fd = upgrade->image_fd;
	upgrade_go_back(master, &estate, upgrade->reason);
	/* So the old workers have a new master. */
	upgrade->stage = UPGRADE_NONE;
	supervise_start_workers(&master->supervisor);
	answer(master, RESULT_FAILED, upgrade->reason);
}

/* --- stages --- */

/* Nobody is being replaced, and no command waits for an answer that only this binary can give. */
static bool
is_settled(const struct master *master)
{
	const struct supervisor *supervisor = &master->supervisor;

	if (master->image.socket >= 0 || master->is_applying)
		return false;
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (master->control->client[i].fd >= 0 &&
		    master->control->client[i].waits == CONTROL_WAIT_ACCOUNT)
			return false;
	return seats_count(supervisor, SEAT_EMPTY) == supervisor->workers &&
	    supervise_ready(supervisor, PROCESS_WORKER) == supervisor->workers &&
	    supervise_ready(supervisor, PROCESS_STORE) == STORE_COUNT;
}

static void
trial_turn(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;
	char why[sizeof(upgrade->reason)] = "";
	int rc = upgrade_trial_result(master, why, sizeof(why));

	if (rc == RESULT_OK) {
		upgrade_trial_end(master);
		upgrade->stage = UPGRADE_READY;
		upgrade->due_ms = heartbeat_now_ms() + READY_MS;
	} else if (rc != RESULT_AGAIN) {
		refuse(master, rc, why);
	} else if (heartbeat_now_ms() >= upgrade->due_ms) {
		refuse(master, RESULT_TIMEOUT, "the new binary does not end its check");
	}
}

static void
ready_turn(struct master *master)
{
	if (is_settled(master))
		execute_new(master);
	else if (heartbeat_now_ms() >= master->upgrade.due_ms)
		refuse(master, RESULT_TIMEOUT, "processes are being replaced, or workers drain");
}

static void
begin_back(struct master *master, const char *reason)
{
	struct upgrade *upgrade = &master->upgrade;
	struct supervisor *supervisor = &master->supervisor;

	snprintf(upgrade->reason, sizeof(upgrade->reason), "%s", reason);
	upgrade->stage = UPGRADE_BACK;
	upgrade->due_ms = heartbeat_now_ms() + BACK_MS;
	for (uint32_t i = 0; i < supervisor->seats; i++)
		seats_give_up(supervisor, &supervisor->process[i]);
}

/* When all that the new workers took was adopted by the old ones. */
static void
back_turn(struct master *master)
{
	const struct supervisor *supervisor = &master->supervisor;

	/* Only who has seen them die can bury them. */
	if (seats_count(supervisor, SEAT_NEWCOMER) > 0 || supervise_has_dead(supervisor))
		return;
	if (seats_count(supervisor, SEAT_ORPHAN) == 0 ||
	    heartbeat_now_ms() >= master->upgrade.due_ms)
		execute_old(master);
}

static void
switch_all(struct master *master)
{
	struct supervisor *supervisor = &master->supervisor;
	struct upgrade *upgrade = &master->upgrade;
	char text[128];

	for (uint32_t i = 0; i < supervisor->seats; i++)
		if (supervisor->process[i].role == SEAT_NEWCOMER)
			seats_switch(supervisor, &supervisor->process[i], renew_linger_ms(master));
	close(upgrade->program_fd);
	close(upgrade->image_fd);
	upgrade->program_fd = upgrade->image_fd = -1;
	upgrade->stage = UPGRADE_DRAIN;
	snprintf(text, sizeof(text), "version %s serves; %u workers of before drain", VERSION,
	    supervisor->workers);
	log_info(LOG_MASTER, "upgraded", "version=%s draining=%u", VERSION, supervisor->workers);
	answer(master, RESULT_OK, text);
}

/* One after the other; requests wait in the rings meanwhile. */
static void
stores_turn(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;
	struct supervisor *supervisor = &master->supervisor;

	for (int i = 0; i < STORE_COUNT; i++) {
		struct process *store = &supervisor->process[supervisor->seats + (uint32_t)i];

		if (store->state != PROCESS_RUNNING)
			return;
		if (store->pid != upgrade->old_store[i])
			continue;
		if (!store->is_asked)
			store->is_asked =
			    talk_send(store->socket, TALK_STOP, SLICE_EMPTY, -1) == RESULT_OK;
		return;
	}
	log_info(LOG_MASTER, "upgrade complete", "version=%s", VERSION);
	upgrade->stage = UPGRADE_NONE;
}

/* --- the public functions --- */

int
upgrade_start(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;
	int rc;

	if (master->state != MASTER_READY)
		return RESULT_DENIED;
	if (upgrade->stage != UPGRADE_NONE ||
	    seats_count(&master->supervisor, SEAT_EMPTY) != master->supervisor.workers)
		return RESULT_EXISTS;
	rc = upgrade_trial_start(master);
	if (rc != RESULT_OK)
		return rc;
	upgrade->stage = UPGRADE_TRIAL;
	upgrade->due_ms = heartbeat_now_ms() + TRIAL_MS;
	return RESULT_OK;
}

void
upgrade_on_command(struct control_client *client, struct slice payload)
{
	int rc = upgrade_start(client->control->master);

	if (rc != RESULT_OK) {
		control_done(client, rc, SLICE_EMPTY);
		return;
	}
	client->waits = CONTROL_WAIT_UPGRADE;
	client->due_ms = heartbeat_now_ms() + ANSWER_MS;
}

/* Its end, and the end of what it says, may come in one turn. */
static void
on_trial(void *owner, int fd)
{
	struct master *master = owner;

	if (master->upgrade.stage == UPGRADE_TRIAL)
		trial_turn(master);
}

void
upgrade_watch(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;

	if (upgrade->stage == UPGRADE_TRIAL) {
		poll_set_add(&master->poll_set, upgrade->trial_pidfd, POLLIN, on_trial, master);
		if (upgrade->said_fd >= 0 && buffer_length(&upgrade->said) < UPGRADE_SAID_MOST)
			poll_set_add(&master->poll_set, upgrade->said_fd, POLLIN, on_trial, master);
	}
	if (upgrade->stage != UPGRADE_NONE && upgrade->stage < UPGRADE_DRAIN)
		poll_set_due(&master->poll_set, upgrade->due_ms);
}

void
upgrade_turn(struct master *master)
{
	struct upgrade *upgrade = &master->upgrade;
	bool is_late = heartbeat_now_ms() >= upgrade->due_ms;

	if (master->state != MASTER_READY)
		return;
	if (upgrade->stage == UPGRADE_TRIAL && is_late)
		trial_turn(master);
	else if (upgrade->stage == UPGRADE_READY)
		ready_turn(master);
	else if (upgrade->stage == UPGRADE_WORKERS && is_late)
		begin_back(master, "the new workers were not ready in time");
	else if (upgrade->stage == UPGRADE_BACK)
		back_turn(master);
	else if (upgrade->stage == UPGRADE_DRAIN &&
	    seats_count(&master->supervisor, SEAT_LEAVER) == 0)
		upgrade->stage = UPGRADE_STORES;
	if (upgrade->stage == UPGRADE_STORES)
		stores_turn(master);
}

bool
upgrade_on_ready(struct master *master, struct process *newcomer)
{
	const struct supervisor *supervisor = &master->supervisor;

	if (master->upgrade.stage != UPGRADE_WORKERS)
		return master->upgrade.stage == UPGRADE_BACK;
	for (uint32_t i = 0; i < supervisor->seats; i++)
		if (supervisor->process[i].role == SEAT_NEWCOMER &&
		    supervisor->process[i].state != PROCESS_RUNNING)
			return true;
	switch_all(master);
	return true;
}

bool
upgrade_on_failure(struct master *master, const struct process *newcomer)
{
	char why[128];

	if (master->upgrade.stage == UPGRADE_WORKERS) {
		snprintf(why, sizeof(why), "%s of the new binary did not start",
		    newcomer->child.name);
		begin_back(master, why);
		return true;
	}
	return master->upgrade.stage == UPGRADE_BACK;
}

bool
upgrade_replaces(const struct master *master)
{
	return master->upgrade.stage != UPGRADE_WORKERS && master->upgrade.stage != UPGRADE_BACK;
}

void
upgrade_resume(struct master *master, const struct estate *estate)
{
	struct upgrade *upgrade = &master->upgrade;
	struct supervisor *supervisor = &master->supervisor;

	if (estate->kind == ESTATE_BACK) {
		log_error(LOG_MASTER, "not upgraded, the version before goes on",
		    "version=%s reason=\"%s\"", VERSION, estate->reason);
		supervise_start_stores(supervisor);
		supervise_start_workers(supervisor);
		answer(master, RESULT_FAILED, estate->reason);
		return;
	}
	upgrade->program_fd = estate->program_fd;
	upgrade->image_fd = estate->image_fd;
	log_info(LOG_MASTER, "new binary", "version=%s before=%s", VERSION, estate->version);
	for (int i = 0; i < STORE_COUNT; i++)
		upgrade->old_store[i] = supervisor->process[supervisor->seats + (uint32_t)i].pid;
	upgrade->stage = UPGRADE_WORKERS;
	upgrade->due_ms = heartbeat_now_ms() + WORKERS_MS;
	for (uint32_t i = 0; i < supervisor->seats; i++)
		if (supervisor->process[i].role == SEAT_SERVING &&
		    seats_renew(supervisor, i) != RESULT_OK) {
			begin_back(master, "the seats of new workers are not free");
			return;
		}
}
