/* kill_worker.c -- a worker of the kill test, which dies anywhere. */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/result.h"
#include "kill_board.h"
#include "shm/blocks.h"
#include "shm/effect.h"
#include "shm/outbox.h"
#include "shm/slots.h"
#include "shm/wake.h"

#define ENTRIES_MOST 200 /* of one outbox, before its senders wait */
#define BYTES_MOST   (512u << 10)

struct worker {
	struct play *play;
	struct shm *shm;
	struct board *board;
	uint32_t number;
	uint32_t turn;   /* session that produces next */
	uint64_t passes; /* of the loop */
	bool asleep;     /* shm was told so, and not yet otherwise */
};

static struct worker self; /* the hook has no argument */

/* --- where it dies --- */

/* What a worker does wrong when the test itself is tested. */
static void
break_step(const char *step)
{
	if (self.board->broken == BROKEN_SETTLE && strcmp(step, "lock: taken over") == 0)
		for (uint32_t i = 0; i < SESSIONS; i++) {
			struct slot *slot = &self.shm->slots[self.board->session[i].slot];

			if (atomic_load(&slot->lock) == self.shm->word)
				atomic_store(
				    &slot->last[atomic_load(&slot->out_next) & 1], 0);
		}
	if (self.board->broken == BROKEN_WAKE && strcmp(step, "wake: sleeper found") == 0)
		for (uint32_t i = 0; i < WORKERS; i++)
			self.shm->worker[i].wake_fd = -1;
}

/* The last of the passages it was armed for takes the signal, and it alone. */
static void
pass_armed(uint32_t step)
{
	_Atomic uint64_t *word = &self.board->armed;
	uint64_t armed = atomic_load_explicit(word, memory_order_relaxed);

	while (armed != 0 && BOARD_ARMED_STEP(armed) == step) {
		bool last = BOARD_ARMED_PASSAGES(armed) == 1;

		if (!atomic_compare_exchange_weak(
			word, &armed, last ? 0 : armed - BOARD_ARMED_PASSAGE))
			continue;
		if (last)
			raise(BOARD_ARMED_SIGNAL(armed));
		return;
	}
}

static void
on_step(const char *step)
{
	struct board *board = self.board;
	uint32_t index = play_step(board, step);

	atomic_fetch_add_explicit(&board->step_passes[index], 1, memory_order_relaxed);
	if (board->broken != BROKEN_NOTHING)
		break_step(step);
	atomic_store_explicit(&board->passed[self.number], index + 1,
			      memory_order_relaxed);
	pass_armed(index);
}

/* --- making stanzas --- */

static bool
has_room(const struct stanza *stanza)
{
	for (uint32_t i = 0; i < stanza->targets; i++) {
		struct slot_ref ref = self.board->session[stanza->target[i]];
		const struct slot *slot = &self.shm->slots[ref.slot];

		if (outbox_entries(slot) >= ENTRIES_MOST ||
		    outbox_bytes(slot) > BYTES_MOST)
			return false;
	}
	return true;
}

static int
stage(uint32_t size, struct effect_piece *piece, char **memory)
{
	piece->length = size;
	return effect_stage(self.shm, size, memory, &piece->offset);
}

static int
add_target(const struct stanza *stanza, struct slot_ref ref, uint32_t target,
	   struct effect_piece body)
{
	struct effect_piece pieces[2] = { { 0 }, body };
	char *memory;
	int result = stage(sizeof(struct stanza_head), &pieces[0], &memory);

	if (result != RESULT_OK)
		return result;
	stanza_write_head(stanza, target, memory);
	return effect_add(self.shm, ref, ENTRY_MESSAGE, 0, pieces, 2);
}

static int
draft(const struct stanza *stanza, struct slot_ref origin)
{
	struct effect_piece body;
	char *memory;
	int result;

	effect_draft(self.shm, origin, stanza->number, true);
	result = stage(stanza->size, &body, &memory);
	if (result != RESULT_OK)
		return result;
	stanza_write_body(stanza, memory);
	for (uint32_t i = 0; i < stanza->targets && result == RESULT_OK; i++)
		result = add_target(stanza, self.board->session[stanza->target[i]],
				    stanza->target[i], body);
	for (uint32_t i = 0; i < stanza->mortals && result == RESULT_OK; i++) {
		struct slot_ref ref = mortal_ref(self.board, stanza->mortal[i]);
		const struct slot *slot = slot_find(self.shm, ref);

		if (slot != NULL && outbox_entries(slot) < ENTRIES_MOST)
			result =
			    add_target(stanza, ref, SESSIONS + stanza->mortal[i], body);
	}
	return result;
}

/* Stanzas whose target ended meanwhile are routed to nobody, under the same number, as
 * the contract asks. */
static int
run(const struct stanza *stanza, struct slot_ref origin)
{
	int gone = effect_run(self.shm);

	if (gone <= 0)
		return gone;
	atomic_fetch_add(&self.board->gone, (uint64_t)gone);
	effect_draft(self.shm, origin, stanza->number, true);
	return effect_run(self.shm);
}

static bool
produce_one(uint32_t session)
{
	struct slot_ref origin = self.board->session[session];
	uint64_t handled = atomic_load(&self.shm->slots[origin.slot].h_in);
	struct stanza stanza;
	int result;

	stanza_make(&stanza, session, (uint32_t)handled + 1);
	if (!has_room(&stanza))
		return false;
	result = draft(&stanza, origin);
	if (result == RESULT_OK)
		result = run(&stanza, origin);
	if (result == RESULT_FULL) {
		atomic_fetch_add(&self.board->full, 1);
		return false;
	}
	ensure(result == RESULT_OK);
	atomic_fetch_add_explicit(&self.board->stanzas, 1, memory_order_relaxed);
	return true;
}

static bool
produce(void)
{
	bool any = false;

	for (uint32_t i = 0; i < SESSIONS / WORKERS; i++) {
		uint32_t session =
		    self.turn++ % (SESSIONS / WORKERS) * WORKERS + self.number;

		any = produce_one(session) || any;
	}
	return any;
}

/* --- what has come --- */

static int
index_of_slot(uint32_t slot)
{
	for (uint32_t i = 0; i < SESSIONS; i++)
		if (self.board->session[i].slot == slot)
			return (int)i;
	return -1;
}

static void
show(uint32_t session)
{
	struct slot *slot = &self.shm->slots[self.board->session[session].slot];

	atomic_store(&self.board->shown[session],
		     atomic_load_explicit(&slot->out_next, memory_order_acquire));
}

static void
on_dirty(void *owner, uint32_t slot)
{
	int session = index_of_slot(slot);

	if (session >= 0)
		show((uint32_t)session);
}

/* To those that wait for room. */
static void
tell_of_room(void)
{
	for (uint32_t i = 0; i < WORKERS; i++)
		if (atomic_load(&self.board->blocked[i]) != 0)
			play_poke(self.play->poke_fd[i]);
}

static bool
give_back(void)
{
	struct board *board = self.board;
	bool any = false;

	for (uint32_t i = self.number; i < SESSIONS; i += WORKERS) {
		uint64_t wanted = atomic_load(&board->give[i]);

		if (wanted == atomic_load(&board->given[i]))
			continue;
		ensure(outbox_give(self.shm, board->session[i], wanted) == RESULT_OK);
		atomic_store(&board->given[i], wanted);
		any = true;
	}
	if (any)
		tell_of_room();
	return any;
}

/* --- sessions that end --- */

/* Whoever waits for room reads them all: theirs may be what the arenas are full of. */
static void
tend_mortals(void)
{
	bool running = atomic_load(&self.board->phase) == PHASE_RUN;
	uint32_t turn = (uint32_t)self.passes;
	bool given = false;

	if (!running || atomic_load(&self.board->blocked[self.number]) != 0) {
		for (uint32_t i = self.number; i < MORTALS; i += WORKERS)
			given = mortal_tend(self.play, i, false) || given;
		if (running && given)
			tell_of_room();
	} else if (turn % 4 == 0) {
		turn /= 4;
		mortal_tend(self.play, turn % (MORTALS / WORKERS) * WORKERS + self.number,
			    stanza_mix(turn, self.number) % 4 == 0);
	}
}

/* --- life --- */

static bool
is_mortal(struct slot_ref ref)
{
	for (uint32_t i = 0; i < MORTALS; i++) {
		struct slot_ref mortal = mortal_ref(self.board, i);

		if (mortal.slot == ref.slot && mortal.epoch == ref.epoch)
			return true;
	}
	return false;
}

/* The predecessor may have died with a slot it had just taken, or with dirty bits in its
 * hands. */
static void
on_inherited(void *owner, struct slot_ref ref, struct slot *slot)
{
	int session = index_of_slot(ref.slot);

	if (session >= 0)
		show((uint32_t)session);
	else if ((ref.epoch & 1) == 0)
		board_fault(self.board, FAULT_ORPHANED);
	else if (!is_mortal(ref))
		slot_give(self.shm, ref);
}

static void
recover(void)
{
	if (self.board->broken == BROKEN_FINISH) {
		struct effect_header *effect = self.shm->worker[self.number].effect;
		uint64_t state = atomic_load(&effect->state);

		if ((state & 1) != 0 && effect->origin_slot < self.shm->max_sessions)
			slot_handled(&self.shm->slots[effect->origin_slot],
				     effect->stanza);
		atomic_store(&effect->state, state & ~1ull);
	}
	if (self.board->broken == BROKEN_FREEING)
		atomic_store(&shm_page(self.shm, self.number)->freeing, 0);
	if (shm_recover(self.shm) > 0)
		atomic_fetch_add(&self.board->finished, 1);
	slot_each(self.shm, self.number, on_inherited, NULL);
	play_poke_workers(self.play);
	play_poke_auditor(self.play);
}

static void
awake(void)
{
	if (self.asleep)
		wake_awake(self.shm);
	self.asleep = false;
}

/* Waits without a time-out: who is forgotten here stays forgotten. A poke of the test is
 * no wake-up of shm. */
static void
sleep_until_called(void)
{
	struct pollfd fds[2] = { { self.play->wake_fd[self.number], POLLIN, 0 },
				 { self.play->poke_fd[self.number], POLLIN, 0 } };

	if (!self.asleep && !wake_sleep(self.shm)) {
		wake_take(self.shm, on_dirty, NULL);
		play_poke_auditor(self.play);
		return;
	}
	self.asleep = true;
	atomic_store(&self.board->polling[self.number], 1);
	ensure(poll(fds, 2, -1) > 0);
	atomic_store(&self.board->polling[self.number], 0);
	if (fds[0].revents != 0) {
		wake_drain_fd(fds[0].fd);
		awake();
		wake_take(self.shm, on_dirty, NULL);
		play_poke_auditor(self.play);
	}
	if (fds[1].revents != 0)
		wake_drain_fd(fds[1].fd);
}

static bool
pass_running(void)
{
	bool produced = produce();

	if (!produced) {
		atomic_store(&self.board->blocked[self.number], 1);
		produced = produce();
	}
	if (produced) {
		atomic_store(&self.board->blocked[self.number], 0);
		awake();
		wake_take(self.shm, on_dirty, NULL);
	}
	return produced;
}

_Noreturn void
kill_worker(struct play *play, uint32_t number)
{
	self = (struct worker){
		.play = play, .shm = play->shm, .board = play->board, .number = number
	};
	shm_join(self.shm, number);
	shm_step_hook = on_step;
	recover();
	for (;; self.passes++) {
		uint32_t round = atomic_load(&self.board->round);
		uint32_t phase = atomic_load(&self.board->phase);
		bool busy = false;

		if (phase == PHASE_QUIT)
			_exit(0);
		if (phase == PHASE_RUN)
			busy = pass_running();
		if (phase != PHASE_PAUSE) {
			tend_mortals();
			busy = give_back() || busy;
			play_poke_auditor(play);
		}
		wake_flush(self.shm);
		if (phase != PHASE_RUN && !busy)
			atomic_store(&self.board->paused[number],
				     BOARD_PAUSED(round, phase));
		if (!busy)
			sleep_until_called();
	}
}
