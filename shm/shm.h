/* shm.h -- the shared memory of one server, as one process sees it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/layout.h"
#include "shm/segment.h"

/* One session for ever: the slot's index, and its epoch while the session lives. */
struct slot_ref {
	uint32_t slot;
	uint32_t epoch;
};

struct shm_options {
	const char *runtime_dir;	/* on tmpfs */
	uint32_t    workers;		/* 1 to WORKERS_MAX */
	uint32_t    max_sessions;
	uint64_t    arena_bytes;	/* most that one worker's arena may grow to */
};

struct free_list;

/* Its fields are for the files of shm/ alone. */
struct shm {
	char		     directory[512];
	struct instance	    *instance;
	struct slot	    *slots;
	uint32_t	     workers;
	uint32_t	     max_sessions;
	uint32_t	     me;		/* worker number; SHM_NOBODY for others */
	uint32_t	     word;		/* what I write into locks */
	uint64_t	     waking;		/* workers that have new dirty bits: their eventfds are due */
	struct segment	     instance_segment;
	struct segment	     slots_segment;
	_Atomic uint32_t    *slots_committed;	/* in the slots segment's header page */
	struct segment	     limits_segment;
	struct limits_header *limits;
	struct limits_place *limits_places;
	_Atomic uint16_t    *limits_counts;	/* a count a worker for each place */
	uint32_t	     limits_size;	/* places: a power of two */
	struct shm_worker {
		struct segment	      arena_segment, effect_segment, dirty_segment;
		struct arena_header  *arena;
		_Atomic uint32_t     *block_owner;
		struct block	     *blocks;
		struct effect_header *effect;
		struct effect_step   *steps;
		char		     *staging;
		_Atomic uint64_t     *dirty;	/* summary words, then a bit a slot */
		int		      wake_fd;	/* eventfd, or -1 */
	} worker[WORKERS_MAX];
	struct free_list    *free_list;		/* of my arena */
	struct ring	    *asks[2];		/* my requests to each store, once an effect has some */
	uint32_t	     staged;		/* bytes of staging in use by the draft */
	uint32_t	     steps_run;		/* steps of the standing effect before this draft */
	uint32_t	     steps_drafted;	/* those, and the draft's */
	bool		     takes_rest;	/* the draft: of the blocks that are kept back */
	uint32_t	     slot_hint;
};

#define SHM_NOBODY UINT32_MAX

/*
 * Makes a fresh memory in options->runtime_dir, which must exist, be on tmpfs and be empty of
 * segments. Nothing is left behind on failure; the log says what and why.
 */
int	shm_create(const struct shm_options *options, struct shm **shm);

/* Maps what another process made. read_only: no lock is ever taken (rookeryctl). */
int	shm_attach(const char *runtime_dir, bool read_only, struct shm **shm);
void	shm_detach(struct shm **shm);

/* The option that this memory was made with another value of, with both values; NULL: it suits these options. */
const char *shm_differs(const struct shm *shm, const struct shm_options *options, uint64_t *from,
	    uint64_t *to);

/* Eventfds are made by the master before the fork. */
void	shm_set_wake_fd(struct shm *shm, uint32_t worker, int fd);

/* --- shm_recover.c: who is in it, and was --- */

/*
 * This process is worker `number` from now on; its page's generation (raised by the master, never
 * 0) becomes part of its lock word. Then recover() must come before anything else.
 */
void	shm_join(struct shm *shm, uint32_t number);

/*
 * What a new worker does first of all: gives back blocks its predecessor had taken and not linked, finishes
 * the effect it had begun, and wakes everybody once. Returns how many steps it had to do.
 */
int	shm_recover(struct shm *shm);

/*
 * The same for another worker number whose process was reaped, and in which nobody is: this process acts in its name.
 * Should it die meanwhile, that number counts as reaped once more (shm_reaped()).
 */
int	shm_recover_for(struct shm *shm, uint32_t number);

/* The master's: the predecessor in this process number was reaped; locks it held may be taken. */
void	shm_reaped(struct shm *shm, uint32_t process);

/*
 * A new master's, when every process of the one before is gone: all of them count as reaped, so that whoever seats a
 * worker number next recovers what its predecessor left.
 */
void	shm_take_over(struct shm *shm);

/* --- shm_files.c: the files of a memory --- */

/* Nothing is made beside what another server has left: RESULT_EXISTS, with a line in the log. */
int	shm_check_empty(const char *runtime_dir);

/* Whether there are any. */
bool	shm_is_there(const char *runtime_dir);

/* Whether they were made before the kernel was started: what they say of processes and times means nothing. */
bool	shm_is_of_earlier_boot(const char *runtime_dir);

/* Removes the segments of a server that is gone. Refuses (RESULT_EXISTS) while its master lives. */
int	shm_remove(const char *runtime_dir);

/* --- */

static inline struct process_page *
shm_page(const struct shm *shm, uint32_t process)
{
	return &shm->instance->process[process];
}

/* Process numbers: workers first, then these. */
static inline uint32_t shm_store_number(const struct shm *shm, uint32_t store)
{
	return shm->workers + store;
}
static inline uint32_t shm_master_number(const struct shm *shm)
{
	return shm->workers + 2;
}

/*
 * Where a process may be killed in the worst moment. Nothing in the server; tests compile
 * shm with SHM_STEPS and set the hook.
 */
#ifdef SHM_STEPS
extern void (*shm_step_hook)(const char *step);
#define SHM_STEP(name) \
	do { atomic_signal_fence(memory_order_seq_cst); \
	     if (shm_step_hook != 0) shm_step_hook(name); \
	     atomic_signal_fence(memory_order_seq_cst); } while (0)
#else
#define SHM_STEP(name) atomic_signal_fence(memory_order_seq_cst)
#endif
