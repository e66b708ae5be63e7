/* clock.h -- the one place that knows the time; tests move it. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds that never go back: for time-outs. */
uint64_t clock_ms(void);

/* Microseconds since 1970 UTC: for stamps. May jump. */
uint64_t clock_wall_us(void);

/*
 * Both clocks are moved together, forward, by every process that is handed the same word: zero, and they are the
 * kernel's. NULL goes back to a private one. A clock that was stopped says the same until it is moved, and goes on from
 * there; it may be late then, and jumps.
 */
void	 clock_share(_Atomic uint64_t *shared);
void	 clock_advance(uint64_t ms);
void	 clock_stop(void);
void	 clock_go(void);
bool	 clock_stands(void);

/* "2026-11-21T13:17:02.123456Z" (XEP-0082); size at least CLOCK_STAMP_SIZE. */
#define CLOCK_STAMP_SIZE 32
void	 clock_stamp(uint64_t wall_us, char *out, size_t size);
