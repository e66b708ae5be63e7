/* supervise_death.c -- a dead process is buried only when the stores have cleared what it left; and who hangs, dies. */
#include "process/supervise_private.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/result.h"
#include "process/backoff.h"
#include "process/heartbeat.h"
#include "process/sandbox.h"
#include "process/talk.h"
#include "shm/fence.h"
#include "shm/shm.h"
#include "shm/slots.h"

#define CHECK_MS 200
#define AGAIN_MS (3 * WATCHDOG_STORE_PERIOD_MS)

void
supervise_forget_socket(struct process *process)
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

	for (uint32_t i = supervisor->seats; i < supervisor->count; i++) {
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
	enum log_level level = (returns && !process->is_asked) || is_killed || info->si_status != 0 ? LOG_WARN : LOG_INFO;

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

/* A call that is on no list: a fault of ours, or somebody else's code in the process. */
static void
tell_denied(const struct process *process, struct process_page *page)
{
	uint32_t call = atomic_exchange(&page->denied_call, 0);
	char name[64] = "?";

	if (call > 0)
		sandbox_call_name(call - 1, name, sizeof(name));
	log_error(LOG_MASTER, "killed by SIGSYS: the sandbox",
	    "process=\"%s\" pid=%d call=%d name=%s hint=\"report it; until then: sandbox = false\"",
	    process->child.name, (int)process->pid, (int)call - 1, name);
}

static enum write_lock
lock_of(const _Atomic uint32_t *word)
{
	uint32_t lock = atomic_load(word);

	return lock > WRITE_LOCK_STORE ? WRITE_LOCK_NONE : (enum write_lock)lock;
}

/* It died by its own hand, or had to be ended: whoever kills it from outside says nothing of what it handled. */
static bool
has_crashed(const struct process *process, const siginfo_t *info)
{
	return info->si_code != CLD_EXITED && (process->is_hung || info->si_status != SIGKILL) &&
	    info->si_status != SIGTERM && info->si_status != SIGSYS;
}

static void
fence(struct supervisor *supervisor, const struct process *process)
{
	uint64_t stanza = fence_close(supervisor->shm, process->child.number);

	if (stanza != 0)
		log_error(LOG_MASTER, "a worker died of a stanza, which is refused from now on",
		    "process=\"%s\" pid=%d stanza=%016llx", process->child.name,
		    (int)process->pid, (unsigned long long)stanza);
}

/*
 * Only now is its process number free, and locks it held may be taken: until here nobody could be
 * mistaken for it.
 */
void
supervise_reap(struct supervisor *supervisor, struct process *process)
{
	uint64_t lived = heartbeat_now_ms() - process->started_ms;
	struct process_page *page = shm_page(supervisor->shm, process->child.number);
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
	supervise_forget_socket(process);
	if (info.si_code != CLD_EXITED && info.si_status == SIGSYS)
		tell_denied(process, page);
	/* Who waits for a lock does not hang for what it handles. */
	if (has_crashed(process, &info) && lock_of(&page->waits_for) == WRITE_LOCK_NONE)
		fence(supervisor, process);
	if (lock_of(&page->broken) != WRITE_LOCK_NONE)
		supervisor->events->on_broken_lock(supervisor->owner, process, lock_of(&page->broken));
	shm_reaped(supervisor->shm, process->child.number);
	supervisor->watchdog[process->child.number].period_ms = 0;
	process->is_pending = false;
	returns = supervisor->events->on_end(supervisor->owner, process, status) &&
	    (process->child.kind != PROCESS_WORKER || process->role == SEAT_SERVING);
	process->state = PROCESS_NONE;
	if (process->child.kind == PROCESS_WORKER)
		seats_on_end(supervisor, process);
	if (returns)
		delay = backoff_delay(lived, &process->young);
	tell_end(process, &info, delay, returns);
	process->pid = 0;
	if (returns) {
		process->restarts++;
		if (delay == 0)
			supervise_seat(supervisor, process);
		else
			supervise_wait(process, heartbeat_now_ms() + delay);
	}
	if (was_pending)
		supervisor->events->on_applied(supervisor->owner);
}

void
supervise_on_death(void *owner, int fd)
{
	struct supervisor *supervisor = owner;

	for (uint32_t i = 0; i < supervisor->count; i++) {
		struct process *process = &supervisor->process[i];

		if (process->pidfd != fd || !supervise_is_living(process))
			continue;
		process->state = PROCESS_DEAD;
		process->due_ms = heartbeat_now_ms() + CHECK_MS;
		supervisor->watchdog[i].period_ms = 0;
		process->checks = ask_stores(supervisor, process);
		if (process->checks == 0)
			supervise_reap(supervisor, process);
		return;
	}
}

void
supervise_checked(struct supervisor *supervisor, const struct process *store, const struct talk *talk)
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
		supervise_reap(supervisor, dead);
}

/* --- the watchdog --- */

/* Who stands still with a slot has held it since its last beat at least: no page says so. */
static void
hear_all(struct supervisor *supervisor, uint64_t ran_ms)
{
	struct watchdog *all = supervisor->watchdog;
	uint64_t holders;

	for (uint32_t i = 0; i < supervisor->count; i++) {
		const struct process_page *page = shm_page(supervisor->shm, i);

		all[i].waits = atomic_load(&page->waits_for) != WRITE_LOCK_NONE ||
		    supervisor->process[i].state == PROCESS_STARTING;
		watchdog_hear(&all[i], atomic_load(&page->heartbeat_ms),
		    atomic_load(&page->lock_since_ms));
	}
	if (!watchdog_is_due(all, (int)supervisor->count, ran_ms))
		return;
	holders = slot_holders(supervisor->shm);
	for (uint32_t i = 0; i < supervisor->seats; i++)
		if (all[i].lock_since_ms == 0 && (holders >> i & 1) != 0)
			all[i].lock_since_ms = all[i].heartbeat_ms;
}

static void
end_all(struct supervisor *supervisor, const bool *end)
{
	static const char *const texts[] = { "none", "registry", "store" };

	for (uint32_t i = 0; i < supervisor->count; i++) {
		struct process *process = &supervisor->process[i];
		enum write_lock lock = lock_of(&shm_page(supervisor->shm, i)->waits_for);

		if (!end[i] || !supervise_is_living(process))
			continue;
		log_error(LOG_MASTER, "process hangs, ended",
		    "process=\"%s\" pid=%d period_ms=%llu waits_for_lock=%s", process->child.name,
		    (int)process->pid, (unsigned long long)supervisor->watchdog[i].period_ms,
		    texts[lock]);
		process->is_hung = true;
		kill(process->pid, SIGKILL);
		if (lock != WRITE_LOCK_NONE) {
			supervisor->waiter = process;
			supervisor->waits_for = lock;
		}
	}
}

/* Once is chance. A replacement that hangs while it opens the environment cannot say for what it waits. */
static void
end_waiters(struct supervisor *supervisor, const bool *end, uint64_t now)
{
	bool is_again = supervisor->waited_ms != 0 && now - supervisor->waited_ms < AGAIN_MS;

	if (!is_again)
		supervisor->waiter = NULL;
	end_all(supervisor, end);
	supervisor->waited_ms = now;
	if (!is_again || supervisor->waiter == NULL)
		return;
	supervisor->waited_ms = 0;
	supervisor->events->on_broken_lock(supervisor->owner, supervisor->waiter,
	    supervisor->waits_for);
}

void
supervise_heartbeats(struct supervisor *supervisor, uint64_t now)
{
	bool end[PROCESSES_MAX] = { false }, waits_for_nobody;
	uint64_t ran_ms = now - supervisor->watched_ms;

	supervisor->watched_ms = now;
	hear_all(supervisor, ran_ms);
	waits_for_nobody =
	    watchdog_waits_for_nobody(supervisor->watchdog, (int)supervisor->count, ran_ms);
	if (watchdog_turn(supervisor->watchdog, end, (int)supervisor->count, ran_ms) == 0)
		return;
	if (waits_for_nobody) {
		end_waiters(supervisor, end, now);
		return;
	}
	end_all(supervisor, end);
	supervisor->waited_ms = 0;
}
