/* kill_watch.c -- whether the processes of the kill test can still get anywhere, and where they are. */
#include "kill_watch.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/ensure.h"

#define SPENT_MOST_MS 10000 /* of all processes together; a wait takes some hundred */

static pid_t
pid_of(const struct master *master, uint32_t process)
{
	return process == AUDITOR ? master->auditor : master->worker[process];
}

/* --- processor time --- */

static uint64_t
ms_of(struct timespec time)
{
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static uint64_t
ms_of_process(pid_t pid)
{
	struct timespec time;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) != 0)
		return 0;
	return ms_of(time);
}

/* What the living and the dead have used. */
static uint64_t
spent_ms(const struct master *master)
{
	struct rusage dead;
	uint64_t sum;

	ensure(getrusage(RUSAGE_CHILDREN, &dead) == 0);
	sum = (uint64_t)(dead.ru_utime.tv_sec + dead.ru_stime.tv_sec) * 1000;
	sum += (uint64_t)(dead.ru_utime.tv_usec + dead.ru_stime.tv_usec) / 1000;
	for (uint32_t i = 0; i < PROCESSES; i++)
		sum += ms_of_process(pid_of(master, i));
	return sum;
}

/* --- sleep --- */

struct seen {
	char state;        /* as /proc has it: R runs, S sleeps, T is stopped, Z is dead */
	uint64_t switches; /* grows whenever it sleeps or is made to wait */
};

static struct seen
look(pid_t pid)
{
	struct seen seen = { '?', 0 };
	char path[32];
	char line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		const char *count = strstr(line, "voluntary_ctxt_switches:");

		if (strncmp(line, "State:\t", 7) == 0)
			seen.state = line[7];
		if (count != NULL)
			seen.switches += strtoull(strchr(count, ':') + 1, NULL, 10);
	}
	if (file != NULL)
		fclose(file);
	return seen;
}

static bool
is_readable(int fd)
{
	struct pollfd poll_fd = { fd, POLLIN, 0 };

	return poll(&poll_fd, 1, 0) != 0;
}

static bool
is_called(const struct play *play, uint32_t process)
{
	if (process == AUDITOR)
		return is_readable(play->auditor_fd);
	return is_readable(play->wake_fd[process]) || is_readable(play->poke_fd[process]);
}

/* Nothing but another process can make it go on. */
static bool
is_still(const struct master *master, uint32_t process, const struct seen *seen)
{
	const struct play *play = &master->play;

	if (seen->state == 'T')
		return true;
	return seen->state == 'S' && atomic_load(&play->board->polling[process]) != 0 &&
	       !is_called(play, process);
}

void
watch_begin(struct watch *watch, const struct master *master)
{
	*watch = (struct watch){ .spent_at_start_ms = spent_ms(master) };
}

/*
 * All were asleep in two looks, and nobody ran between them: so there was a moment when
 * all slept at once, with nothing under way that could wake one of them.
 */
bool
watch_is_stuck(struct watch *watch, struct master *master)
{
	bool still = true;
	bool same = watch->quiet;

	for (uint32_t i = 0; i < PROCESSES && still; i++) {
		struct seen seen = look(pid_of(master, i));

		still = is_still(master, i, &seen);
		same = same && seen.switches == watch->switches[i];
		watch->switches[i] = seen.switches;
	}
	watch->quiet = still;
	return (still && same) ||
	       spent_ms(master) - watch->spent_at_start_ms > SPENT_MOST_MS;
}

/* --- what they are at --- */

static bool
is_of_the_living(const struct shm *shm, uint32_t word)
{
	uint32_t worker = (word & 0xff) - 1;

	return worker < shm->workers &&
	       word >> 8 ==
		   (atomic_load(&shm_page(shm, worker)->generation) & 0xffffff);
}

static uint32_t
dirty_slots(const struct shm *shm, uint32_t worker)
{
	uint32_t words = (shm->max_sessions + 63) / 64;
	const _Atomic uint64_t *bits = shm->worker[worker].dirty + (words + 63) / 64;
	uint32_t count = 0;

	for (uint32_t i = 0; i < words; i++)
		count += (uint32_t)__builtin_popcountll(atomic_load(&bits[i]));
	return count;
}

/* The effect that stands, the first step that is still to be done, and the lock it needs. */
static void
describe_effect(const struct shm *shm, uint32_t worker)
{
	const struct effect_header *effect = shm->worker[worker].effect;
	const struct effect_step *steps = shm->worker[worker].steps;
	uint64_t state = atomic_load(&effect->state);
	uint32_t count = atomic_load(&effect->steps);
	uint32_t at = 0;

	printf(" effect=%" PRIu64 ":%s", state >> 1, state & 1 ? "stands" : "clear");
	if ((state & 1) == 0)
		return;
	while (at < count && atomic_load(&steps[at].done) == state >> 1)
		at++;
	printf(" origin=%u stanza=%" PRIu64 " done=%u/%u", effect->origin_slot,
	       effect->stanza, at, count);
	if (at < count)
		printf(" next=slot %u lock %08x", steps[at].slot,
		       atomic_load(&shm->slots[steps[at].slot].lock));
}

static void
describe_process(const struct master *master, uint32_t process)
{
	const struct play *play = &master->play;
	const struct board *board = play->board;
	pid_t pid = pid_of(master, process);
	struct seen seen = look(pid);
	uint32_t step = atomic_load(&board->passed[process]);
	const struct process_page *page = shm_page(play->shm, process);

	printf("  %s %u: pid=%d state=%c cpu_ms=%" PRIu64 " waits=%s%s",
	       process == AUDITOR ? "auditor" : "worker", process, (int)pid, seen.state,
	       ms_of_process(pid), atomic_load(&board->polling[process]) ? "poll" : "no",
	       is_called(play, process) ? " (called)" : "");
	if (process == AUDITOR) {
		printf(" audit=%u audited=%u\n", atomic_load(&board->audit),
		       atomic_load(&board->audited));
		return;
	}
	printf(" step=\"%s\" generation=%u phase=%u/%u paused=%u/%u blocked=%u sleeping=%u "
	       "dirty_any=%" PRIu64 " dirty=%u freeing=%u",
	       step == 0 ? "" : atomic_load(&board->step_name[step - 1]),
	       atomic_load(&page->generation), atomic_load(&board->phase),
	       atomic_load(&board->round), atomic_load(&board->paused[process]) & 3,
	       atomic_load(&board->paused[process]) >> 2,
	       atomic_load(&board->blocked[process]), atomic_load(&page->sleeping),
	       atomic_load(&page->dirty_any), dirty_slots(play->shm, process),
	       atomic_load(&page->freeing));
	describe_effect(play->shm, process);
	printf("\n");
}

static void
describe_locks(const struct shm *shm)
{
	for (uint32_t i = 0; i < atomic_load(shm->slots_committed); i++) {
		uint32_t word = atomic_load(&shm->slots[i].lock);

		if (word != 0)
			printf("  slot %u: lock=%08x worker %u generation %u, %s\n", i, word,
			       (word & 0xff) - 1, word >> 8,
			       is_of_the_living(shm, word) ? "alive" : "dead");
	}
}

static void
describe_sessions(const struct play *play)
{
	const struct board *board = play->board;

	for (uint32_t i = 0; i < SESSIONS; i++) {
		const struct slot *slot = &play->shm->slots[board->session[i].slot];
		uint64_t next = atomic_load(&slot->out_next);
		uint64_t given = atomic_load(&board->given[i]);

		if (next != given)
			printf("  session %u of worker %u: out_next=%" PRIu64
			       " acked=%" PRIu64 " shown=%" PRIu64 " give=%" PRIu64
			       " given=%" PRIu64 " h_in=%" PRIu64 "\n",
			       i, board_owner(i), next,
			       atomic_load(&slot->out_acked) >> 1,
			       atomic_load(&board->shown[i]), atomic_load(&board->give[i]),
			       given, atomic_load(&slot->h_in));
	}
}

void
watch_describe(const struct master *master)
{
	printf("processor time since the start %" PRIu64 " ms\n", spent_ms(master));
	for (uint32_t i = 0; i < PROCESSES; i++)
		describe_process(master, i);
	describe_locks(master->play.shm);
	describe_sessions(&master->play);
	fflush(stdout);
}
