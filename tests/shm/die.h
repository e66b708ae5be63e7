/* die.h -- processes that die where a test wants it: at the n-th passage of a named step, or at any moment. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define DIE_PROCESSES 8
#define DIE_STEPS     32

/* What a process does until it is killed; number is its place among the others. */
typedef void die_play(int number);

/* Where to die, in the memory that test and processes share. */
struct die_board {
	_Atomic uint64_t      armed;	/* index + 1 of the step, passages until then << 32; 0: none */
	_Atomic uint64_t      passages;	/* of any step */
	_Atomic int	      meant;	/* number + 1 of the only process that is to die there; 0: anybody */
	_Atomic(const char *) passed[DIE_PROCESSES];	/* the last of each */
	_Atomic uint64_t      deaths[DIE_STEPS];
	_Atomic int	      faults;
};

extern struct die_board *die_board;

/* Memory that the processes share with the test; zeroed. */
void   *die_shared(size_t size);

/* ROOKERY_KILLS, or what a short run takes. */
int	die_kills(int short_run);

/* The steps a run is to die at; each in turn, and every third death at no step at all. */
void	die_start(const char *const *steps, int count, die_play *const *plays, int processes);

/* Only the first so many of the processes are killed at no step at all; the others die by steps, or not at all. */
void	die_spare_behind(int processes);

/* Prints, where somebody is stuck, what the test knows about who waits for what. */
extern void (*die_describe)(void);

/* One more death, of whoever it may be; returns the number of the process. It is not replaced yet. */
int	die_once(void);

/* The same, of this process at this step, where it comes to it. */
int	die_at(const char *step, int number);
void	die_replace(int number);

/* Lets all live until they are done with something; that they are stuck before they come to it is a fault. */
void	die_wait(bool (*is_done)(void));

/* Ends all, by kill -9. */
void	die_stop(void);

/* A fault, once it is written down, is there to stay. */
void	die_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints what died where; true when nothing was wrong and, in a run long enough, each step was died at. */
bool	die_report(const char *name);

/* Numbers that differ in each process and each run of it. */
uint32_t die_roll(uint32_t sides);
