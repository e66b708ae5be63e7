/* master_resume.c -- a master that was executed in the place of another one: everything is open already. */
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "process/control.h"
#include "process/estate.h"
#include "process/heartbeat.h"
#include "process/master.h"
#include "process/store_main.h"
#include "shm/shm.h"

static void
take_descriptors(struct master *master, const struct estate *estate)
{
	struct inheritance *all = &master->inheritance;

	master->pid_fd = estate->pid_fd;
	master->trace_fd = estate->trace_fd[0];
	all->trace_fd = estate->trace_fd[1];
	all->lock_fd = estate->lock_fd;
	all->listeners = estate->listeners;
	memcpy(all->wake_fd, estate->wake_fd, sizeof(all->wake_fd));
	memcpy(all->answer_fd, estate->answer_fd, sizeof(all->answer_fd));
	memcpy(all->request_fd, estate->request_fd, sizeof(all->request_fd));
}

static int
attach(struct master *master)
{
	struct inheritance *all = &master->inheritance;

	if (shm_attach(master->config->runtime_dir, false, &master->shm) != RESULT_OK)
		return EX_OSERR;
	for (uint32_t i = 0; i < master->shm->workers; i++)
		shm_set_wake_fd(master->shm, i, all->wake_fd[i]);
	store_set_wake_fds(all->answer_fd, all->request_fd);
	heartbeat_start(shm_page(master->shm, shm_master_number(master->shm)), PROCESS_MASTER);
	atomic_store(&shm_page(master->shm, shm_master_number(master->shm))->ready, 1);
	atomic_store(&master->shm->instance->config_serial, master->config->serial);
	if (master->config->test_clock)
		clock_share(&master->shm->instance->clock_offset_ms);
	return store_client_open(master->shm, shm_master_number(master->shm), STORE_CORE,
		   &master->core_client) == RESULT_OK
	    ? 0
	    : EX_OSERR;
}

int
master_resume(struct master *master)
{
	const struct estate *estate = master->arguments->estate;
	int status = master_begin(master);

	if (status != 0)
		return status;
	take_descriptors(master, estate);
	status = attach(master);
	if (status != 0)
		return status;
	control_take(master, estate->control_fd, estate->client_fd, estate->clients);
	return master_make_sandbox(master);
}
