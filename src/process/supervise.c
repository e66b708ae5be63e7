/* supervise.c -- the master's processes: seated, watched, buried and seated again. */
#include "process/supervise_private.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/log_syslog.h"
#include "base/result.h"
#include "process/backoff.h"
#include "process/estate.h"
#include "process/heartbeat.h"
#include "process/store_main.h"
#include "process/talk.h"
#include "process/worker.h"
#include "shm/shm.h"

static bool
is_of(const struct process *process, enum process_kind kind)
{
	return kind == 0 || process->child.kind == kind;
}

/* --- seating --- */

_Noreturn static void
run_child(struct supervisor *supervisor, struct process *process)
{
	supervisor->on_fork(supervisor->owner);
	if (process->child.kind == PROCESS_WORKER)
		worker_run(&process->child);
	store_run(&process->child);
}

void
supervise_wait(struct process *process, uint64_t due_ms)
{
	process->state = PROCESS_WAITING;
	process->due_ms = due_ms;
}

static void
watch(struct supervisor *supervisor, const struct process *process)
{
	supervisor->watchdog[process->child.number] = (struct watchdog){
		.period_ms = process->child.kind == PROCESS_WORKER ? WATCHDOG_PERIOD_MS
								   : WATCHDOG_STORE_PERIOD_MS
	};
}

/* Lack of memory or processes passes: tried again. */
void
supervise_seat(struct supervisor *supervisor, struct process *process)
{
	int sockets[2];
	pid_t pid;

	if (talk_pair(sockets) != RESULT_OK) {
		log_error(LOG_MASTER, "no socket for a process", "reason=\"%s\"", strerror(errno));
		supervise_wait(process, heartbeat_now_ms() + BACKOFF_MOST_MS);
		return;
	}
	process->child.socket = sockets[1];
	pid = fork();
	if (pid == 0)
		run_child(supervisor, process);
	close(sockets[1]);
	process->pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	if (pid < 0 || process->pidfd < 0) {
		log_error(LOG_MASTER, "cannot start a process", "process=\"%s\" reason=\"%s\"",
		    process->child.name, strerror(errno));
		close(sockets[0]);
		if (pid > 0)
			kill(pid, SIGKILL);
		supervise_wait(process, heartbeat_now_ms() + BACKOFF_MOST_MS);
		return;
	}
	process->pid = pid;
	process->socket = sockets[0];
	process->state = PROCESS_STARTING;
	process->started_ms = heartbeat_now_ms();
	process->is_hung = false;
	process->is_pending = false;
	process->is_foreign = false;
	process->is_asked = false;
	watch(supervisor, process);
	log_debug(LOG_MASTER, "process started", "process=\"%s\" pid=%d", process->child.name,
	    (int)pid);
}

/* --- words of the children --- */

/* Syslog was started anew: who is in a sandbox cannot connect to it. */
static void
hand_syslog(const struct process *process)
{
	int fd = log_syslog_connect();

	if (fd < 0)
		return;
	talk_send(process->socket, TALK_LOG, SLICE_EMPTY, fd);
	close(fd);
}

static void
hear(struct supervisor *supervisor, struct process *process, const struct talk *talk)
{
	if (talk->fd >= 0)
		close(talk->fd);
	switch (talk->verb) {
	case TALK_READY:
		if (process->state != PROCESS_STARTING)
			break;
		process->state = PROCESS_RUNNING;
		if (process->child.kind == PROCESS_WORKER)
			seats_on_ready(supervisor, process);
		supervisor->events->on_ready(supervisor->owner, process);
		break;
	case TALK_APPLIED:
		if (!process->is_pending)
			break;
		process->is_pending = false;
		supervisor->events->on_applied(supervisor->owner);
		break;
	case TALK_LOG:
		hand_syslog(process);
		break;
	case TALK_ADOPTED:
		if (process->child.kind == PROCESS_WORKER)
			seats_on_adopted(supervisor, process);
		break;
	case TALK_CHECKED:
		supervise_checked(supervisor, process, talk);
		break;
	default:
		log_error(LOG_MASTER, "a word out of place", "process=\"%s\" verb=%d",
		    process->child.name, (int)talk->verb);
	}
}

static void
on_talk(void *owner, int fd)
{
	struct supervisor *supervisor = owner;
	struct talk talk;

	for (uint32_t i = 0; i < supervisor->count; i++) {
		struct process *process = &supervisor->process[i];

		if (process->socket != fd || !supervise_is_living(process))
			continue;
		switch (talk_receive(fd, &talk)) {
		case RESULT_OK:
			hear(supervisor, process, &talk);
			break;
		case RESULT_AGAIN:
			break;
		default:
			/* It is about to end; its pidfd tells. */
			supervise_forget_socket(process);
		}
		return;
	}
}

/* --- the public functions --- */

static void
add(struct supervisor *supervisor, enum process_kind kind, uint32_t index)
{
	struct process *process = &supervisor->process[supervisor->count];

	process->pidfd = -1;
	process->socket = -1;
	process->child = (struct child){ .inheritance = supervisor->inheritance,
		.kind = kind,
		.number = supervisor->count,
		.index = index };
	if (kind == PROCESS_WORKER)
		snprintf(process->child.name, sizeof(process->child.name), "worker %u", index);
	else
		snprintf(process->child.name, sizeof(process->child.name), "store %s",
		    index == STORE_CORE ? "core" : "msg");
	supervisor->count++;
}

void
supervise_init(struct supervisor *supervisor, struct shm *shm, bool is_taken,
    struct inheritance *inheritance, const struct supervisor_events *events,
    void (*on_fork)(void *owner), void *owner)
{
	*supervisor = (struct supervisor){ .shm = shm,
		.inheritance = inheritance,
		.seats = shm->workers,
		.workers = shm->workers / 2,
		.watched_ms = heartbeat_now_ms(),
		.events = events,
		.on_fork = on_fork,
		.owner = owner };
	for (uint32_t i = 0; i < shm->workers; i++)
		add(supervisor, PROCESS_WORKER, i);
	for (uint32_t i = 0; i < STORE_COUNT; i++) {
		ensure(supervisor->count == shm_store_number(shm, i));
		add(supervisor, PROCESS_STORE, i);
	}
	seats_init(supervisor, is_taken);
}

static void
start(struct supervisor *supervisor, enum process_kind kind)
{
	for (uint32_t i = 0; i < supervisor->count; i++)
		if (is_of(&supervisor->process[i], kind) &&
		    supervisor->process[i].state == PROCESS_NONE &&
		    (kind != PROCESS_WORKER || supervisor->process[i].role == SEAT_SERVING))
			supervise_seat(supervisor, &supervisor->process[i]);
}

void
supervise_start_stores(struct supervisor *supervisor)
{
	start(supervisor, PROCESS_STORE);
}

void
supervise_start_workers(struct supervisor *supervisor)
{
	start(supervisor, PROCESS_WORKER);
}

void
supervise_hand_over(const struct supervisor *supervisor, uint32_t number,
    struct estate_process *out)
{
	const struct process *process = &supervisor->process[number];
	bool lives = supervise_is_living(process);

	*out = (struct estate_process){ .number = number,
		.pid = lives ? process->pid : 0,
		.pidfd = lives ? process->pidfd : -1,
		.socket = lives ? process->socket : -1,
		.role = process->role,
		.is_asked = process->is_asked,
		.restarts = process->restarts,
		.started_ms = process->started_ms };
}

void
supervise_take(struct supervisor *supervisor, const struct estate_process *from,
    bool is_foreign)
{
	struct process *process = &supervisor->process[from->number];

	if (from->number >= supervisor->count)
		return;
	process->role = from->role;
	process->is_asked = from->is_asked;
	process->restarts = from->restarts;
	process->started_ms = from->started_ms;
	process->pid = from->pid;
	process->pidfd = from->pidfd;
	process->socket = from->socket;
	process->is_foreign = is_foreign;
	process->state = from->pid == 0 ? PROCESS_NONE : PROCESS_RUNNING;
	if (from->pid != 0)
		watch(supervisor, process);
}

void
supervise_watch(struct supervisor *supervisor, struct poll_set *set)
{
	for (uint32_t i = 0; i < supervisor->count; i++) {
		const struct process *process = &supervisor->process[i];

		if (supervise_is_living(process)) {
			/* First what it said, then that it is gone. */
			if (process->socket >= 0)
				poll_set_add(set, process->socket, POLLIN, on_talk, supervisor);
			poll_set_add(set, process->pidfd, POLLIN, supervise_on_death, supervisor);
		} else if (process->state != PROCESS_NONE) {
			poll_set_due(set, process->due_ms);
		}
	}
	poll_set_due(set, seats_due(supervisor));
	poll_set_due(set, supervisor->watched_ms + HEARTBEAT_EVERY_MS);
}

void
supervise_turn(struct supervisor *supervisor)
{
	uint64_t now = heartbeat_now_ms();

	for (uint32_t i = 0; i < supervisor->count; i++) {
		struct process *process = &supervisor->process[i];

		if (process->state == PROCESS_DEAD && now >= process->due_ms)
			supervise_reap(supervisor, process);
		else if (process->state == PROCESS_WAITING && now >= process->due_ms)
			supervise_seat(supervisor, process);
	}
	seats_turn(supervisor, now);
	if (now - supervisor->watched_ms >= HEARTBEAT_EVERY_MS)
		supervise_heartbeats(supervisor, now);
}

void
supervise_tell(struct supervisor *supervisor, enum process_kind kind, enum talk_verb verb,
    int fd)
{
	for (uint32_t i = 0; i < supervisor->count; i++) {
		struct process *process = &supervisor->process[i];

		if (!is_of(process, kind))
			continue;
		if (verb == TALK_STOP && process->state == PROCESS_WAITING)
			process->state = PROCESS_NONE;
		/* Images are for the binary that made them. */
		if (!supervise_is_living(process) || process->socket < 0 ||
		    (verb == TALK_IMAGE && process->is_foreign))
			continue;
		if (talk_send(process->socket, verb, SLICE_EMPTY, fd) != RESULT_OK)
			log_warn(LOG_MASTER, "a process does not listen", "process=\"%s\"",
			    process->child.name);
		else if (verb == TALK_IMAGE)
			process->is_pending = true;
	}
}

void
supervise_kill(struct supervisor *supervisor, enum process_kind kind)
{
	for (uint32_t i = 0; i < supervisor->count; i++) {
		struct process *process = &supervisor->process[i];

		if (!is_of(process, kind))
			continue;
		if (process->state == PROCESS_WAITING)
			process->state = PROCESS_NONE;
		if (!supervise_is_living(process))
			continue;
		log_warn(LOG_MASTER, "process did not stop in time", "process=\"%s\" pid=%d",
		    process->child.name, (int)process->pid);
		kill(process->pid, SIGKILL);
	}
}

uint32_t
supervise_living(const struct supervisor *supervisor, enum process_kind kind)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < supervisor->count; i++)
		if (is_of(&supervisor->process[i], kind) &&
		    supervisor->process[i].state != PROCESS_NONE)
			count++;
	return count;
}

bool
supervise_has_dead(const struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->count; i++)
		if (supervisor->process[i].state == PROCESS_DEAD)
			return true;
	return false;
}

uint32_t
supervise_ready(const struct supervisor *supervisor, enum process_kind kind)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < supervisor->count; i++)
		if (is_of(&supervisor->process[i], kind) &&
		    supervisor->process[i].state == PROCESS_RUNNING &&
		    (kind != PROCESS_WORKER || supervisor->process[i].role == SEAT_SERVING))
			count++;
	return count;
}

uint32_t
supervise_pending(const struct supervisor *supervisor)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < supervisor->count; i++)
		if (supervisor->process[i].is_pending)
			count++;
	return count;
}

const char *
supervise_state_text(const struct process *process)
{
	static const char *const texts[] = { "none", "starting", "running", "dead", "waiting" };

	return texts[process->state];
}
