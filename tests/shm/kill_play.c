/* kill_play.c -- the processes of the kill test, and how they die. */
#include "kill_play.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/result.h"
#include "kill_watch.h"
#include "shm/slots.h"
#include "tests/folder.h"

void
play_poke(int fd)
{
	uint64_t one = 1;

	ensure(write(fd, &one, sizeof(one)) == sizeof(one) || errno == EAGAIN);
}

void
play_poke_workers(const struct play *play)
{
	for (uint32_t i = 0; i < WORKERS; i++)
		play_poke(play->poke_fd[i]);
}

void
play_poke_auditor(struct play *play)
{
	if (atomic_exchange(&play->board->auditor_sleeps, 0) != 0)
		play_poke(play->auditor_fd);
}

/* Names are literals of one program, so the same in all its processes; a second copy of
 * one is compared. */
uint32_t
play_step(struct board *board, const char *name)
{
	for (uint32_t i = 0;; i++) {
		const char *known;
		const char *nobody = NULL;

		ensure(i < STEP_NAMES);
		known = atomic_load_explicit(&board->step_name[i], memory_order_relaxed);
		if (known == NULL) {
			if (atomic_compare_exchange_strong(&board->step_name[i], &nobody,
							   name))
				atomic_fetch_add(&board->step_names, 1);
			known = atomic_load(&board->step_name[i]);
		}
		if (known == name || strcmp(known, name) == 0)
			return i;
	}
}

static void
start(struct master *master, uint32_t number)
{
	pid_t parent = getpid();
	pid_t child = fork();

	ensure(child >= 0);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		if (number == AUDITOR)
			kill_auditor(&master->play);
		kill_worker(&master->play, number);
	}
	if (number == AUDITOR)
		master->auditor = child;
	else
		master->worker[number] = child;
}

/* Sessions are taken in the name of their workers, before these live. */
static void
take_sessions(struct play *play)
{
	for (uint32_t i = 0; i < SESSIONS; i++) {
		shm_join(play->shm, board_owner(i));
		ensure(slot_take(play->shm, &play->board->session[i]) == RESULT_OK);
	}
	play->shm->me = SHM_NOBODY;
}

static void
make_memory(struct play *play)
{
	struct shm_options options = { .runtime_dir = play->directory,
				       .workers = WORKERS,
				       .max_sessions = SESSIONS + 4 * MORTALS,
				       .arena_bytes = 12u << 20 };

	ensure(folder_make(play->directory, "/dev/shm"));
	ensure(shm_create(&options, &play->shm) == RESULT_OK);
	play->board = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ensure(play->board != MAP_FAILED);
	for (uint32_t i = 0; i < WORKERS; i++) {
		play->wake_fd[i] = eventfd(0, EFD_NONBLOCK);
		play->poke_fd[i] = eventfd(0, EFD_NONBLOCK);
		shm_set_wake_fd(play->shm, i, play->wake_fd[i]);
	}
	play->auditor_fd = eventfd(0, EFD_NONBLOCK);
}

void
play_begin(struct master *master, enum broken broken)
{
	memset(master, 0, sizeof(*master));
	make_memory(&master->play);
	master->play.board->broken = broken;
	take_sessions(&master->play);
	for (uint32_t i = 0; i < PROCESSES; i++)
		start(master, i);
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

void
play_end(struct master *master)
{
	struct play *play = &master->play;

	for (uint32_t i = 0; i < WORKERS; i++) {
		end(master->worker[i]);
		close(play->wake_fd[i]);
		close(play->poke_fd[i]);
	}
	end(master->auditor);
	close(play->auditor_fd);
	shm_detach(&play->shm);
	ensure(shm_remove(play->directory) == RESULT_OK);
	rmdir(play->directory);
	munmap(play->board, sizeof(*play->board));
}

static void
replace(struct master *master, uint32_t number, int status)
{
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
		board_fault(master->play.board, FAULT_CRASHED);
		master->given_up = true;
	}
	master->kills++;
	atomic_store(&master->play.board->paused[number], 0);
	atomic_store(&master->play.board->polling[number], 0);
	shm_reaped(master->play.shm, number);
	start(master, number);
	play_poke(master->play.auditor_fd); /* the dead may have been about to */
}

bool
play_reap(struct master *master)
{
	bool any = false;
	int status;

	for (uint32_t i = 0; i < WORKERS; i++)
		if (waitpid(master->worker[i], &status, WNOHANG) == master->worker[i]) {
			replace(master, i, status);
			any = true;
		}
	if (waitpid(master->auditor, &status, WNOHANG) == master->auditor) {
		board_fault(master->play.board, FAULT_CRASHED);
		master->given_up = true;
		start(master, AUDITOR);
	}
	return any;
}

void
play_kill(struct master *master, uint32_t worker)
{
	int status;

	kill(master->worker[worker], SIGKILL);
	ensure(waitpid(master->worker[worker], &status, 0) == master->worker[worker]);
	replace(master, worker, status);
}

void
play_arm(struct master *master, uint32_t step, uint32_t passage, int signal)
{
	atomic_store(&master->play.board->armed, BOARD_ARMED(step, passage, signal));
}

void
play_disarm(struct master *master)
{
	atomic_store(&master->play.board->armed, 0);
}

bool
play_wait(struct master *master, bool (*condition)(struct master *master))
{
	struct watch watch;

	watch_begin(&watch, master);
	while (!condition(master)) {
		if (master->given_up)
			return false;
		if (!play_reap(master) && watch_is_stuck(&watch, master))
			return condition(master);
		nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
	}
	return true;
}

uint64_t
play_faults(const struct master *master)
{
	uint64_t sum = 0;

	for (int i = 0; i < FAULTS; i++)
		sum += atomic_load(&master->play.board->fault[i]);
	return sum;
}

uint64_t
play_passes(const struct master *master, const char *step)
{
	struct board *board = master->play.board;

	return atomic_load(&board->step_passes[play_step(board, step)]);
}
