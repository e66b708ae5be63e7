/* stops.c -- linked into a server whose shm has its named steps: stands still, or dies, where a test wants it. */

/*
 * Where, and who, stands in a file that STOPS names and that the test maps too; steps.py has its other side. What stands
 * waits for nobody but the test, which sends it SIGSTOP: a process may not do that to itself.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "shm/shm.h"

#define PIDS_MOST 16

enum act { ACT_NONE, ACT_STAND, ACT_DIE };

/* The order of steps.py. */
struct control {
	_Atomic uint32_t act;			/* written last; whoever does it writes ACT_NONE */
	_Atomic uint32_t caught;		/* pid of who did */
	_Atomic uint32_t pid[PIDS_MOST];	/* whom; none: anybody */
	char		 step[48];
};

static struct control *control;

static bool
is_meant(uint32_t pid)
{
	for (int i = 0; i < PIDS_MOST && control->pid[i] != 0; i++)
		if (control->pid[i] == pid)
			return true;
	return control->pid[0] == 0;
}

static void
on_step(const char *step)
{
	uint32_t act = atomic_load_explicit(&control->act, memory_order_acquire);
	uint32_t pid;

	if (act == ACT_NONE || strcmp(control->step, step) != 0)
		return;
	pid = (uint32_t)getpid();
	if (!is_meant(pid) || !atomic_compare_exchange_strong(&control->act, &act, ACT_NONE))
		return;
	atomic_store(&control->caught, pid);
	if (act == ACT_DIE)
		raise(SIGABRT);
	while (atomic_load(&control->caught) == pid)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

__attribute__((constructor)) static void
start(void)
{
	const char *path = getenv("STOPS");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
	void *memory;

	if (fd < 0)
		return;
	memory = mmap(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory == MAP_FAILED)
		return;
	control = memory;
	shm_step_hook = on_step;
}
