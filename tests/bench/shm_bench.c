/* shm_bench.c -- what an effect, a read, a give and a recovery cost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/result.h"
#include "shm/blocks.h"
#include "shm/effect.h"
#include "shm/slots.h"
#include "shm/wake.h"
#include "tests/folder.h"

#define SLOTS   40
#define PAYLOAD 300
#define ROUND   50    /* effects between two gives */
#define CROWD   10000 /* sessions when a worker is replaced */

static struct shm *shm;
static struct slot_ref ref[CROWD];
static char directory[64];

static double
now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void
ignore(void *owner, uint32_t slot)
{
}

static void
run(uint32_t first, uint32_t targets, uint64_t stanza)
{
	struct effect_piece piece = { 0, PAYLOAD };
	char *memory;

	effect_draft(shm, ref[0], stanza, true);
	ensure(effect_stage(shm, PAYLOAD, &memory, &piece.offset) == RESULT_OK);
	memset(memory, 'x', PAYLOAD);
	for (uint32_t i = 0; i < targets; i++)
		ensure(effect_add(shm, ref[first + i], ENTRY_MESSAGE, 0, &piece, 1) ==
		       RESULT_OK);
	ensure(effect_run(shm) == 0);
	wake_flush(shm);
}

static void
read_all(uint32_t slot)
{
	struct outbox_cursor cursor;
	char bytes[16384];

	outbox_start(shm, ref[slot], &cursor);
	while (outbox_read(shm, ref[slot], &cursor, bytes, sizeof(bytes), 0) > 0)
		;
}

static void
measure(uint32_t targets, uint32_t rounds)
{
	double running = 0;
	double reading = 0;
	double giving = 0;
	uint64_t stanza = 0;
	double entries = (double)rounds * ROUND * targets;

	for (uint32_t round = 0; round < rounds; round++) {
		double start = now_ns();
		double middle;

		for (int i = 0; i < ROUND; i++)
			run(0, targets, ++stanza);
		running += now_ns() - start;
		wake_take(shm, ignore, NULL);
		start = now_ns();
		for (uint32_t i = 0; i < targets; i++)
			read_all(i);
		middle = now_ns();
		for (uint32_t i = 0; i < targets; i++)
			ensure(
			    outbox_give(shm, ref[i], shm->slots[ref[i].slot].out_next) ==
			    RESULT_OK);
		reading += middle - start;
		giving += now_ns() - middle;
	}
	printf("effect of %2u targets, %d bytes: %7.0f ns (%.0f an append), read %.0f, "
	       "given back "
	       "%.0f ns an entry, %d at once\n",
	       targets, PAYLOAD, running / rounds / ROUND, running / entries,
	       reading / entries, giving / entries, ROUND);
}

/* As a session without stream management gives back: each entry by itself, from a long
 * outbox. */
static void
measure_single_gives(uint32_t rounds)
{
	double giving = 0;

	for (uint32_t round = 0; round < rounds; round++) {
		uint64_t last = shm->slots[ref[1].slot].out_next;
		double start;

		for (int i = 0; i < ROUND; i++)
			run(1, 1, 1);
		start = now_ns();
		for (int i = 1; i <= ROUND; i++)
			ensure(outbox_give(shm, ref[1], last + (uint64_t)i) == RESULT_OK);
		giving += now_ns() - start;
	}
	printf("give of one entry: %.0f ns\n", giving / rounds / ROUND);
}

/* What a replacement needs before it accepts: with many sessions that hold a few entries
 * each. */
static void
measure_recovery(void)
{
	double start;

	for (uint32_t i = SLOTS; i < CROWD; i++)
		ensure(slot_take(shm, &ref[i]) == RESULT_OK);
	for (uint32_t i = 0; i < CROWD; i += 40)
		for (int j = 0; j < 10; j++)
			run(i, 40, 1);
	shm_reaped(shm, 0);
	shm_join(shm, 0);
	start = now_ns();
	shm_recover(shm);
	printf("recovery with %d sessions of 10 entries: %.1f ms\n", CROWD,
	       (now_ns() - start) / 1e6);
}

int
main(void)
{
	struct shm_options options = { directory, 1, CROWD, 256u << 20 };

	ensure(folder_make(directory, "/dev/shm"));
	ensure(shm_create(&options, &shm) == RESULT_OK);
	shm_join(shm, 0);
	for (uint32_t i = 0; i < SLOTS; i++)
		ensure(slot_take(shm, &ref[i]) == RESULT_OK);
	measure(1, 20000);
	measure(40, 1000);
	measure_single_gives(5000);
	measure_recovery();
	shm_detach(&shm);
	shm_remove(directory);
	rmdir(directory);
	return 0;
}
