/* die.c -- processes that die where a test wants it: at the n-th passage of a named step, or at any moment. */
#include "die.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/ensure.h"
#include "shm/shm.h"

#define PATIENCE_US 300000	/* for an armed step that nobody passes */
#define STUCK_US    15000000	/* without any step: nobody moves any more */

struct die_board *die_board;

static const char *const *steps;
static int step_count;
static die_play *const *plays;
static int process_count;
static pid_t pids[DIE_PROCESSES];
static uint32_t kills, late;
static uint64_t dice = 88172645463325252u;

uint32_t
die_roll(uint32_t sides)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (uint32_t)(dice >> 20) % sides;
}

void *
die_shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ensure(memory != MAP_FAILED);
	return memory;
}

int
die_kills(int short_run)
{
	const char *text = getenv("ROOKERY_KILLS");

	return text == NULL || atoi(text) <= 0 ? short_run : atoi(text);
}

void
die_fault(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "FAULT: ");
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\n");
	va_end(arguments);
	atomic_fetch_add(&die_board->faults, 1);
}

static void
on_step(const char *step)
{
	const char *armed = atomic_load(&die_board->armed);

	atomic_fetch_add(&die_board->passages, 1);
	if (armed == NULL || strcmp(armed, step) != 0 ||
	    atomic_fetch_sub(&die_board->left, 1) != 1)
		return;
	for (int i = 0; i < step_count; i++)
		if (strcmp(steps[i], step) == 0)
			atomic_fetch_add(&die_board->deaths[i], 1);
	raise(SIGKILL);
}

void
die_replace(int number)
{
	pid_t parent = getpid();
	uint64_t seed = dice * 6364136223846793005u + (uint64_t)kills * DIE_PROCESSES +
	    (uint64_t)number + 1;

	pids[number] = fork();
	ensure(pids[number] >= 0);
	if (pids[number] != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	dice = seed | 1;
	shm_step_hook = on_step;
	plays[number](number);
	_exit(0);
}

void
die_start(const char *const *names, int count, die_play *const *parts, int processes)
{
	ensure(count <= DIE_STEPS && processes <= DIE_PROCESSES);
	steps = names;
	step_count = count;
	plays = parts;
	process_count = processes;
	die_board = die_shared(sizeof(*die_board));
	for (int i = 0; i < processes; i++)
		die_replace(i);
}

static int
number_of(pid_t pid)
{
	for (int i = 0; i < process_count; i++)
		if (pids[i] == pid)
			return i;
	return -1;
}

/* Who has ended; -1: nobody yet. That it was by a signal is what was asked for. */
static int
reap(int flags)
{
	int status;
	pid_t pid = waitpid(-1, &status, flags);
	int number = pid > 0 ? number_of(pid) : -1;

	if (number >= 0 && (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL))
		die_fault("process %d ended by itself: %x", number, status);
	if (number >= 0)
		pids[number] = 0;
	return number;
}

static void
pause_us(long us)
{
	nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

static int
kill_any(void)
{
	int number = (int)die_roll((uint32_t)process_count);

	kill(pids[number], SIGKILL);
	return reap(0);
}

/* While anybody moves, a step that does not come is waited for shortly; what stands still must tell why. */
static int
wait_for_death(void)
{
	uint64_t passages = atomic_load(&die_board->passages);
	long still = 0;
	int number = -1;

	for (long waited = 0; number < 0 && still < STUCK_US; waited += 100) {
		pause_us(100);
		number = reap(WNOHANG);
		if (atomic_load(&die_board->passages) != passages) {
			passages = atomic_load(&die_board->passages);
			still = 0;
			if (waited >= PATIENCE_US)
				break;
		} else {
			still += 100;
		}
	}
	if (number < 0 && still >= STUCK_US)
		die_fault("nobody moves");
	return number;
}

static int
die_at_step(const char *step)
{
	int number;

	atomic_store(&die_board->left, 1 + (int)die_roll(20));
	atomic_store(&die_board->armed, step);
	number = wait_for_death();
	atomic_store(&die_board->armed, NULL);
	/* It may have come between the last look and now. */
	if (number < 0)
		number = reap(WNOHANG);
	if (number >= 0)
		return number;
	late++;
	return kill_any();
}

int
die_once(void)
{
	static int step;

	kills++;
	if (kills % 3 != 0) {
		step = (step + 1) % step_count;
		return die_at_step(steps[step]);
	}
	pause_us(die_roll(5000));
	return kill_any();
}

void
die_wait(bool (*is_done)(void))
{
	for (long waited = 0; waited < STUCK_US && atomic_load(&die_board->faults) == 0;
	    waited += 1000) {
		if (is_done())
			return;
		pause_us(1000);
	}
	die_fault("somebody does not move");
}

void
die_stop(void)
{
	for (int i = 0; i < process_count; i++)
		if (pids[i] > 0)
			kill(pids[i], SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

bool
die_report(const char *name)
{
	bool all = true, is_long = kills >= 6 * (uint32_t)step_count;

	printf("%s: %u kills, %u of them at a step that did not come", name, kills, late);
	for (int i = 0; i < step_count; i++) {
		uint64_t deaths = atomic_load(&die_board->deaths[i]);

		printf("%s %s %llu", i == 0 ? ";" : ",", steps[i], (unsigned long long)deaths);
		all &= deaths > 0;
	}
	printf("; faults %d\n", atomic_load(&die_board->faults));
	if (!all && is_long)
		printf("%s: not every step was died at\n", name);
	return (all || !is_long) && atomic_load(&die_board->faults) == 0;
}
