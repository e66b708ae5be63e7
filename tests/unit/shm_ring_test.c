/* shm_ring_test.c -- facts about rings: order, room, the end of the circle, sleeping, scribbles. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "base/result.h"
#include "shm/ring.h"
#include "shm/ring_record.h"
#include "tests/folder.h"

#define BYTES 4096

static char directory[64];
static struct shm *shm;
static struct ring *writer, *reader;
static struct segment raw;

static int
setup(void **state)
{
	struct shm_options options = { directory, 1, 10, 1 << 20 };
	struct segment_identity identity = { .kind = SEGMENT_RING, .number = 5,
		.unit = RING_UNIT };

	if (!folder_make(directory, "/dev/shm") || shm_create(&options, &shm) != RESULT_OK ||
	    ring_create(shm, 5, BYTES) != RESULT_OK ||
	    ring_attach(shm, 5, &writer) != RESULT_OK ||
	    ring_attach(shm, 5, &reader) != RESULT_OK)
		return -1;
	return segment_attach(&raw, directory, "ring.5", &identity, false);
}

static int
teardown(void **state)
{
	char command[128];

	segment_detach(&raw);
	ring_detach(&writer);
	ring_detach(&reader);
	shm_detach(&shm);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static struct ring_header *
header(void)
{
	return raw.memory;
}

static struct record_head *
record_at(uint64_t place)
{
	return (struct record_head *)(void *)((char *)raw.memory + sizeof(struct ring_header) +
	    place % BYTES);
}

static int
push(const char *text)
{
	return ring_push(writer, slice_from_text(text), SLICE_EMPTY);
}

static void
assert_next(uint32_t skip, const char *text, uint64_t number)
{
	struct slice record;
	uint64_t found;

	assert_true(ring_peek(reader, skip, &record, &found));
	assert_slice(record, text);
	assert_int_equal(found, number);
}

static bool
has_next(void)
{
	struct slice record;
	uint64_t number;

	return ring_peek(reader, 0, &record, &number);
}

static void
records_come_in_order_with_numbers(void **state)
{
	assert_false(has_next());
	assert_int_equal(ring_pushed(writer), 0);
	assert_int_equal(ring_push(writer, SLICE("he"), SLICE("ad")), RESULT_OK);
	assert_int_equal(push("second"), RESULT_OK);
	assert_int_equal(ring_pushed(writer), 2);
	assert_int_equal(ring_waiting(reader), 2);
	assert_next(0, "head", 1);
	assert_next(1, "second", 2);
	assert_next(0, "head", 1);
	ring_drop(reader, 1);
	assert_next(0, "second", 2);
	ring_drop(reader, 1);
	assert_false(has_next());
	assert_int_equal(ring_waiting(reader), 0);
}

static void
an_empty_record_is_one(void **state)
{
	assert_int_equal(push(""), RESULT_OK);
	assert_next(0, "", 1);
	ring_drop(reader, 1);
	assert_false(has_next());
}

static void
a_full_ring_says_so_and_takes_more_later(void **state)
{
	int count = 0;

	while (push("0123456789") == RESULT_OK)
		count++;
	assert_in_range(count, BYTES / 32 - 2, BYTES / 32);
	assert_int_equal(ring_waiting(reader), count);
	assert_true(ring_room(writer) < 10);
	assert_int_equal(push("0123456789"), RESULT_FULL);
	ring_drop(reader, 1);
	assert_int_equal(push("0123456789"), RESULT_OK);
	ring_drop(reader, (uint32_t)count);
	assert_false(has_next());
}

static void
a_record_is_at_most_half_the_ring(void **state)
{
	static char bytes[BYTES];

	assert_int_equal(ring_room(writer), BYTES / 2 - 16);
	assert_int_equal(ring_push(writer, slice_of(bytes, BYTES / 2 - 15), SLICE_EMPTY),
	    RESULT_INVALID);
	assert_int_equal(ring_push(writer, slice_of(bytes, BYTES / 2 - 16), SLICE_EMPTY),
	    RESULT_OK);
}

/* Every length, over and over the end of the circle; what is promised to fit does, and no more. */
static void
records_stay_whole_over_the_end(void **state)
{
	static char bytes[BYTES];
	uint64_t pushed = 0, dropped = 0;
	uint32_t random = 1;

	for (int round = 0; round < 20000; round++) {
		struct slice record;
		uint64_t number;
		size_t room = ring_room(writer);
		size_t length;

		random = random * 1664525 + 1013904223;
		length = (random >> 8) % 700;
		memset(bytes, (int)('a' + (pushed + 1) % 26), length);
		if (ring_push(writer, slice_of(bytes, length), SLICE_EMPTY) == RESULT_OK)
			assert_true(length <= room && ++pushed == ring_pushed(writer));
		else
			assert_true(length > room);
		if ((random & 3) == 0)
			continue;
		if (!ring_peek(reader, 0, &record, &number)) {
			assert_int_equal(pushed, dropped);
			continue;
		}
		assert_int_equal(number, dropped + 1);
		for (size_t i = 0; i < record.length; i++)
			assert_true(record.data[i] == (char)('a' + number % 26));
		ring_drop(reader, 1);
		dropped++;
	}
	assert_true(dropped > 5000);
}

static void
what_is_promised_to_fit_fits(void **state)
{
	for (int offset = 0; offset < 200; offset++) {
		uint32_t fits = ring_fits(writer, 24);

		assert_true(fits >= BYTES / 48 - 2);
		for (uint32_t i = 0; i < fits; i++)
			assert_int_equal(push("012345678901234567890123"), RESULT_OK);
		ring_drop(reader, fits);
		assert_int_equal(push("x"), RESULT_OK);
		ring_drop(reader, 1);
	}
}

static void
both_ends_survive_their_processes(void **state)
{
	assert_int_equal(push("one"), RESULT_OK);
	assert_int_equal(push("two"), RESULT_OK);
	ring_drop(reader, 1);
	ring_detach(&writer);
	ring_detach(&reader);
	assert_int_equal(ring_attach(shm, 5, &writer), RESULT_OK);
	assert_int_equal(ring_attach(shm, 5, &reader), RESULT_OK);
	assert_int_equal(ring_pushed(writer), 2);
	assert_int_equal(push("three"), RESULT_OK);
	assert_next(0, "two", 2);
	assert_next(1, "three", 3);
}

/* What a writer leaves that is killed before its one store of the tail: nothing. */
static void
a_record_without_its_tail_is_none(void **state)
{
	uint64_t tail;

	assert_int_equal(push("one"), RESULT_OK);
	tail = atomic_load(&header()->tail);
	assert_int_equal(push("half"), RESULT_OK);
	atomic_store(&header()->tail, tail);
	assert_next(0, "one", 1);
	assert_int_equal(ring_waiting(reader), 1);
	ring_detach(&writer);
	assert_int_equal(ring_attach(shm, 5, &writer), RESULT_OK);
	assert_int_equal(ring_pushed(writer), 1);
	assert_int_equal(push("two"), RESULT_OK);
	assert_next(1, "two", 2);
}

static bool
was_woken(int fd)
{
	uint64_t count;

	return read(fd, &count, sizeof(count)) == sizeof(count);
}

static int
push_later(const char *text)
{
	return ring_push_later(writer, slice_from_text(text), SLICE_EMPTY);
}

static void
who_gathers_sleeps_until_somebody_waits(void **state)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	ring_set_wake_fd(writer, fd);
	assert_int_equal(push_later("one"), RESULT_OK);
	assert_true(ring_gather(reader));
	assert_int_equal(push_later("two"), RESULT_OK);
	assert_false(was_woken(fd));
	assert_int_equal(push("three"), RESULT_OK);
	assert_true(was_woken(fd));
	assert_false(ring_gather(reader));
	ring_drop(reader, 3);
	assert_true(ring_gather(reader));
	close(fd);
}

static void
who_sleeps_is_woken_by_what_nobody_waits_for(void **state)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	ring_set_wake_fd(writer, fd);
	assert_true(ring_sleep(reader));
	assert_int_equal(push_later("one"), RESULT_OK);
	assert_true(was_woken(fd));
	close(fd);
}

static void
nobody_gathers_more_than_a_quarter(void **state)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	static const char bytes[BYTES / 8];

	ring_set_wake_fd(writer, fd);
	assert_true(ring_gather(reader));
	for (int i = 0; i < 2; i++)
		ring_push_later(writer, slice_of(bytes, sizeof(bytes)), SLICE_EMPTY);
	assert_true(was_woken(fd));
	assert_false(ring_gather(reader));
	close(fd);
}

static void
what_was_pushed_can_be_hurried(void **state)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	ring_set_wake_fd(writer, fd);
	push_later("one");
	assert_true(ring_gather(reader));
	ring_hurry(writer);
	assert_true(was_woken(fd));
	assert_false(ring_gather(reader));
	ring_drop(reader, 1);
	push_later("two");
	assert_true(ring_gather(reader));
	close(fd);
}

/* Its writer died before the push: nobody waits for what is not there. */
static void
what_was_not_pushed_hurries_nobody(void **state)
{
	push_later("one");
	atomic_store(&header()->awaited, 2);
	assert_true(ring_gather(reader));
}

static void
only_a_sleeper_is_woken(void **state)
{
	int fd = eventfd(0, EFD_NONBLOCK);

	ring_set_wake_fd(writer, fd);
	assert_int_equal(push("one"), RESULT_OK);
	assert_false(was_woken(fd));
	assert_false(ring_sleep(reader));
	ring_drop(reader, 1);
	assert_true(ring_sleep(reader));
	assert_int_equal(push("two"), RESULT_OK);
	assert_true(was_woken(fd));
	assert_int_equal(push("three"), RESULT_OK);
	assert_false(was_woken(fd));
	ring_drop(reader, 2);
	assert_true(ring_sleep(reader));
	ring_awake(reader);
	assert_int_equal(push("four"), RESULT_OK);
	assert_false(was_woken(fd));
	ring_wake(writer);
	assert_true(was_woken(fd));
	close(fd);
}

static void
scribbled_lengths_are_not_followed(void **state)
{
	static const uint32_t lengths[] = { 17, BYTES, UINT32_MAX, UINT32_MAX - 15, 0x80000000 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		assert_int_equal(push("one"), RESULT_OK);
		record_at(atomic_load(&header()->head))->length = lengths[i];
		assert_false(has_next());
		ring_drop(reader, 1);	/* does nothing */
		record_at(atomic_load(&header()->head))->length = 3;
		assert_true(has_next());
		ring_drop(reader, 1);
	}
}

static void
scribbled_heads_are_not_believed(void **state)
{
	assert_int_equal(push("one"), RESULT_OK);
	record_at(0)->kind = 77;
	assert_false(has_next());
	record_at(0)->kind = RING_PADDING;
	assert_false(has_next());
	record_at(0)->kind = RING_RECORD;
	assert_int_equal(push("two"), RESULT_OK);
	record_at(32)->number = 99;
	assert_next(0, "one", 1);
	ring_drop(reader, 2);
	assert_int_equal(atomic_load(&header()->head), 0);
}

static void
scribbled_counts_are_refused(void **state)
{
	static const uint64_t tails[] = { 1, 8, BYTES, BYTES * 2, UINT64_MAX - 15 };

	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		atomic_store(&header()->tail, tails[i]);
		assert_false(has_next());
		assert_int_equal(push("one"), RESULT_CORRUPT);
		assert_int_equal(ring_room(writer), 0);
		assert_int_equal(ring_waiting(reader), 0);
	}
	atomic_store(&header()->tail, 0);
	atomic_store(&header()->head, 32);
	assert_false(has_next());
	assert_int_equal(push("one"), RESULT_CORRUPT);
}

/* Whatever stands in the ring, no read leaves it. */
static void
noise_is_survived(void **state)
{
	volatile uint64_t sum = 0;
	uint32_t random = 7;

	for (int round = 0; round < 2000; round++) {
		struct slice record;
		uint64_t number;
		uint32_t *words = (uint32_t *)(void *)record_at(0);

		for (int i = 0; i < BYTES / 4; i++) {
			random = random * 1664525 + 1013904223;
			words[i] = (random >> 28) == 0 ? random : (random >> 8) & 63;
		}
		random = random * 1664525 + 1013904223;
		atomic_store(&header()->head, (random >> 8) % BYTES & ~15u);
		atomic_store(&header()->tail, (random >> 12) % (2 * BYTES) & ~15u);
		for (uint32_t skip = 0; skip < 8 && ring_peek(reader, skip, &record, &number); skip++) {
			assert_true(record.length < BYTES);
			for (size_t i = 0; i < record.length; i++)
				sum = sum + (unsigned char)record.data[i];
		}
		ring_drop(reader, 1);
		push("more");
	}
}

#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(records_come_in_order_with_numbers),
		FACT(an_empty_record_is_one),
		FACT(a_full_ring_says_so_and_takes_more_later),
		FACT(a_record_is_at_most_half_the_ring),
		FACT(records_stay_whole_over_the_end),
		FACT(what_is_promised_to_fit_fits),
		FACT(both_ends_survive_their_processes),
		FACT(a_record_without_its_tail_is_none),
		FACT(only_a_sleeper_is_woken),
		FACT(who_gathers_sleeps_until_somebody_waits),
		FACT(who_sleeps_is_woken_by_what_nobody_waits_for),
		FACT(nobody_gathers_more_than_a_quarter),
		FACT(what_was_pushed_can_be_hurried),
		FACT(what_was_not_pushed_hurries_nobody),
		FACT(scribbled_lengths_are_not_followed),
		FACT(scribbled_heads_are_not_believed),
		FACT(scribbled_counts_are_refused),
		FACT(noise_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
