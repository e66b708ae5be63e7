/* kill_board.h -- what the processes of the kill test tell each other. */

/*
 * What the processes of the kill test tell each other beside the shared memory under
 * test: one page set of plain shared memory that no kill can take away.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "kill_stanza.h"
#include "shm/shm.h"

#define WORKERS	     4
#define AUDITOR	     WORKERS	/* the process behind the workers */
#define PROCESSES    (WORKERS + 1)
#define STEP_NAMES   96

enum phase {
	PHASE_RUN,	/* produce, deliver, give back, be killed */
	PHASE_PAUSE,	/* nothing new; what is on its way must arrive by itself */
	PHASE_DRAIN,	/* give everything back */
	PHASE_QUIT
};

/* What is wrong, by kind. All stay 0. */
enum fault {
	FAULT_LOST, FAULT_DUP, FAULT_REORDERED, FAULT_CORRUPT, FAULT_ASLEEP, FAULT_LEAKED,
	FAULT_ORPHANED, FAULT_LOCKED, FAULT_STOLEN, FAULT_COUNT, FAULT_STUCK, FAULT_CRASHED,
	FAULT_BROKEN, FAULTS
};

/* What a test of the test breaks, so that the faults must show. */
enum broken { BROKEN_NOTHING, BROKEN_SETTLE, BROKEN_FINISH, BROKEN_FREEING, BROKEN_WAKE };

#define BOARD_PAUSED(round, phase) ((round) * 4 + (phase))

/* In one word, so that whoever takes the last passage gets the signal that was meant with it. */
#define BOARD_ARMED(step, passages, signal) \
	(((uint64_t)(step) + 1) | (uint64_t)(passages) << 16 | (uint64_t)(signal) << 48)
#define BOARD_ARMED_STEP(armed)	    ((uint32_t)((armed) & 0xffff) - 1)
#define BOARD_ARMED_PASSAGES(armed) ((uint32_t)((armed) >> 16))
#define BOARD_ARMED_SIGNAL(armed)   ((int)((armed) >> 48))
#define BOARD_ARMED_PASSAGE	    (1ull << 16)

struct board {
	_Atomic uint32_t phase;
	_Atomic uint32_t round;			/* of the pauses */
	_Atomic uint32_t paused[WORKERS];	/* BOARD_PAUSED() of what a worker has come to */
	_Atomic uint32_t blocked[WORKERS];	/* wants to hear when outboxes get room */
	_Atomic uint32_t audited;		/* the round whose sums are done */
	_Atomic uint32_t audit;			/* the round whose sums are wanted */
	_Atomic uint32_t auditor_sleeps;
	_Atomic uint32_t polling[PROCESSES];	/* waits without a time-out, or is about to */
	_Atomic uint32_t passed[PROCESSES];	/* index + 1 of the step passed last */
	uint32_t	 broken;

	struct slot_ref	 session[SESSIONS];
	_Atomic uint64_t shown[SESSIONS];	/* owner: entries the wake-up told of */
	_Atomic uint64_t give[SESSIONS];	/* auditor: entries read */
	_Atomic uint64_t given[SESSIONS];	/* owner: entries given back */
	_Atomic uint64_t mortal[MORTALS];	/* slot << 32 | epoch; 0: none now */
	_Atomic uint64_t mortal_last[MORTALS][SESSIONS];	/* entry << 32 | stanza */

	_Atomic uint32_t step_names;
	_Atomic(const char *) step_name[STEP_NAMES];
	_Atomic uint64_t step_passes[STEP_NAMES];
	_Atomic uint64_t armed;			/* BOARD_ARMED() of the step to die at; 0: none */

	_Atomic uint64_t stanzas;
	_Atomic uint64_t entries;		/* seen by the auditor */
	_Atomic uint64_t gone;
	_Atomic uint64_t full;
	_Atomic uint64_t ended;			/* mortal sessions */
	_Atomic uint64_t finished;		/* effects a replacement had to finish */
	_Atomic uint64_t fault[FAULTS];
};

/* One a process, inherited over the fork. */
struct play {
	struct board *board;
	struct shm   *shm;
	char	      directory[64];
	int	      wake_fd[WORKERS];		/* written by shm alone */
	int	      poke_fd[WORKERS];		/* written by the test */
	int	      auditor_fd;
};

static inline void
board_fault(struct board *board, enum fault fault)
{
	atomic_fetch_add(&board->fault[fault], 1);
}

static inline uint32_t
board_owner(uint32_t session)
{
	return session % WORKERS;
}

/* Writes an eventfd that wakes a process of the test. */
void	play_poke(int fd);
void	play_poke_workers(const struct play *play);
void	play_poke_auditor(struct play *play);

/* Index of a step's name, which is added when it is new. */
uint32_t play_step(struct board *board, const char *name);

struct slot_ref mortal_ref(const struct board *board, uint32_t mortal);

/*
 * Reads and gives back what has come; begins the session where there is none, ends it where that is wanted. True
 * when something was given back.
 */
bool mortal_tend(struct play *play, uint32_t mortal, bool end);

_Noreturn void kill_worker(struct play *play, uint32_t number);
_Noreturn void kill_auditor(struct play *play);
