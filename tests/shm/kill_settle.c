/* kill_settle.c -- what must be true of the memory when everybody stands still. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/ensure.h"
#include "kill_play.h"
#include "kill_watch.h"
#include "shm/blocks.h"
#include "shm/fsck.h"
#include "shm/outbox.h"

#define HOLD_MS 20

static struct slot *
slot_of(struct master *master, uint32_t session)
{
	struct play *play = &master->play;

	return &play->shm->slots[play->board->session[session].slot];
}

static void
enter(struct master *master, enum phase phase)
{
	atomic_store(&master->play.board->phase, phase);
	play_poke_workers(&master->play);
	play_poke_auditor(&master->play);
}

static void
must(struct master *master, bool (*condition)(struct master *master), enum fault fault)
{
	if (master->given_up || play_wait(master, condition))
		return;
	if (master->play.board->broken == BROKEN_NOTHING)
		watch_describe(master);
	board_fault(master->play.board, fault);
	master->given_up = true;
}

/* --- conditions --- */

static bool
all_paused(struct master *master)
{
	struct board *board = master->play.board;

	for (uint32_t i = 0; i < WORKERS; i++)
		if (atomic_load(&board->paused[i]) !=
		    BOARD_PAUSED(atomic_load(&board->round), atomic_load(&board->phase)))
			return false;
	return true;
}

static bool
all_shown(struct master *master)
{
	for (uint32_t i = 0; i < SESSIONS; i++)
		if (atomic_load(&master->play.board->shown[i]) !=
		    atomic_load(&slot_of(master, i)->out_next))
			return false;
	return true;
}

static bool
all_empty(struct master *master)
{
	struct shm *shm = master->play.shm;

	for (uint32_t i = 0; i < shm->max_sessions; i++)
		if (i < atomic_load(shm->slots_committed) &&
		    outbox_entries(&shm->slots[i]) != 0)
			return false;
	for (uint32_t i = 0; i < SESSIONS; i++)
		if (atomic_load(&master->play.board->given[i]) !=
		    atomic_load(&slot_of(master, i)->out_next))
			return false;
	return true;
}

static bool
all_audited(struct master *master)
{
	struct board *board = master->play.board;

	return atomic_load(&board->audited) == atomic_load(&board->audit);
}

/* --- the memory at rest --- */

static uint32_t
chain_length(struct shm *shm, const struct slot *slot)
{
	uint64_t next = atomic_load(&slot->out_next);
	uint64_t acked = atomic_load(&slot->out_acked);
	uint32_t last = (uint32_t)(atomic_load(&slot->tail[next & 1]) >> 32);
	uint32_t at = (uint32_t)(atomic_load(&slot->head[acked & 1]) >> 32);
	uint32_t length = 0;

	if (next == acked >> 1)
		return 0;
	for (; at != 0; at = atomic_load(&block_at(shm, at - 1)->next)) {
		length++;
		if (at == last)
			break;
	}
	return length;
}

static void
check_blocks(struct master *master)
{
	struct shm *shm = master->play.shm;
	uint32_t linked = 0;
	uint32_t taken = 0;

	for (uint32_t i = 0; i < atomic_load(shm->slots_committed); i++)
		linked += chain_length(shm, &shm->slots[i]);
	for (uint32_t i = 0; i < WORKERS; i++) {
		uint32_t used;
		uint32_t committed;

		blocks_count(shm, i, &used, &committed);
		taken += used;
	}
	if (taken != linked)
		board_fault(master->play.board, FAULT_LEAKED);
}

static bool
is_held_by_the_living(struct shm *shm, uint32_t word)
{
	return word != 0 &&
	       word >> 8 == (atomic_load(&shm_page(shm, (word & 0xff) - 1)->generation) &
			     0xffffff);
}

static void
check_slots(struct master *master)
{
	struct play *play = &master->play;
	struct shm *shm = play->shm;
	uint32_t used = 0;

	for (uint32_t i = 0; i < atomic_load(shm->slots_committed); i++) {
		struct slot *slot = &shm->slots[i];

		if (is_held_by_the_living(shm, atomic_load(&slot->lock)))
			board_fault(play->board, FAULT_LOCKED);
		if (outbox_bytes(slot) != 0)
			board_fault(play->board, FAULT_COUNT);
		used += atomic_load(&slot->owner) != 0;
	}
	for (uint32_t i = 0; i < MORTALS; i++)
		used -= atomic_load(&play->board->mortal[i]) != 0;
	if (used != SESSIONS)
		board_fault(play->board, FAULT_ORPHANED);
}

/* What the checker of a server says of the memory; it knows none of this test's numbers. */
static void
check_rules(struct master *master)
{
	struct fsck *fsck = fsck_new(true);
	const struct fsck_finding *findings;
	size_t more;
	size_t count;

	fsck_pass(fsck);
	fsck_segments(fsck, master->play.directory);
	fsck_memory(fsck, master->play.shm);
	fsck_end(fsck);
	count = fsck_findings(fsck, &findings, &more);
	for (size_t i = 0; i < count; i++) {
		board_fault(master->play.board, FAULT_BROKEN);
		if (master->play.board->broken == BROKEN_NOTHING)
			printf("  %s: %s: %s\n", fsck_rows[findings[i].rule].name,
			       findings[i].where, findings[i].what);
	}
	fsck_free(&fsck);
}

void
play_settle(struct master *master)
{
	struct board *board = master->play.board;

	play_disarm(master);
	atomic_fetch_add(&board->round, 1);
	enter(master, PHASE_PAUSE);
	must(master, all_paused, FAULT_STUCK);
	must(master, all_shown, FAULT_ASLEEP);
	if (!master->given_up) {
		check_blocks(master);
		check_rules(master);
	}
	enter(master, PHASE_DRAIN);
	must(master, all_empty, FAULT_STUCK);
	must(master, all_paused, FAULT_STUCK);
	if (master->given_up)
		return;
	atomic_store(&board->audit, atomic_load(&board->round));
	play_poke_auditor(&master->play);
	must(master, all_audited, FAULT_STUCK);
	check_blocks(master);
	check_slots(master);
	check_rules(master);
	enter(master, PHASE_RUN);
}

/* --- a holder that is slow, not dead --- */

/* Asks for stops alone: one who died meanwhile is left to play_reap(), which seats another. */
static int
find_stopped(struct master *master)
{
	for (uint32_t i = 0; i < WORKERS; i++) {
		siginfo_t info = { 0 };

		if (waitid(P_PID, (id_t)master->worker[i], &info, WSTOPPED | WNOHANG) == 0 &&
		    info.si_pid == master->worker[i])
			return (int)i;
	}
	return -1;
}

static int stopped;

static bool
one_stopped(struct master *master)
{
	stopped = find_stopped(master);
	return stopped >= 0;
}

static int
lock_of(struct shm *shm, uint32_t word)
{
	for (uint32_t i = 0; i < atomic_load(shm->slots_committed); i++)
		if (atomic_load(&shm->slots[i].lock) == word)
			return (int)i;
	return -1;
}

void
play_stop_holder(struct master *master, const char *step)
{
	struct play *play = &master->play;
	uint32_t word;
	int slot;

	play_arm(master, play_step(play->board, step), 20, SIGSTOP);
	must(master, one_stopped, FAULT_STUCK);
	play_disarm(master);
	if (master->given_up)
		return;
	word =
	    ((uint32_t)stopped + 1) |
	    (atomic_load(&shm_page(play->shm, (uint32_t)stopped)->generation) & 0xffffff)
		<< 8;
	slot = lock_of(play->shm, word);
	nanosleep(&(struct timespec){ .tv_nsec = HOLD_MS * 1000000 }, NULL);
	if (slot < 0 || atomic_load(&play->shm->slots[slot].lock) != word)
		board_fault(play->board, FAULT_STOLEN);
	kill(master->worker[stopped], SIGCONT);
	master->stops++;
}
