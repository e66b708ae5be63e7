/* clock.c -- the kernel's clocks plus an offset that tests add to. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#include "base/ensure.h"

static _Atomic uint64_t private_offset_ms;
static _Atomic uint64_t *offset = &private_offset_ms;

static uint64_t
offset_ms(void)
{
	return atomic_load_explicit(offset, memory_order_relaxed);
}

static struct timespec
now(clockid_t clock)
{
	struct timespec time;

	ensure(clock_gettime(clock, &time) == 0);
	return time;
}

uint64_t
clock_ms(void)
{
	struct timespec time = now(CLOCK_MONOTONIC);

	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000 +
	    offset_ms();
}

uint64_t
clock_wall_us(void)
{
	struct timespec time = now(CLOCK_REALTIME);

	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000 +
	    offset_ms() * 1000;
}

void
clock_share(_Atomic uint64_t *shared_ms)
{
	offset = shared_ms == NULL ? &private_offset_ms : shared_ms;
}

void
clock_advance(uint64_t ms)
{
	atomic_fetch_add_explicit(offset, ms, memory_order_relaxed);
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
