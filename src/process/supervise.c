/* supervise.c -- the master's processes: seated, watched, buried and seated again. */
#include "process/supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/result.h"
#include "process/backoff.h"
#include "process/heartbeat.h"
#include "process/store_main.h"
#include "process/talk.h"
#include "process/worker.h"
#include "shm/shm.h"

#define CHECK_MS 200

static bool
is_living(const struct process *process)
{
	return process->state == PROCESS_STARTING || process->state == PROCESS_RUNNING;
}

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

static void
wait_until(struct process *process, uint64_t due_ms)
{
	process->state = PROCESS_WAITING;
	process->due_ms = due_ms;
}

/* Lack of memory or processes passes: tried again. */
static void
seat(struct supervisor *supervisor, struct process *process)
{
	int sockets[2];
	pid_t pid;

	if (talk_pair(sockets) != RESULT_OK) {
		log_error(LOG_MASTER, "no socket for a process", "reason=\"%s\"", strerror(errno));
		wait_until(process, heartbeat_now_ms() + BACKOFF_MOST_MS);
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
		wait_until(process, heartbeat_now_ms() + BACKOFF_MOST_MS);
		return;
	}
	process->pid = pid;
	process->socket = sockets[0];
	process->state = PROCESS_STARTING;
	process->started_ms = heartbeat_now_ms();
	process->is_hung = false;
	process->is_pending = false;
	supervisor->watchdog[process->child.number] = (struct watchdog){
		.period_ms = process->child.kind == PROCESS_WORKER ? WATCHDOG_PERIOD_MS
								   : WATCHDOG_STORE_PERIOD_MS
	};
	log_debug(LOG_MASTER, "process started", "process=\"%s\" pid=%d", process->child.name,
	    (int)pid);
}

/* --- burying --- */

static void
forget_socket(struct process *process)
{
	if (process->socket >= 0)
		close(process->socket);
	process->socket = -1;
}

/* Stores that live clear what it left; the number of the dead one goes there and back. */
static uint32_t
ask_stores(struct supervisor *supervisor, const struct process *dead)
{
	struct slice number = slice_of(&dead->child.number, sizeof(dead->child.number));
	uint32_t asked = 0;

	for (uint32_t i = supervisor->workers; i < supervisor->count; i++) {
		struct process *store = &supervisor->process[i];

		if (store->state == PROCESS_RUNNING &&
		    talk_send(store->socket, TALK_CHECK, number, -1) == RESULT_OK)
			asked |= 1u << store->child.index;
	}
	return asked;
}

static void
tell_end(const struct process *process, const siginfo_t *info, uint64_t delay_ms, bool returns)
{
	char action[64] = "none";
	bool is_killed = info->si_code != CLD_EXITED;
	enum log_level level = returns || is_killed || info->si_status != 0 ? LOG_WARN : LOG_INFO;

	if (returns && delay_ms == 0)
		snprintf(action, sizeof(action), "replaced at once");
	else if (returns)
		snprintf(action, sizeof(action), "replaced in %llu ms",
		    (unsigned long long)delay_ms);
	log_write(level, LOG_MASTER, "process ended",
	    "process=\"%s\" pid=%d %s=%d hung=%d lived_ms=%llu action=\"%s\"",
	    process->child.name, (int)process->pid, is_killed ? "signal" : "status",
	    info->si_status, process->is_hung ? 1 : 0,
	    (unsigned long long)(heartbeat_now_ms() - process->started_ms), action);
}

/*
 * Only now is its process number free, and locks it held may be taken: until here nobody could be
 * mistaken for it.
 */
static void
reap(struct supervisor *supervisor, struct process *process)
{
	uint64_t lived = heartbeat_now_ms() - process->started_ms;
	uint64_t delay = 0;
	siginfo_t info = { 0 };
	bool was_pending = process->is_pending;
	bool returns;
	int status;

	while (waitid(P_PID, (id_t)process->pid, &info, WEXITED) != 0 && errno == EINTR)
		;
	status = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	close(process->pidfd);
	process->pidfd = -1;
	forget_socket(process);
	shm_reaped(supervisor->shm, process->child.number);
	supervisor->watchdog[process->child.number].period_ms = 0;
	process->is_pending = false;
	returns = supervisor->events->on_end(supervisor->owner, process, status);
	process->state = PROCESS_NONE;
	if (returns)
		delay = backoff_delay(lived, &process->young);
	tell_end(process, &info, delay, returns);
	process->pid = 0;
	if (returns) {
		process->restarts++;
		if (delay == 0)
			seat(supervisor, process);
		else
			wait_until(process, heartbeat_now_ms() + delay);
	}
	if (was_pending)
		supervisor->events->on_applied(supervisor->owner);
}

static void
on_death(void *owner, int fd)
{
	struct supervisor *supervisor = owner;

	for (uint32_t i = 0; i < supervisor->count; i++) {
		struct process *process = &supervisor->process[i];

		if (process->pidfd != fd || !is_living(process))
			continue;
		process->state = PROCESS_DEAD;
		process->due_ms = heartbeat_now_ms() + CHECK_MS;
		supervisor->watchdog[i].period_ms = 0;
		process->checks = ask_stores(supervisor, process);
		if (process->checks == 0)
			reap(supervisor, process);
		return;
	}
}

/* A store has cleared what the process of that number left. */
static void
on_checked(struct supervisor *supervisor, const struct process *store, const struct talk *talk)
{
	struct process *dead;
	uint32_t number;

	if (talk->length != sizeof(number))
		return;
	memcpy(&number, talk->text, sizeof(number));
	if (number >= supervisor->count)
		return;
	dead = &supervisor->process[number];
	dead->checks &= ~(1u << store->child.index);
	if (dead->state == PROCESS_DEAD && dead->checks == 0)
		reap(supervisor, dead);
}

/* --- words of the children --- */

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
		supervisor->events->on_ready(supervisor->owner, process);
		break;
	case TALK_APPLIED:
		if (!process->is_pending)
			break;
		process->is_pending = false;
		supervisor->events->on_applied(supervisor->owner);
		break;
	case TALK_CHECKED:
		on_checked(supervisor, process, talk);
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

		if (process->socket != fd || !is_living(process))
			continue;
		switch (talk_receive(fd, &talk)) {
		case RESULT_OK:
			hear(supervisor, process, &talk);
			break;
		case RESULT_AGAIN:
			break;
		default:
			/* It is about to end; its pidfd tells. */
			forget_socket(process);
		}
		return;
	}
}

/* --- the watchdog --- */

static void
watch_heartbeats(struct supervisor *supervisor, uint64_t now)
{
	bool end[PROCESSES_MAX] = { false };

	for (uint32_t i = 0; i < supervisor->count; i++) {
		const struct process_page *page = shm_page(supervisor->shm, i);

		watchdog_hear(&supervisor->watchdog[i], atomic_load(&page->heartbeat_ms),
		    atomic_load(&page->lock_since_ms));
	}
	if (watchdog_turn(supervisor->watchdog, end, (int)supervisor->count,
		now - supervisor->watched_ms) > 0) {
		for (uint32_t i = 0; i < supervisor->count; i++) {
			struct process *process = &supervisor->process[i];

			if (!end[i] || !is_living(process))
				continue;
			log_error(LOG_MASTER, "process hangs, ended",
			    "process=\"%s\" pid=%d period_ms=%llu", process->child.name,
			    (int)process->pid,
			    (unsigned long long)supervisor->watchdog[i].period_ms);
			process->is_hung = true;
			kill(process->pid, SIGKILL);
		}
	}
	supervisor->watched_ms = now;
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
supervise_init(struct supervisor *supervisor, struct shm *shm,
    struct inheritance *inheritance, const struct supervisor_events *events,
    void (*on_fork)(void *owner), void *owner)
{
	*supervisor = (struct supervisor){ .shm = shm,
		.inheritance = inheritance,
		.workers = shm->workers,
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
}

static void
start(struct supervisor *supervisor, enum process_kind kind)
{
	for (uint32_t i = 0; i < supervisor->count; i++)
		if (is_of(&supervisor->process[i], kind))
			seat(supervisor, &supervisor->process[i]);
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
supervise_watch(struct supervisor *supervisor, struct poll_set *set)
{
	for (uint32_t i = 0; i < supervisor->count; i++) {
		const struct process *process = &supervisor->process[i];

		if (is_living(process)) {
			/* First what it said, then that it is gone. */
			if (process->socket >= 0)
				poll_set_add(set, process->socket, POLLIN, on_talk, supervisor);
			poll_set_add(set, process->pidfd, POLLIN, on_death, supervisor);
		} else if (process->state != PROCESS_NONE) {
			poll_set_due(set, process->due_ms);
		}
	}
	poll_set_due(set, supervisor->watched_ms + HEARTBEAT_EVERY_MS);
}

void
supervise_turn(struct supervisor *supervisor)
{
	uint64_t now = heartbeat_now_ms();

	for (uint32_t i = 0; i < supervisor->count; i++) {
		struct process *process = &supervisor->process[i];

		if (process->state == PROCESS_DEAD && now >= process->due_ms)
			reap(supervisor, process);
		else if (process->state == PROCESS_WAITING && now >= process->due_ms)
			seat(supervisor, process);
	}
	if (now - supervisor->watched_ms >= HEARTBEAT_EVERY_MS)
		watch_heartbeats(supervisor, now);
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
		if (!is_living(process) || process->socket < 0)
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
		if (!is_living(process))
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

uint32_t
supervise_ready(const struct supervisor *supervisor, enum process_kind kind)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < supervisor->count; i++)
		if (is_of(&supervisor->process[i], kind) &&
		    supervisor->process[i].state == PROCESS_RUNNING)
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
