/* look.h -- what the kernel tells of a test's processes: whether they sleep, and the time they have used. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct look {
	char state;        /* as /proc has it: R runs, S sleeps, T is stopped, Z is dead */
	uint64_t switches; /* grows whenever it sleeps or is made to wait */
};

/*
 * Who slept in two looks and has not switched meanwhile did not run in between. Who was
 * woken and has no processor yet does not sleep, however long a busy machine keeps it.
 */
struct look look_at(pid_t pid);

/* Processor time of one that lives, and of all children that have been reaped. */
uint64_t look_ms(pid_t pid);
uint64_t look_dead_ms(void);
