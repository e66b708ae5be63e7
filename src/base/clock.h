/* clock.h -- the one place that knows the time; tests move it. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds that never go back: for time-outs. */
uint64_t clock_ms(void);

/* Microseconds since 1970 UTC: for stamps. May jump. */
uint64_t clock_wall_us(void);

/*
 * An offset in milliseconds added to both clocks. clock_share() makes every process
 * that is handed the same memory move together; NULL goes back to a private offset.
 */
void	 clock_share(_Atomic uint64_t *offset_ms);
void	 clock_advance(uint64_t ms);

/* "2026-11-21T13:17:02.123456Z" (XEP-0082); size at least CLOCK_STAMP_SIZE. */
#define CLOCK_STAMP_SIZE 32
void	 clock_stamp(uint64_t wall_us, char *out, size_t size);
