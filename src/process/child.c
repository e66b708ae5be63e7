/* child.c -- what the master hands to its children, and the first steps of each of them. */
#include "process/child.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/leaks.h"
#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "process/descriptors.h"
#include "process/logs.h"
#include "process/sandbox.h"
#include "process/signals.h"

#define KEPT_MOST 512

static void
keep_own_descriptors(const struct child *child)
{
	const struct inheritance *all = child->inheritance;
	int kept[KEPT_MOST];
	size_t count = 0;

	kept[count++] = child->socket;
	kept[count++] = all->image_fd;
	kept[count++] = all->log_fd;
	kept[count++] = all->lock_fd;
	kept[count++] = all->trace_fd;
	kept[count++] = all->root_fd;
	for (int i = 0; i < WORKERS_MAX; i++)
		kept[count++] = all->wake_fd[i];
	for (int i = 0; i < PROCESSES_MAX; i++)
		kept[count++] = all->answer_fd[i];
	for (int i = 0; i < STORE_COUNT; i++)
		kept[count++] = all->request_fd[i];
	for (size_t i = 0; i < all->listeners.count && count < KEPT_MOST; i++) {
		const struct listening *one = &all->listeners.all[i];

		if (child->kind == PROCESS_WORKER &&
		    listeners_is_of(&all->listeners, one, child->index))
			kept[count++] = one->fd;
	}
	descriptors_keep(kept, count);
}

void
child_start(const struct child *child)
{
	const struct inheritance *all = child->inheritance;
	struct rlimit none = { 0, 0 };
	char title[40];

	signals_leave();
	keep_own_descriptors(child);
	log_set_process(child->name);
	logs_use(all->log_fd);
	if (all->log_fd == LOGS_SYSLOG)
		logs_ask_of(child->socket);
	log_set_level((enum log_level)all->config->log_level);
	umask(027);
	/* Our copy of what the master has; the worker reads its own from the image. */
	config_forget_keys(all->config);
	privileges_drop_but_chroot(&all->identity);
	/* A core dump inside a transaction blocks all writers for seconds, and has the keys. */
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	/* After the change of user, which takes it away. */
	if (child->kind == PROCESS_WORKER)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != all->master)
		_exit(0);
	/* The kernel keeps 15 characters. */
	snprintf(title, sizeof(title), "rookeryd %s",
	    child->name + strcspn(child->name, " ") + 1);
	prctl(PR_SET_NAME, title);
}

void
child_enter_sandbox(const struct child *child, struct process_page *page,
    void (*start_threads)(void *owner), void *owner)
{
	const struct inheritance *all = child->inheritance;
	struct sandbox sandbox = {
		.role = child->kind == PROCESS_WORKER ? SANDBOX_WORKER : SANDBOX_STORE,
		.walls = all->config->sandbox ? SANDBOX_BUILD : 0,
		.root_fd = all->root_fd,
		.denied = &page->denied_call,
		.start_threads = start_threads,
		.owner = owner,
	};

	sandbox_enter(&sandbox);
}

void
child_tell(const struct child *child, enum talk_verb verb)
{
	if (talk_wait_send(child->socket, verb, SLICE_EMPTY, -1, 1000) ==
	    RESULT_CLOSED)
		_exit(0);
}

_Noreturn void
child_end(void)
{
	leaks_check();
	_exit(0);
}
