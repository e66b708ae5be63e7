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
#include "look.h"
#include "shm/shm.h"

/* For an armed step that nobody passes: both must have gone by. */
#define PATIENCE_US	  300000
#define PATIENCE_PASSAGES 100000

/* No clock tells who is stuck: all sleep, longer than any of them naps, or have used far more time than they need. */
#define STILL_MS      1000
#define SPENT_MOST_MS 10000	/* of all processes together */

/* In one word, so that who takes a passage takes it of the step that was meant, and the last one is known. */
#define ARMED(step, passages) (((uint64_t)(step) + 1) | (uint64_t)(passages) << 32)
#define ARMED_STEP(armed)     ((int)(uint32_t)(armed) - 1)
#define ARMED_PASSAGES(armed) ((uint32_t)((armed) >> 32))
#define ARMED_PASSAGE	      (1ull << 32)

struct die_board *die_board;
void (*die_describe)(void);

static const char *const *steps;
static int step_count;
static die_play *const *plays;
static int process_count, mortal_count;
static int my_number;	/* in a process */
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

/* The last of the passages that were armed is the death of whoever takes it. */
static void
pass_armed(const char *step)
{
	uint64_t armed = atomic_load_explicit(&die_board->armed, memory_order_relaxed);
	int meant = atomic_load_explicit(&die_board->meant, memory_order_relaxed);

	if (meant != 0 && meant != my_number + 1)
		return;
	while (armed != 0 && strcmp(steps[ARMED_STEP(armed)], step) == 0) {
		bool last = ARMED_PASSAGES(armed) == 1;

		if (!atomic_compare_exchange_weak(&die_board->armed, &armed,
			last ? 0 : armed - ARMED_PASSAGE))
			continue;
		if (last) {
			atomic_fetch_add(&die_board->deaths[ARMED_STEP(armed)], 1);
			raise(SIGKILL);
		}
		return;
	}
}

static void
on_step(const char *step)
{
	atomic_fetch_add(&die_board->passages, 1);
	atomic_store_explicit(&die_board->passed[my_number], step, memory_order_relaxed);
	pass_armed(step);
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
	my_number = number;
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
	process_count = mortal_count = processes;
	die_board = die_shared(sizeof(*die_board));
	for (int i = 0; i < processes; i++)
		die_replace(i);
}

void
die_spare_behind(int processes)
{
	mortal_count = processes;
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

/* While nobody else is about to die: whoever ends first is the one that was meant. */
static int
kill_any(void)
{
	int number = (int)die_roll((uint32_t)mortal_count);

	kill(pids[number], SIGKILL);
	return reap(0);
}

/* --- who is stuck --- */

static struct watch {
	uint64_t spent_at_start_ms;
	uint64_t still_since_ms;	/* 0: somebody ran */
	uint64_t switches[DIE_PROCESSES];
} watch;

static uint64_t
clock_ms(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* With the test's own, so that it ends even where somebody does nothing but nap. */
static uint64_t
spent_ms(void)
{
	uint64_t sum = look_dead_ms() + clock_ms(CLOCK_PROCESS_CPUTIME_ID);

	for (int i = 0; i < process_count; i++)
		sum += look_ms(pids[i]);
	return sum;
}

static void
watch_begin(void)
{
	watch = (struct watch){ .spent_at_start_ms = spent_ms() };
}

/* Everybody sleeps, and nobody has run since the look before. */
static bool
are_still(void)
{
	bool asleep = true, same = true;

	for (int i = 0; i < process_count; i++) {
		struct look look = look_at(pids[i]);

		asleep &= look.state == 'S';
		same &= look.switches == watch.switches[i];
		watch.switches[i] = look.switches;
	}
	return asleep && same;
}

static bool
are_stuck(void)
{
	uint64_t now = clock_ms(CLOCK_MONOTONIC);

	if (!are_still())
		watch.still_since_ms = 0;
	else if (watch.still_since_ms == 0)
		watch.still_since_ms = now;
	else if (now - watch.still_since_ms >= STILL_MS)
		return true;
	return spent_ms() - watch.spent_at_start_ms > SPENT_MOST_MS;
}

static void
describe(void)
{
	for (int i = 0; i < process_count; i++) {
		const char *step = atomic_load(&die_board->passed[i]);

		fprintf(stderr, "  process %d: pid=%d state=%c cpu_ms=%llu step=\"%s\"\n", i,
		    (int)pids[i], look_at(pids[i]).state,
		    (unsigned long long)look_ms(pids[i]), step == NULL ? "" : step);
	}
	if (die_describe != NULL)
		die_describe();
}

/* --- deaths --- */

/* While anybody moves, a step that does not come is waited for shortly; what stands still must tell why. */
static int
wait_for_death(void)
{
	uint64_t first = atomic_load(&die_board->passages), passages = first;
	int number;

	watch_begin();
	for (long waited = 0; (number = reap(WNOHANG)) < 0; waited += 100) {
		uint64_t now = atomic_load(&die_board->passages);

		if (now != passages) {
			if (waited >= PATIENCE_US && now - first >= PATIENCE_PASSAGES)
				break;
			passages = now;
			watch_begin();
		} else if (are_stuck()) {
			die_fault("nobody moves");
			describe();
			break;
		}
		pause_us(100);
	}
	return number;
}

static int
die_at_step(int step)
{
	int number;

	atomic_store(&die_board->armed, ARMED(step, 1 + die_roll(20)));
	number = wait_for_death();
	/* Whoever has taken the last passage is about to die; where nobody has, nobody will. */
	if (atomic_exchange(&die_board->armed, 0) == 0 && number < 0)
		number = reap(0);
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
		return die_at_step(step);
	}
	pause_us(die_roll(5000));
	return kill_any();
}

int
die_at(const char *step, int number)
{
	int i = 0, died;

	while (i < step_count && strcmp(steps[i], step) != 0)
		i++;
	ensure(i < step_count);
	kills++;
	atomic_store(&die_board->meant, number + 1);
	died = die_at_step(i);
	atomic_store(&die_board->meant, 0);
	return died;
}

void
die_wait(bool (*is_done)(void))
{
	watch_begin();
	while (!is_done() && atomic_load(&die_board->faults) == 0) {
		int number = reap(WNOHANG);

		if (number >= 0) {
			die_fault("process %d died of nothing", number);
		} else if (are_stuck() && !is_done()) {
			die_fault("somebody does not move");
			describe();
		}
		pause_us(1000);
	}
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
