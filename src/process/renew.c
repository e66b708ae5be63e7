/* renew.c -- new workers take the place of old ones while clients are served. */
#include "process/renew.h"

#include <string.h>

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "process/control.h"
#include "process/heartbeat.h"
#include "process/master.h"

#define START_MS  30000	/* a new worker is ready by then, or rookeryctl does not wait any longer */
#define MARGIN_MS 30000

/* Beyond what it is told to take it may need for last words, and for a disk. */
uint64_t
renew_linger_ms(const struct master *master)
{
	const struct config *config = master->config;

	return (uint64_t)config->drain_time + (uint64_t)config->close_timeout +
	    (uint64_t)config->max_sessions * 1000 / (uint64_t)config->drain_pace + MARGIN_MS;
}

int
renew_worker(struct master *master, uint32_t seat)
{
	if (master->state != MASTER_READY)
		return RESULT_DENIED;
	if (master->upgrade.stage != UPGRADE_NONE && master->upgrade.stage < UPGRADE_DRAIN)
		return RESULT_EXISTS;
	return seats_renew(&master->supervisor, seat);
}

/* Those who asked for it. */
static void
answer(struct master *master, uint32_t seat, int result, struct slice payload)
{
	struct control *control = master->control;

	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct control_client *client = &control->client[i];

		if (client->fd >= 0 && client->waits == CONTROL_WAIT_RENEW && client->seat == seat)
			control_done(client, result, payload);
	}
}

void
renew_on_ready(struct master *master, struct process *newcomer)
{
	struct supervisor *supervisor = &master->supervisor;
	uint32_t number = newcomer->child.number;

	seats_switch(supervisor, newcomer, renew_linger_ms(master));
	answer(master, seats_twin(supervisor, number), RESULT_OK, slice_of(&number, sizeof(number)));
}

void
renew_on_failure(struct master *master, const struct process *newcomer)
{
	uint32_t seat = seats_twin(&master->supervisor, newcomer->child.number);

	log_error(LOG_MASTER, "a new worker did not start; the old one goes on",
	    "process=\"%s\" serves=\"%s\"", newcomer->child.name,
	    master->supervisor.process[seat].child.name);
	answer(master, seat, RESULT_FAILED, SLICE_EMPTY);
}

void
renew_on_drain(struct control_client *client, struct slice payload)
{
	uint32_t seat;
	int rc;

	if (payload.length != sizeof(seat)) {
		control_done(client, RESULT_INVALID, SLICE_EMPTY);
		return;
	}
	memcpy(&seat, payload.data, sizeof(seat));
	rc = renew_worker(client->control->master, seat);
	if (rc != RESULT_OK) {
		control_done(client, rc, SLICE_EMPTY);
		return;
	}
	client->waits = CONTROL_WAIT_RENEW;
	client->seat = seat;
	client->due_ms = heartbeat_now_ms() + START_MS;
}
