/* seats.c -- each worker has two numbers in turn, so that a new one can begin while the old one drains. */
#include "process/seats.h"

#include <signal.h>
#include <unistd.h>

#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "process/heartbeat.h"
#include "process/supervise_private.h"
#include "shm/shm.h"

uint32_t
seats_workers(const struct config *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (config->workers > 0)
		return (uint32_t)config->workers;
	if (cores < 1)
		return 1;
	return cores > WORKERS_MAX / 2 ? WORKERS_MAX / 2 : (uint32_t)cores;
}

uint32_t
seats_twin(const struct supervisor *supervisor, uint32_t seat)
{
	return seat < supervisor->workers ? seat + supervisor->workers
					  : seat - supervisor->workers;
}

static struct process *
twin_of(struct supervisor *supervisor, const struct process *process)
{
	return &supervisor->process[seats_twin(supervisor, process->child.number)];
}

/* For those who read the memory without asking. */
static void
show(struct supervisor *supervisor)
{
	struct instance *instance = supervisor->shm->instance;
	uint64_t serving = 0, draining = 0;

	for (uint32_t i = 0; i < supervisor->seats; i++) {
		if (supervisor->process[i].role == SEAT_SERVING)
			serving |= UINT64_C(1) << i;
		else if (supervisor->process[i].role == SEAT_LEAVER)
			draining |= UINT64_C(1) << i;
	}
	atomic_store(&instance->serving, serving);
	atomic_store(&instance->draining, draining);
}

static void
play(struct supervisor *supervisor, struct process *process, enum seat_role role)
{
	process->role = role;
	process->is_asked = false;
	show(supervisor);
}

/* What the orphan left is given to the one who serves, as soon as there is one. */
static void
give_orphan(struct supervisor *supervisor, struct process *orphan)
{
	struct process *heir = twin_of(supervisor, orphan);
	struct slice seat = slice_of(&orphan->child.number, sizeof(orphan->child.number));

	if (orphan->role == SEAT_ORPHAN && !orphan->is_asked &&
	    heir->role == SEAT_SERVING && heir->state == PROCESS_RUNNING &&
	    talk_send(heir->socket, TALK_ADOPT, seat, -1) == RESULT_OK)
		orphan->is_asked = true;
}

/* --- */

void
seats_init(struct supervisor *supervisor, bool is_taken)
{
	for (uint32_t i = 0; i < supervisor->seats; i++)
		supervisor->process[i].role = i < supervisor->workers ? SEAT_SERVING
		    : is_taken					      ? SEAT_ORPHAN
								      : SEAT_EMPTY;
	show(supervisor);
}

int
seats_renew(struct supervisor *supervisor, uint32_t seat)
{
	struct process *newcomer;

	if (seat >= supervisor->seats || supervisor->process[seat].role != SEAT_SERVING)
		return RESULT_NOT_FOUND;
	newcomer = twin_of(supervisor, &supervisor->process[seat]);
	if (newcomer->role != SEAT_EMPTY)
		return RESULT_EXISTS;
	newcomer->restarts = 0;
	newcomer->young = 0;
	play(supervisor, newcomer, SEAT_NEWCOMER);
	supervise_seat(supervisor, newcomer);
	return RESULT_OK;
}

void
seats_switch(struct supervisor *supervisor, struct process *newcomer, uint64_t linger_ms)
{
	struct process *leaver = twin_of(supervisor, newcomer);

	play(supervisor, newcomer, SEAT_SERVING);
	log_info(LOG_MASTER, "worker drains", "process=\"%s\" pid=%d successor=\"%s\"",
	    leaver->child.name, (int)leaver->pid, newcomer->child.name);
	play(supervisor, leaver, SEAT_LEAVER);
	if (leaver->state == PROCESS_WAITING)
		leaver->state = PROCESS_NONE;
	if (leaver->state == PROCESS_NONE)
		seats_on_end(supervisor, leaver);
	if (!supervise_is_living(leaver))
		return;		/* dead: reaped when it is time */
	leaver->due_ms = heartbeat_now_ms() + linger_ms;
	if (leaver->socket >= 0)
		talk_send(leaver->socket, TALK_DRAIN, SLICE_EMPTY, -1);
}

void
seats_give_up(struct supervisor *supervisor, struct process *process)
{
	if (process->role != SEAT_NEWCOMER)
		return;
	if (process->state == PROCESS_WAITING) {
		process->state = PROCESS_NONE;
		play(supervisor, process, SEAT_EMPTY);
	} else if (supervise_is_living(process)) {
		kill(process->pid, SIGKILL);
	}
}

void
seats_resume(struct supervisor *supervisor)
{
	show(supervisor);
	for (uint32_t i = 0; i < supervisor->seats; i++)
		give_orphan(supervisor, &supervisor->process[i]);
}

void
seats_on_ready(struct supervisor *supervisor, struct process *process)
{
	if (process->role == SEAT_SERVING)
		give_orphan(supervisor, twin_of(supervisor, process));
}

/* Its number was freed: in the seat of one that served sits another one soon, which gets what it was adopting again. */
void
seats_on_end(struct supervisor *supervisor, struct process *process)
{
	struct process *twin = twin_of(supervisor, process);

	if (process->role == SEAT_SERVING && twin->role == SEAT_ORPHAN && twin->is_asked) {
		/* Who adopts acts, and locks, in the orphan's name. */
		shm_reaped(supervisor->shm, twin->child.number);
		twin->is_asked = false;
	}
	if (process->role == SEAT_LEAVER || process->role == SEAT_NEWCOMER) {
		play(supervisor, process, SEAT_ORPHAN);
		give_orphan(supervisor, process);
	}
}

void
seats_on_adopted(struct supervisor *supervisor, const struct process *process)
{
	struct process *orphan = twin_of(supervisor, process);

	if (orphan->role != SEAT_ORPHAN || !orphan->is_asked)
		return;
	log_debug(LOG_MASTER, "seat adopted", "seat=%u by=\"%s\"", orphan->child.number,
	    process->child.name);
	play(supervisor, orphan, SEAT_EMPTY);
}

void
seats_turn(struct supervisor *supervisor, uint64_t now_ms)
{
	for (uint32_t i = 0; i < supervisor->seats; i++) {
		struct process *leaver = &supervisor->process[i];

		if (leaver->role != SEAT_LEAVER || !supervise_is_living(leaver) ||
		    now_ms < leaver->due_ms)
			continue;
		log_warn(LOG_MASTER, "worker did not drain in time", "process=\"%s\" pid=%d",
		    leaver->child.name, (int)leaver->pid);
		leaver->due_ms = UINT64_MAX;
		kill(leaver->pid, SIGKILL);
	}
}

uint64_t
seats_due(const struct supervisor *supervisor)
{
	uint64_t due = UINT64_MAX;

	for (uint32_t i = 0; i < supervisor->seats; i++) {
		const struct process *process = &supervisor->process[i];

		if (process->role == SEAT_LEAVER && supervise_is_living(process) &&
		    process->due_ms < due)
			due = process->due_ms;
	}
	return due;
}

uint32_t
seats_count(const struct supervisor *supervisor, enum seat_role role)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < supervisor->seats; i++)
		if (supervisor->process[i].role == role)
			count++;
	return count;
}

const char *
seats_role_text(enum seat_role role)
{
	static const char *const texts[] = { "empty", "serving", "newcomer", "leaver", "orphan" };

	return texts[role];
}
