/* master.c -- the only process that runs as root: sockets, memory, forks, signals, control. */
#include "process/master.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "net/tls_context.h"
#include "process/control.h"
#include "process/daemon.h"
#include "process/guardian.h"
#include "process/estate.h"
#include "process/heartbeat.h"
#include "process/logs.h"
#include "process/notify.h"
#include "process/renew.h"
#include "process/signals.h"
#include "shm/shm.h"

#define STORES_STOP_MS 10000
#define ANEW_MS	       1000	/* for those who end so that all begin anew: some of them hang */

/* --- stopping --- */

static void
begin_anew(struct master *master)
{
	master->begins_anew = false;
	master->is_anew = true;
	master->state = MASTER_START_STORES;
	supervise_start_stores(&master->supervisor);
}

static void
enter(struct master *master, enum master_state state)
{
	if (state == MASTER_END && master->begins_anew) {
		begin_anew(master);
		return;
	}
	master->state = state;
	if (state == MASTER_STOP_WORKERS) {
		master->stop_due_ms =
		    heartbeat_now_ms() + (uint64_t)master->config->close_timeout + 1000;
		supervise_tell(&master->supervisor, PROCESS_WORKER, TALK_STOP, -1);
	} else if (state == MASTER_STOP_STORES) {
		master->stop_due_ms = heartbeat_now_ms() + STORES_STOP_MS;
		supervise_tell(&master->supervisor, PROCESS_STORE, TALK_STOP, -1);
	}
	if (master->begins_anew)
		master->stop_due_ms = heartbeat_now_ms() + ANEW_MS;
}

void
master_stop(struct master *master, int status, const char *why)
{
	if (master->state >= MASTER_STOP_WORKERS && !master->begins_anew)
		return;
	log_info(LOG_MASTER, "stopping", "reason=\"%s\"", why);
	notify_send("STOPPING=1");
	master->status = status;
	if (!master->begins_anew)
		enter(master, MASTER_STOP_WORKERS);
	master->begins_anew = false;
}

/* Workers first: what they still ask the stores for is served. */
static void
stop_turn(struct master *master)
{
	enum process_kind kind =
	    master->state == MASTER_STOP_WORKERS ? PROCESS_WORKER : PROCESS_STORE;

	if (heartbeat_now_ms() >= master->stop_due_ms) {
		supervise_kill(&master->supervisor, kind);
		master->stop_due_ms = heartbeat_now_ms() + STORES_STOP_MS;
	}
	if (supervise_living(&master->supervisor, kind) == 0)
		enter(master, (enum master_state)(master->state + 1));
}

/* --- the life of processes --- */

static void
be_ready(struct master *master)
{
	char status[64];

	master->state = MASTER_READY;
	master->is_anew = false;
	atomic_store(&shm_page(master->shm, shm_master_number(master->shm))->ready, 1);
	snprintf(status, sizeof(status), "%u workers accept connections",
	    master->supervisor.workers);
	log_info(LOG_MASTER, "ready", "workers=%u hosts=%zu version=%s",
	    master->supervisor.workers, master->config->host_count, VERSION);
	notify_ready(status);
	daemon_ready();
	guardian_ready();
}

static void
on_ready(void *owner, struct process *process)
{
	struct master *master = owner;
	struct supervisor *supervisor = &master->supervisor;

	if (process->role == SEAT_NEWCOMER) {
		if (!upgrade_on_ready(master, process))
			renew_on_ready(master, process);
		return;
	}
	if (process->restarts > 0)
		log_info(LOG_MASTER, "process is back", "process=\"%s\" pid=%d",
		    process->child.name, (int)process->pid);
	if (master->state == MASTER_START_STORES &&
	    supervise_ready(supervisor, PROCESS_STORE) == STORE_COUNT) {
		master->state = MASTER_START_WORKERS;
		supervise_start_workers(supervisor);
	} else if (master->state == MASTER_START_WORKERS &&
	    supervise_ready(supervisor, PROCESS_WORKER) == supervisor->workers) {
		be_ready(master);
	}
}

/* What cannot start the first time will not the second; its own words stand in the log. */
static bool
on_end(void *owner, struct process *process, int status)
{
	struct master *master = owner;

	if (master->state >= MASTER_STOP_WORKERS) {
		/* A store must be there for as long as workers ask it. */
		return master->state == MASTER_STOP_WORKERS && process->child.kind == PROCESS_STORE;
	}
	if (process->role == SEAT_NEWCOMER && !upgrade_on_failure(master, process))
		renew_on_failure(master, process);
	if (process->role == SEAT_SERVING && !upgrade_replaces(master))
		return false;
	/* Where it could before it tries again: somebody may still have open what is to be made anew. */
	if (master->state < MASTER_READY && !master->is_anew && status > 0 && status < 128) {
		master_stop(master, status, "a process cannot start");
		return false;
	}
	return true;
}

/*
 * Something has written into LMDB's lock file. LMDB makes it anew for who opens the environment while nobody else has it open,
 * and replacements never do; so all end first. To clients that is a restart of the server.
 */
static void
on_broken_lock(void *owner, const struct process *process, enum write_lock lock)
{
	struct master *master = owner;
	bool is_registry = lock == WRITE_LOCK_REGISTRY;
	const char *store = process->child.index == STORE_CORE ? "core" : "msg";

	if (master->state != MASTER_READY || master->upgrade.stage != UPGRADE_NONE)
		return;
	log_error(LOG_MASTER, "a lock of LMDB is broken: all processes end and begin anew",
	    "file=%s/%s/lock.mdb hint=\"something else has written into it\"",
	    is_registry ? master->config->runtime_dir : master->config->data_dir,
	    is_registry ? "registry" : store);
	master->begins_anew = true;
	enter(master, MASTER_STOP_WORKERS);
}

static const struct supervisor_events events = { on_ready, reload_on_applied, on_end,
	on_broken_lock };

/* --- signals and time --- */

void
master_reopen_logs(struct master *master)
{
	struct inheritance *all = &master->inheritance;
	int old = all->log_fd, new;

	if (master->config->log[0] != '/') {
		log_info(LOG_MASTER, "there is no log file to reopen", "");
		return;
	}
	if (logs_open(master->config->log, &all->identity, &new) != RESULT_OK)
		return;
	all->log_fd = new;
	logs_use(new);
	supervise_tell(&master->supervisor, 0, TALK_LOG, new);
	close(old);
	log_info(LOG_MASTER, "log file reopened", "path=%s", master->config->log);
}

static void
on_signal(void *owner, int fd)
{
	struct master *master = owner;

	for (int signum; (signum = signals_next(fd)) != 0;) {
		switch (signum) {
		case SIGTERM:
		case SIGINT:
			master_stop(master, 0, strsignal(signum));
			break;
		case SIGHUP:
			reload_start(master);
			break;
		case SIGUSR1:
			master_reopen_logs(master);
			break;
		default:
			if (upgrade_start(master) != RESULT_OK)
				log_warn(LOG_MASTER, "no upgrade now", "state=%d", (int)master->state);
		}
	}
}

static struct tls_ticket_page *
ticket_page(struct master *master)
{
	return (struct tls_ticket_page *)(void *)master->shm->instance->tickets;
}

/*
 * The page has no OpenSSL in it, and the rotation needs only random bytes: the one thing of TLS that the
 * master does, so that keys change though a worker or store hangs.
 */
static void
rotate_tickets(struct master *master)
{
	tls_ticket_rotate(ticket_page(master), clock_wall_us() / 1000);
	master->rotate_due_ms = heartbeat_now_ms() + TLS_TICKET_ROTATE_MS;
}

/* Keys of the server before go on until it is their time; one that was being written is not to be used. */
static void
start_tickets(struct master *master)
{
	const struct tls_ticket_page *page = ticket_page(master);
	uint64_t now = clock_wall_us() / 1000;

	if (tls_ticket_is_due(page, now))
		rotate_tickets(master);
	else
		master->rotate_due_ms =
		    heartbeat_now_ms() + page->key[0].made_ms + TLS_TICKET_ROTATE_MS - now;
}

static void
turn(struct master *master)
{
	struct poll_set *set = &master->poll_set;
	uint64_t now = heartbeat_now_ms();

	heartbeat_beat(shm_page(master->shm, shm_master_number(master->shm)));
	if (now >= master->rotate_due_ms ||
	    tls_ticket_is_due(ticket_page(master), clock_wall_us() / 1000))
		rotate_tickets(master);
	if (master->watchdog_ms != 0 && now >= master->watchdog_due_ms) {
		notify_send("WATCHDOG=1");
		master->watchdog_due_ms = now + master->watchdog_ms;
	}
	supervise_turn(&master->supervisor);
	reload_turn(master);
	upgrade_turn(master);
	control_turn(master->control);
	if (master->state >= MASTER_STOP_WORKERS)
		stop_turn(master);
	if (master->state == MASTER_END)
		return;

	poll_set_reset(set, now + HEARTBEAT_EVERY_MS);
	poll_set_due(set, master->rotate_due_ms);
	if (master->watchdog_ms != 0)
		poll_set_due(set, master->watchdog_due_ms);
	if (master->state >= MASTER_STOP_WORKERS)
		poll_set_due(set, master->stop_due_ms);
	poll_set_add(set, master->signal_fd, POLLIN, on_signal, master);
	supervise_watch(&master->supervisor, set);
	reload_watch(master);
	upgrade_watch(master);
	control_watch(master->control, set);
	poll_set_wait(set);
}

/* A package that is upgraded replaces the file under this name. */
static void
find_program(struct master *master)
{
	ssize_t length = 0;

	if (master->arguments->estate != NULL)
		snprintf(master->program, sizeof(master->program), "%s",
		    master->arguments->estate->program);
	else
		length = readlink("/proc/self/exe", master->program, sizeof(master->program) - 1);
	if (length < 0)
		log_warn(LOG_MASTER, "the program is not known, and cannot be upgraded", "");
}

/* The processes of the binary before are ours now. */
static void
resume(struct master *master, const struct estate *estate)
{
	guardian_take(estate->guardian);
	for (uint32_t i = 0; i < estate->processes; i++)
		supervise_take(&master->supervisor, &estate->process[i],
		    estate->kind == ESTATE_UPGRADE);
	seats_resume(&master->supervisor);
	master->state = MASTER_READY;
	upgrade_resume(master, estate);
}

static int
begin(struct master *master)
{
	struct estate *estate = master->arguments->estate;
	int status = estate == NULL ? master_prepare(master) : master_resume(master);
	char why[128];

	if (status == 0 || estate == NULL)
		return status;
	snprintf(why, sizeof(why), "its master did not come up (status %d)", status);
	upgrade_go_back(master, estate, why);
	return status;
}

int
master_run(const struct arguments *arguments)
{
	struct master *master = NEW(struct master);
	int status;

	log_set_process("master");
	umask(027);
	master->arguments = arguments;
	master->pid_fd = -1;
	master->image.socket = master->image.fd = -1;
	master->signal_fd = signals_open();
	master->upgrade.trial_pidfd = master->upgrade.said_fd = -1;
	master->upgrade.program_fd = master->upgrade.image_fd = -1;
	find_program(master);
	status = begin(master);
	if (status == 0) {
		master->watchdog_ms = notify_watchdog_ms();
		start_tickets(master);
		supervise_init(&master->supervisor, master->shm, master->is_taken,
		    &master->inheritance, &events, master_forget, master);
		if (arguments->estate == NULL)
			supervise_start_stores(&master->supervisor);
		else
			resume(master, arguments->estate);
		while (master->state != MASTER_END)
			turn(master);
		status = master->status;
		log_info(LOG_MASTER, "stopped", "status=%d", status);
	}
	master_clear(master);
	memory_free(master);
	return status;
}
