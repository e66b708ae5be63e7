/* still_world.c -- for fuzz targets: time that stands, chance that repeats, keys that cost nothing. */
#include <string.h>
#include <time.h>

#include "auth/digest.h"
#include "base/random.h"
#include "tests/fuzz/still.h"

int	__wrap_clock_gettime(clockid_t clock, struct timespec *time);
void	__wrap_digest_stretch(enum scram_hash hash, struct slice password, struct slice salt,
	    uint32_t iterations, uint8_t out[DIGEST_MAX]);
void	__real_digest_stretch(enum scram_hash hash, struct slice password, struct slice salt,
	    uint32_t iterations, uint8_t out[DIGEST_MAX]);

/* A day on which the wall clock and the other are far apart; clock_advance() moves both. */
int
__wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	time->tv_sec = clock == CLOCK_REALTIME ? 1800000000 : 100000;
	time->tv_nsec = 0;
	return 0;
}

void
__wrap_digest_stretch(enum scram_hash hash, struct slice password, struct slice salt,
    uint32_t iterations, uint8_t out[DIGEST_MAX])
{
	(void)iterations;
	__real_digest_stretch(hash, password, salt, 1, out);
}

/* --- base/random.h: splitmix64 --- */

static uint64_t state;

void
still_seed(uint64_t number)
{
	state = number << 32;
}

uint64_t
random_u64(void)
{
	uint64_t mixed = state += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ (mixed >> 31);
}

void
random_bytes(void *out, size_t size)
{
	char *next = out;

	while (size > 0) {
		uint64_t number = random_u64();
		size_t length = size < sizeof(number) ? size : sizeof(number);

		memcpy(next, &number, length);
		next += length;
		size -= length;
	}
}

void
random_token(char *out, size_t count)
{
	random_bytes(out, count);
	for (size_t i = 0; i < count; i++)
		out[i] = (char)('A' + (out[i] & 15));
	out[count] = '\0';
}
