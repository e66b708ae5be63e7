/* clock.c -- the kernel's clocks plus an offset that tests add to; or what tests made them say. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/ensure.h"

/* Of the shared word: the clock stands, and the other bits are what clock_ms() says. */
#define STANDS (UINT64_C(1) << 63)

static _Atomic uint64_t private_word;
static _Atomic uint64_t *word = &private_word;

static uint64_t
now_us(clockid_t clock)
{
	struct timespec time;

	ensure(clock_gettime(clock, &time) == 0);
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

/* What the wall's clock is ahead: the two are read at nearly the same time. */
static uint64_t
ahead_us(void)
{
	uint64_t before, wall, after;

	do {
		before = now_us(CLOCK_MONOTONIC);
		wall = now_us(CLOCK_REALTIME);
		after = now_us(CLOCK_MONOTONIC);
	} while (after - before > 100);
	return wall - after;
}

static uint64_t
read_word(void)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

uint64_t
clock_ms(void)
{
	uint64_t said = read_word();

	return (said & STANDS) != 0 ? said & ~STANDS : now_us(CLOCK_MONOTONIC) / 1000 + said;
}

uint64_t
clock_wall_us(void)
{
	uint64_t said = read_word();

	if ((said & STANDS) != 0)
		return ahead_us() + (said & ~STANDS) * 1000;
	return now_us(CLOCK_REALTIME) + said * 1000;
}

void
clock_share(_Atomic uint64_t *shared)
{
	word = shared == NULL ? &private_word : shared;
}

void
clock_advance(uint64_t ms)
{
	atomic_fetch_add_explicit(word, ms, memory_order_relaxed);
}

void
clock_stop(void)
{
	atomic_store_explicit(word, STANDS | clock_ms(), memory_order_relaxed);
}

void
clock_go(void)
{
	uint64_t said = clock_ms(), real = now_us(CLOCK_MONOTONIC) / 1000;

	atomic_store_explicit(word, said > real ? said - real : 0, memory_order_relaxed);
}

bool
clock_stands(void)
{
	return (read_word() & STANDS) != 0;
}

void
clock_stamp(uint64_t wall_us, char *out, size_t size)
{
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm date;

	ensure(size >= CLOCK_STAMP_SIZE);
	ensure(gmtime_r(&seconds, &date) != NULL);
	snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02d.%06uZ", date.tm_year + 1900,
	    date.tm_mon + 1, date.tm_mday, date.tm_hour, date.tm_min, date.tm_sec,
	    (unsigned)(wall_us % 1000000));
}
