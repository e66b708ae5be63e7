/* fsck_rings.c -- checks rings: their counts, and that their records lead from head to tail. */
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/result.h"
#include "shm/fsck_private.h"
#include "shm/ring_record.h"
#include "shm/segments.h"
#include "shm/store_request.h"

struct circle {
	const struct ring_header *header;
	const char		 *bytes;
	uint64_t		  size;
	uint64_t		  head;
	uint64_t		  tail;
};

struct record {
	uint64_t place;
	uint64_t number;	/* that it must have; 0: whatever the first has */
};

/* What is wrong with the record at a place; NULL: nothing, and *record is the next one. */
static const char *
pass(const struct circle *circle, struct record *record)
{
	struct record_head head;
	uint64_t at = record->place % circle->size;
	uint64_t whole;

	memcpy(&head, circle->bytes + at, sizeof(head));
	if (record->number != 0 && head.number != record->number)
		return "number";
	record->number = head.number;
	if (record->place == circle->tail)
		return NULL;
	whole = ((uint64_t)head.length + RING_UNIT - 1) / RING_UNIT * RING_UNIT + RING_UNIT;
	if (head.kind != RING_RECORD && head.kind != RING_PADDING)
		return "kind";
	if (whole > circle->tail - record->place || at + whole > circle->size)
		return "length";
	record->place += whole;
	record->number += head.kind == RING_RECORD;
	return NULL;
}

static bool
are_sane(const struct circle *circle)
{
	return circle->head % RING_UNIT == 0 && circle->tail % RING_UNIT == 0 &&
	    circle->head <= circle->tail && circle->tail - circle->head <= circle->size - RING_UNIT;
}

/* The first record that is wrong; its reader may have dropped it meanwhile. */
static const char *
walk(const struct circle *circle, struct record *record)
{
	const char *wrong = NULL;

	while (wrong == NULL && record->place < circle->tail)
		wrong = pass(circle, record);
	return wrong != NULL ? wrong : pass(circle, record);
}

static bool
look(struct circle *circle)
{
	circle->head = atomic_load(&circle->header->head);
	circle->tail = atomic_load(&circle->header->tail);
	return circle->head == atomic_load(&circle->header->head);
}

static void
check_circle(struct fsck *fsck, const char *name, struct circle *circle)
{
	for (int i = 0; i < FSCK_TRIES; i++) {
		bool is_moment = look(circle);
		struct record record = { circle->head, 0 };
		const char *wrong = are_sane(circle) ? walk(circle, &record) : "counts";

		if (wrong == NULL)
			return;
		if (is_moment && circle->head == atomic_load(&circle->header->head)) {
			if (strcmp(wrong, "counts") == 0)
				fsck_find(fsck, FSCK_RING_COUNTS, name,
				    "head %llu, tail %llu of %llu bytes",
				    (unsigned long long)circle->head,
				    (unsigned long long)circle->tail,
				    (unsigned long long)circle->size);
			else
				fsck_find(fsck, FSCK_RING_RECORD, name, "wrong: %s, at byte %llu",
				    wrong, (unsigned long long)record.place);
			return;
		}
		sched_yield();
	}
}

static void
check_ring(struct fsck *fsck, const struct shm *shm, const char *name,
    const struct segments_shape *shape)
{
	struct segment_identity identity;
	struct segment segment;
	struct circle circle;
	const char *wrong;
	int result = segments_check(shm->directory, name, shape, &wrong);

	fsck_count(fsck)->segments++;
	if (result == RESULT_NOT_FOUND)
		fsck_find(fsck, FSCK_SEGMENT_MISSING, name, "there is no such file");
	else if (result != RESULT_OK)
		fsck_find(fsck, FSCK_SEGMENT_BROKEN, name, "wrong: %s", wrong);
	if (result != RESULT_OK || !segments_identity(name, shape, &identity) ||
	    segment_attach(&segment, shm->directory, name, &identity, true) != RESULT_OK)
		return;
	circle.header = segment.memory;
	circle.bytes = (const char *)segment.memory + sizeof(struct ring_header);
	circle.size = segment.size - sizeof(struct ring_header);
	check_circle(fsck, name, &circle);
	segment_detach(&segment);
}

/* A memory without stores has none. */
static bool
has_rings(const struct shm *shm)
{
	const char *wrong;

	for (uint32_t i = 0; i < PROCESSES_MAX * STORE_COUNT * 2; i++) {
		char name[SEGMENTS_NAME_MAX];

		segments_name(SEGMENT_RING, i, name);
		if (segments_check(shm->directory, name, NULL, &wrong) != RESULT_NOT_FOUND)
			return true;
	}
	return false;
}

void
fsck_rings(struct fsck *fsck, const struct shm *shm)
{
	struct segments_shape shape = { shm->workers, shm->max_sessions,
		shm->instance->header.instance };

	if (!has_rings(shm))
		return;
	for (uint32_t process = 0; process < PROCESSES_MAX; process++)
		for (uint32_t i = 0; store_is_client(shm, process) && i < STORE_COUNT * 2; i++) {
			char name[SEGMENTS_NAME_MAX];

			segments_name(SEGMENT_RING, store_ring_number(process, i / 2, i % 2), name);
			check_ring(fsck, shm, name, &shape);
		}
}
