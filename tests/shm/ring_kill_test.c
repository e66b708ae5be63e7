/* ring_kill_test.c -- writer and reader of a ring die at every step and at any moment. */

/* Each record arrives whole and in order, and no reader sleeps while a record waits. */
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/result.h"
#include "die.h"
#include "shm/ring.h"
#include "shm/wake.h"
#include "tests/folder.h"

#define RING_BYTES 4096

static const char *const steps[] = { "ring: padded", "ring: written", "ring: pushed",
	"ring: sleeper found", "ring: before drop", "ring: dropped" };

static char directory[64];
static int wake_fd;

struct record_of_test {
	_Atomic uint64_t handled;	/* number of the last record the reader saw */
	_Atomic uint64_t again;		/* seen again: handled, and not dropped when the reader died */
	_Atomic uint64_t sleeps;
};
static struct record_of_test *shared;

static struct ring *
attach(void)
{
	struct shm *shm;
	struct ring *ring;

	ensure(shm_attach(directory, false, &shm) == RESULT_OK);
	ensure(ring_attach(shm, 1, &ring) == RESULT_OK);
	ring_set_wake_fd(ring, wake_fd);
	return ring;
}

static size_t
length_of(uint64_t number)
{
	return (size_t)(number * 2654435761u >> 7) % 600;
}

static void
fill(char *bytes, uint64_t number, size_t length)
{
	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)(number * 31 + i * 7);
}

/* Nobody waits for those with odd numbers. */
static int
push(struct ring *ring, uint64_t number, struct slice record)
{
	return number % 2 == 0 ? ring_push(ring, record, SLICE_EMPTY)
			       : ring_push_later(ring, record, SLICE_EMPTY);
}

static void
write_records(int me)
{
	struct ring *ring = attach();
	char bytes[600];

	/* What a replacement owes: its predecessor may have died before it woke the reader. */
	ring_wake(ring);
	for (;;) {
		uint64_t number = ring_pushed(ring) + 1;
		size_t length = length_of(number);

		fill(bytes, number, length);
		while (push(ring, number, slice_of(bytes, length)) == RESULT_FULL)
			sched_yield();
		/* Now and then let the reader fall asleep. */
		while (number % 64 == 0 && ring_waiting(ring) > 0)
			sched_yield();
	}
}

static void
check(struct slice record, uint64_t number)
{
	char bytes[600];
	uint64_t handled = atomic_load(&shared->handled);

	fill(bytes, number, length_of(number));
	if (!slice_equal(record, slice_of(bytes, length_of(number))))
		die_fault("record %llu is not whole", (unsigned long long)number);
	if (number > handled + 1)
		die_fault("record %llu came after %llu", (unsigned long long)number,
		    (unsigned long long)handled);
	if (number <= handled)
		atomic_fetch_add(&shared->again, 1);
	else
		atomic_store(&shared->handled, number);
}

static void
sleep_until_woken(struct ring *ring)
{
	struct pollfd fd = { .fd = wake_fd, .events = POLLIN };

	atomic_fetch_add(&shared->sleeps, 1);
	poll(&fd, 1, -1);
	ring_awake(ring);
	wake_drain_fd(wake_fd);
}

static void
read_records(int me)
{
	struct ring *ring = attach();
	struct slice record;
	uint64_t number;

	for (;;) {
		uint32_t count = 0;

		while (count < 8 && ring_peek(ring, count, &record, &number)) {
			check(record, number);
			count++;
		}
		ring_drop(ring, count);
		if (count == 0 ? ring_sleep(ring) : die_roll(8) == 0 && ring_gather(ring))
			sleep_until_woken(ring);
	}
}

static uint64_t goal;

static bool
has_gone_on(void)
{
	return atomic_load(&shared->handled) >= goal;
}

static struct ring *watched;

static void
describe(void)
{
	fprintf(stderr, "  of %llu records %u wait\n", (unsigned long long)ring_pushed(watched),
	    ring_waiting(watched));
}

int
main(void)
{
	static die_play *const plays[] = { write_records, read_records };
	struct shm_options options = { directory, 1, 10, 1 << 20 };
	int kills = die_kills(150);
	char command[128];
	struct shm *shm;
	bool right;

	ensure(folder_make(directory, "/dev/shm"));
	ensure(shm_create(&options, &shm) == RESULT_OK);
	ensure(ring_create(shm, 1, RING_BYTES) == RESULT_OK);
	ensure(ring_attach(shm, 1, &watched) == RESULT_OK);
	die_describe = describe;
	shared = die_shared(sizeof(*shared));
	wake_fd = eventfd(0, EFD_NONBLOCK);
	die_start(steps, sizeof(steps) / sizeof(steps[0]), plays, 2);
	for (int i = 0; i < kills && atomic_load(&die_board->faults) == 0; i++) {
		die_replace(die_once());
		goal = atomic_load(&shared->handled) + 100;
		die_wait(has_gone_on);
	}
	die_stop();
	right = die_report("ring_kill_test");
	printf("ring_kill_test: %llu records, %llu seen again, %llu sleeps\n",
	    (unsigned long long)atomic_load(&shared->handled),
	    (unsigned long long)atomic_load(&shared->again),
	    (unsigned long long)atomic_load(&shared->sleeps));
	ring_detach(&watched);
	shm_detach(&shm);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	ensure(system(command) == 0);
	return right ? 0 : 1;
}
