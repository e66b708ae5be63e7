/* master_start.c -- what the master makes before its first fork, and takes away after the last one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "net/tls_context.h"
#include "process/control.h"
#include "process/daemon.h"
#include "process/descriptors.h"
#include "process/directories.h"
#include "process/guardian.h"
#include "process/estate.h"
#include "process/heartbeat.h"
#include "process/logs.h"
#include "process/master.h"
#include "process/memory.h"
#include "process/pid_file.h"
#include "process/sandbox.h"
#include "shm/shm.h"

#define CHILD_SILENCE_MS 30000
#define OLD_CHILDREN_MS	 10000

static_assert(sizeof(struct tls_ticket_page) <= sizeof(((struct instance *)0)->tickets),
    "ticket page");

/* Of the binary before, which is this one, executed again: the file may be what kept the other one from starting. */
static int
keep_config(struct master *master, int fd)
{
	master->config = config_load(fd);
	master->inheritance.image_fd = fd;
	master->inheritance.config = master->config;
	return master->config != NULL ? 0 : EX_SOFTWARE;
}

static int
read_config(struct master *master)
{
	const struct estate *estate = master->arguments->estate;
	struct image_options options = { .path = master->arguments->file,
		.serial = estate == NULL ? 1 : estate->config_serial + 1,
		.test_clock = master->arguments->test_clock };
	struct slice lines;
	int rc;

	if (estate != NULL && estate->kind == ESTATE_BACK)
		return keep_config(master, estate->image_fd);
	rc = image_read(&master->image, &options, CHILD_SILENCE_MS);
	lines = buffer_slice(&master->image.lines);
	if (lines.length > 0)
		fprintf(stderr, SLICE_FMT, SLICE_ARG(lines));
	if (rc == RESULT_INVALID)
		return EX_CONFIG;
	if (rc != RESULT_OK) {
		log_error(LOG_CONFIG, "the child that reads the configuration failed",
		    "reason=\"%s\"", result_text(rc));
		return EX_OSERR;
	}
	master->config = master->image.config;
	master->image.config = NULL;
	master->inheritance.image_fd = master->image.fd;
	master->image.fd = -1;
	image_clear(&master->image);
	master->inheritance.config = master->config;
	return 0;
}

/* In the background nobody reads standard error. */
static int
open_log(struct master *master)
{
	const char *log = master->config->log;

	if (master->arguments->is_daemon && strcmp(log, "stderr") == 0) {
		log_warn(LOG_MASTER, "in the background the log goes to syslog",
		    "hint=\"set the option log\"");
		log = "syslog";
	}
	if (logs_open(log, &master->inheritance.identity, &master->inheritance.log_fd) !=
	    RESULT_OK)
		return EX_CANTCREAT;
	log_set_level((enum log_level)master->config->log_level);
	return 0;
}

static int
begin_log(struct master *master)
{
	logs_use(master->inheritance.log_fd);
	if (guardian_signal() != 0)
		log_warn(LOG_MASTER, "the master before was killed", "signal=%d",
		    guardian_signal());
	return 0;
}

static int
make_directories(struct master *master)
{
	const struct config *config = master->config;
	const struct identity *identity = &master->inheritance.identity;

	if (directories_make(config->data_dir, identity) != RESULT_OK ||
	    directories_make(config->runtime_dir, identity) != RESULT_OK)
		return EX_CANTCREAT;
	return segment_check_directory(config->runtime_dir) == RESULT_OK ? 0 : EX_CONFIG;
}

static int
write_pid(struct master *master)
{
	const char *path = master->config->pid_file;
	pid_t holder;
	int rc = pid_file_write(path, guardian_pid(), &master->pid_fd, &holder);

	if (rc == RESULT_OK)
		return 0;
	if (rc == RESULT_EXISTS) {
		log_error(LOG_MASTER, "the server runs already", "pid=%d pid_file=%s",
		    (int)holder, path);
		return EX_UNAVAILABLE;
	}
	log_error(LOG_MASTER, "cannot write the pid file", "path=%s reason=\"%s\"", path,
	    strerror(errno));
	return EX_CANTCREAT;
}

static int
lock_memory(struct master *master)
{
	const char *runtime_dir = master->config->runtime_dir;
	int rc = directories_lock(runtime_dir, OLD_CHILDREN_MS, &master->inheritance.lock_fd);

	if (rc == RESULT_OK)
		return 0;
	log_error(LOG_MASTER, "the runtime directory is in use",
	    "path=%s reason=\"%s\" hint=\"another server, or processes of one that died\"",
	    runtime_dir, result_text(rc));
	return EX_UNAVAILABLE;
}

static int
make_memory(struct master *master)
{
	const struct config *config = master->config;
	struct shm_options options = { .runtime_dir = config->runtime_dir,
		.workers = 2 * seats_workers(config),	/* each has two numbers in turn */
		.max_sessions = (uint32_t)config->max_sessions,
		.arena_bytes = (uint64_t)config->arena_bytes };
	if (memory_open(&options, &master->inheritance.identity, master->arguments->is_fresh,
		&master->shm, &master->is_taken) != RESULT_OK)
		return EX_OSERR;
	atomic_store(&master->shm->instance->config_serial, config->serial);
	heartbeat_start(shm_page(master->shm, shm_master_number(master->shm)), PROCESS_MASTER);
	if (config->test_clock)
		clock_share(&master->shm->instance->clock_offset_ms);
	return 0;
}

static bool
make_eventfd(int *fd)
{
	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return *fd >= 0;
}

static bool
make_eventfds(struct master *master)
{
	struct inheritance *all = &master->inheritance;

	for (uint32_t i = 0; i < master->shm->workers; i++) {
		if (!make_eventfd(&all->wake_fd[i]) || !make_eventfd(&all->answer_fd[i]))
			return false;
		shm_set_wake_fd(master->shm, i, all->wake_fd[i]);
	}
	for (int i = 0; i < STORE_COUNT; i++)
		if (!make_eventfd(&all->request_fd[i]))
			return false;
	if (!make_eventfd(&all->answer_fd[shm_master_number(master->shm)]))
		return false;
	store_set_wake_fds(all->answer_fd, all->request_fd);
	return true;
}

static int
make_descriptors(struct master *master)
{
	int pair[2];

	if (!make_eventfds(master) ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
		log_error(LOG_MASTER, "too few descriptors", "reason=\"%s\"", strerror(errno));
		return EX_OSERR;
	}
	master->trace_fd = pair[0];
	master->inheritance.trace_fd = pair[1];
	if (store_client_open(master->shm, shm_master_number(master->shm), STORE_CORE,
		&master->core_client) != RESULT_OK)
		return EX_OSERR;
	return control_listen(master, &master->control) == RESULT_OK ? 0 : EX_CANTCREAT;
}

static void
init_inheritance(struct inheritance *all)
{
	*all = (struct inheritance){ .master = getpid(),
		.image_fd = -1,
		.log_fd = STDERR_FILENO,
		.lock_fd = -1,
		.trace_fd = -1,
		.root_fd = -1 };
	for (int i = 0; i < WORKERS_MAX; i++)
		all->wake_fd[i] = -1;
	for (int i = 0; i < PROCESSES_MAX; i++)
		all->answer_fd[i] = -1;
	for (int i = 0; i < STORE_COUNT; i++)
		all->request_fd[i] = -1;
}

int
master_make_sandbox(struct master *master)
{
	const struct config *config = master->config;
	struct inheritance *all = &master->inheritance;

	if (config->sandbox)
		all->root_fd = sandbox_root(config->runtime_dir);
	sandbox_tell(config->sandbox, all->root_fd >= 0);
	return 0;
}

static int
find_user(struct master *master)
{
	const struct config *config = master->config;

	return privileges_find(config->user, config->group, &master->inheritance.identity) ==
		RESULT_OK
	    ? 0
	    : EX_NOUSER;
}

static int
open_listeners(struct master *master)
{
	return listeners_open(&master->inheritance.listeners, master->config,
	    seats_workers(master->config));
}

static int
run_steps(struct master *master, int (*const *steps)(struct master *master), size_t count)
{
	int status = 0;

	for (size_t i = 0; i < count && status == 0; i++)
		status = steps[i](master);
	return status;
}

#define STEPS(table) table, sizeof(table) / sizeof(table[0])

int
master_begin(struct master *master)
{
	static int (*const steps[])(struct master *master) = { read_config, find_user, open_log,
		begin_log };

	init_inheritance(&master->inheritance);
	descriptors_raise_limit();
	return run_steps(master, STEPS(steps));
}

/*
 * Until the log begins who starts us reads why we do not come up. What becomes of the memory is for the log: who finds
 * sessions missing looks there.
 */
int
master_prepare(struct master *master)
{
	static int (*const before[])(struct master *master) = { read_config, find_user, open_log,
		make_directories, write_pid, lock_memory, open_listeners, begin_log };
	static int (*const behind[])(struct master *master) = { make_memory, make_descriptors,
		master_make_sandbox };
	int status;

	init_inheritance(&master->inheritance);
	descriptors_raise_limit();
	status = run_steps(master, STEPS(before));
	if (status != 0)
		return status;
	status = run_steps(master, STEPS(behind));
	if (status == 0)
		daemon_detach();
	else if (master->inheritance.log_fd != STDERR_FILENO)
		fprintf(stderr, "rookeryd: not started; the log says why\n");
	return status;
}

void
master_forget(void *owner)
{
	struct master *master = owner;

	store_client_close(&master->core_client);
	shm_detach(&master->shm);
}

/*
 * The memory stays, for the next master. The listening sockets go last but one: who connects meanwhile is refused only
 * when nobody is left to answer.
 */
void
master_clear(struct master *master)
{
	image_clear(&master->image);
	upgrade_trial_end(master);
	store_client_close(&master->core_client);
	if (master->control != NULL)
		control_free(&master->control);
	listeners_close(&master->inheritance.listeners);
	if (master->shm != NULL)
		shm_reaped(master->shm, shm_master_number(master->shm));
	shm_detach(&master->shm);
	if (master->config != NULL)
		pid_file_remove(master->config->pid_file, &master->pid_fd);
	config_free(&master->config);
}
