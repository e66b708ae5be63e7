/* kill_watch.c -- whether the processes of the kill test can still get anywhere, and where they are. */
#include "kill_watch.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

#include "look.h"

#define SPENT_MOST_MS 10000 /* of all processes together; a wait takes some hundred */

static pid_t
pid_of(const struct master *master, uint32_t process)
{
	return process == AUDITOR ? master->auditor : master->worker[process];
}

/* What the living and the dead have used. */
static uint64_t
spent_ms(const struct master *master)
{
	uint64_t sum = look_dead_ms();

	for (uint32_t i = 0; i < PROCESSES; i++)
		sum += look_ms(pid_of(master, i));
	return sum;
}

/* --- sleep --- */

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
is_still(const struct master *master, uint32_t process, const struct look *look)
{
	const struct play *play = &master->play;

	if (look->state == 'T')
		return true;
	return look->state == 'S' && atomic_load(&play->board->polling[process]) != 0 &&
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
		struct look look = look_at(pid_of(master, i));

		still = is_still(master, i, &look);
		same = same && look.switches == watch->switches[i];
		watch->switches[i] = look.switches;
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
	struct look look = look_at(pid);
	uint32_t step = atomic_load(&board->passed[process]);
	const struct process_page *page = shm_page(play->shm, process);

	printf("  %s %u: pid=%d state=%c cpu_ms=%" PRIu64 " waits=%s%s",
	       process == AUDITOR ? "auditor" : "worker", process, (int)pid, look.state,
	       look_ms(pid), atomic_load(&board->polling[process]) ? "poll" : "no",
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
