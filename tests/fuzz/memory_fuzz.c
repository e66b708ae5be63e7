/* memory_fuzz.c -- scribbles over shared memory, then everybody who reads it: nobody may crash, hang or look elsewhere. */
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "shm/blocks.h"
#include "shm/effect.h"
#include "shm/fsck.h"
#include "shm/outbox.h"
#include "shm/ring_record.h"
#include "shm/slots.h"
#include "shm/store_request.h"
#include "shm/wake.h"
#include "tests/folder.h"

/*
 * An input is a list of pokes of 12 bytes: what, width (its logarithm), where (2 bytes, in units of the width, round and
 * round), 8 bytes of value. Not touched are the counts of the header pages,
 * which whoever attaches checks, and locks that name the living: those hang until the watchdog sees it, as they must.
 */
#define POKE	 12
#define POKES    64
#define WORKERS  2
#define SESSIONS 6
#define RING     16384
#define PAYLOADS 3
#define ROUNDS   4096

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct part {
	char  *start;
	size_t length;
};

static char directory[64];
static struct slot_ref sessions[SESSIONS];

/* --- a memory with something of everything, made once --- */

static struct slice
payload(size_t length)
{
	static char bytes[8192];

	ensure(length <= sizeof(bytes));
	memset(bytes, 'x', sizeof(bytes));
	return slice_of(bytes, length);
}

static void
draft_append(struct shm *shm, struct slot_ref target, size_t length, uint8_t flags)
{
	struct effect_piece piece = { 0, (uint32_t)length };
	char *memory;

	ensure(effect_stage(shm, piece.length, &memory, &piece.offset) == RESULT_OK);
	memcpy(memory, payload(length).data, length);
	ensure(effect_add(shm, target, ENTRY_MESSAGE, flags, &piece, 1) == RESULT_OK);
}

static void
draft_ask(struct shm *shm, enum store_kind kind, size_t length)
{
	struct effect_piece piece = { 0, (uint32_t)length };
	char *memory;

	ensure(effect_stage(shm, piece.length, &memory, &piece.offset) == RESULT_OK);
	memset(memory, 0, length);
	ensure(effect_ask(shm, kind, false, piece) == RESULT_OK);
}

static void
make_sessions(struct shm *shm)
{
	static const size_t lengths[PAYLOADS] = { 40, 1990, 5000 };
	struct outbox_cursor cursor;

	for (uint32_t i = 0; i < SESSIONS; i++) {
		ensure(slot_take(shm, &sessions[i]) == RESULT_OK);
		for (uint32_t j = 0; j < i; j++) {
			effect_draft(shm, sessions[0], j + 1, true);
			draft_append(shm, sessions[i], lengths[j % PAYLOADS],
			    j == 1 ? ENTRY_STORED : ENTRY_CAN_WAIT);
			ensure(effect_run(shm) == RESULT_OK);
		}
	}
	outbox_start(shm, sessions[4], &cursor);
	outbox_pass_over(shm, sessions[4], &cursor);
	ensure(outbox_give(shm, sessions[5], 2) == RESULT_OK);
	ensure(slot_move(shm, sessions[2], 1) == RESULT_OK);
}

/* As it stands when its worker dies behind the first step. */
static void
leave_standing(struct shm *shm)
{
	struct shm_worker *worker = &shm->worker[0];

	effect_draft(shm, sessions[1], 9, true);
	draft_ask(shm, STORE_CORE, 100);
	draft_append(shm, sessions[1], 300, 0);
	draft_append(shm, sessions[3], 4000, 0);
	effect_tells(shm, STEP_TELLS_ALL, 7);
	draft_append(shm, sessions[5], 10, ENTRY_STORED);
	ensure(effect_run(shm) == RESULT_OK);
	worker->effect->state |= 1;
	worker->steps[0].done = 0;
	worker->steps[0].told++;
	worker->steps[2].done = 0;
	worker->steps[3].done = 0;
}

static int
remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static void
remove_directory(void)
{
	nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
make_memory(void)
{
	struct shm_options options = { directory, WORKERS, SESSIONS, BLOCK_EXTENT * BLOCK_SIZE };
	struct shm *shm;

	log_to_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	ensure(folder_make(directory, "/dev/shm"));
	atexit(remove_directory);
	ensure(shm_create(&options, &shm) == RESULT_OK);
	for (int kind = 0; kind < STORE_COUNT; kind++)
		ensure(ring_create(shm, store_ring_number(0, (enum store_kind)kind, RING_REQUESTS),
			   RING) == RESULT_OK);
	shm_join(shm, 0);
	make_sessions(shm);
	leave_standing(shm);
	shm_detach(&shm);
}

/* --- each input gets it as it was --- */

enum { SLOTS, OWNERS, BLOCKS, EFFECT, STEPS, STAGING, DIRTY, PAGE, RINGS, KINDS };
#define PARTS (KINDS * 2)	/* of each worker; of rings, of each store */

static struct shm *base;		/* for restoring and poking; nobody works with it */
static struct segment rings[STORE_COUNT];
static char *kept[PARTS];
static uint32_t generations[WORKERS];

static struct part
part_of(int which)
{
	struct shm_worker *worker = &base->worker[which & 1];
	struct segment *ring = &rings[which & 1];
	const size_t header = sizeof(struct segment_header);

	switch (which / 2) {
	case SLOTS:
		return (struct part){ (char *)base->slots, SESSIONS * sizeof(struct slot) };
	case OWNERS:
		return (struct part){ (char *)worker->block_owner, BLOCK_EXTENT * 4 };
	case BLOCKS:
		return (struct part){ (char *)worker->blocks, 64 * BLOCK_SIZE };
	case EFFECT:
		return (struct part){ (char *)worker->effect + header, 128 };
	case STEPS:
		return (struct part){ (char *)worker->steps, 16 * sizeof(struct effect_step) };
	case STAGING:
		return (struct part){ worker->staging, 16384 };
	case DIRTY:
		return (struct part){ (char *)worker->dirty, 4096 };
	case PAGE:
		return (struct part){ (char *)shm_page(base, (uint32_t)which & 1), 128 };
	default:
		return (struct part){ (char *)ring->memory + header, ring->size - header };
	}
}

static void
keep(void)
{
	ensure(shm_attach(directory, false, &base) == RESULT_OK);
	for (int kind = 0; kind < STORE_COUNT; kind++) {
		struct segment_identity identity = { .kind = SEGMENT_RING,
			.number = store_ring_number(0, (enum store_kind)kind, RING_REQUESTS),
			.unit = RING_UNIT,
			.instance = base->instance->header.instance };
		char name[32];

		snprintf(name, sizeof(name), "ring.%u", identity.number);
		ensure(segment_attach(&rings[kind], directory, name, &identity, false) ==
		    RESULT_OK);
	}
	for (uint32_t i = 0; i < WORKERS; i++)
		generations[i] = atomic_load(&shm_page(base, i)->generation);
	for (int i = 0; i < PARTS; i++) {
		struct part part = part_of(i);

		kept[i] = memory_new(part.length);
		memcpy(kept[i], part.start, part.length);
	}
}

static void
restore(void)
{
	for (int i = 0; i < PARTS; i++) {
		struct part part = part_of(i);

		memcpy(part.start, kept[i], part.length);
	}
}

/* --- scribbling --- */

static void
poke(const uint8_t *bytes)
{
	struct part part = part_of(bytes[0] % PARTS);
	size_t width = (size_t)1 << (bytes[1] & 3);
	uint16_t where;

	memcpy(&where, bytes + 2, sizeof(where));
	memcpy(part.start + where * width % part.length, bytes + 4, width);
}

/* Generations stay as they were, and no lock names a process that lives once worker 0 was reaped. */
static void
spare_the_living(void)
{
	for (uint32_t i = 0; i < WORKERS; i++)
		atomic_store(&shm_page(base, i)->generation, generations[i]);
	for (uint32_t i = 0; i < SESSIONS; i++) {
		uint32_t word = atomic_load(&base->slots[i].lock);
		uint32_t worker = (word & 0xff) - 1;

		if (worker < WORKERS && word >> 8 == generations[worker] + (worker == 0))
			atomic_store(&base->slots[i].lock, 0);
	}
}

/* --- everybody who reads --- */

static void
read_outbox(struct shm *shm, struct slot_ref ref)
{
	struct outbox_cursor cursor;
	struct entry entry;
	uint64_t number, stored;
	char bytes[3000];

	outbox_start(shm, ref, &cursor);
	for (int i = 0; i < ROUNDS && outbox_read(shm, ref, &cursor, bytes, sizeof(bytes), 0) > 0;
	     i++)
		;
	outbox_start(shm, ref, &cursor);
	for (int i = 0; i < ROUNDS && outbox_peek(shm, ref, &cursor, &entry); i++) {
		ensure(entry.length <= EFFECT_STAGING_MAX);
		if (!outbox_step(shm, ref, &cursor))
			break;
	}
	outbox_stored(shm, ref, UINT64_MAX, &number, &stored);
	outbox_count(shm, ref, 1, 2, UINT64_MAX, &number);
	outbox_passed(shm, ref, UINT64_MAX);
	outbox_start(shm, ref, &cursor);
	outbox_pass_over(shm, ref, &cursor);
}

static void
read_ring(struct shm *shm, enum store_kind kind)
{
	struct slice record;
	struct ring *ring;
	uint64_t number;
	uint32_t count = 0;
	char sum = 0;

	ensure(ring_attach(shm, store_ring_number(0, kind, RING_REQUESTS), &ring) == RESULT_OK);
	ring_room(ring);
	ring_fits(ring, 40);
	ring_pushed(ring);
	ring_waiting(ring);
	ring_gather(ring);
	for (; count < ROUNDS && ring_peek(ring, count, &record, &number); count++)
		for (size_t i = 0; i < record.length; i++)
			sum ^= record.data[i];
	ring_push(ring, slice_of(&sum, 1), payload(100));
	ring_drop(ring, count);
	ring_push_later(ring, payload(3000), SLICE_EMPTY);
	ring_detach(&ring);
}

static void
check(struct shm *shm, bool is_in_use)
{
	struct fsck *fsck = fsck_new(is_in_use);
	const struct fsck_finding *findings;
	size_t more;

	fsck_pass(fsck);
	fsck_memory(fsck, shm);
	fsck_end(fsck);
	fsck_findings(fsck, &findings, &more);
	fsck_free(&fsck);
}

static void
on_dirty(void *owner, uint32_t slot)
{
	struct shm *shm = owner;

	ensure(slot < SESSIONS);
	slot_take_order(&shm->slots[slot]);
}

/* Of a session of one's own, that anybody may have ended. */
static void
use(struct shm *shm, uint32_t index)
{
	struct slot *slot = &shm->slots[index];
	struct slot_ref ref = { index, atomic_load(&slot->epoch) };

	if (slot_find(shm, ref) == NULL)
		return;
	effect_draft(shm, ref, 20, true);
	draft_append(shm, ref, 2500, 0);
	draft_append(shm, ref, 20, ENTRY_STORED);
	effect_run(shm);
	read_outbox(shm, ref);
	outbox_give(shm, ref, (atomic_load(&slot->out_acked) >> 1) + 1);
	outbox_entries(slot);
	outbox_bytes(slot);
}

static void
read_all(void)
{
	struct shm *shm;

	ensure(shm_attach(directory, false, &shm) == RESULT_OK);
	check(shm, false);
	for (uint32_t i = 0; i < SESSIONS; i++)
		read_outbox(shm, sessions[i]);
	shm_reaped(shm, 0);
	shm_join(shm, 0);
	shm_recover(shm);
	check(shm, true);
	for (int kind = 0; kind < STORE_COUNT; kind++)
		read_ring(shm, (enum store_kind)kind);
	for (uint32_t i = 0; i < SESSIONS; i++)
		use(shm, i);
	wake_take(shm, on_dirty, shm);
	for (uint32_t i = 0; i < SESSIONS; i++)
		slot_give(shm, (struct slot_ref){ i, atomic_load(&shm->slots[i].epoch) });
	blocks_trim(shm);
	shm_detach(&shm);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (base == NULL) {
		make_memory();
		keep();
	}
	restore();
	for (int i = 0; i < POKES && size >= POKE; i++, data += POKE, size -= POKE)
		poke(data);
	spare_the_living();
	read_all();
	return 0;
}
