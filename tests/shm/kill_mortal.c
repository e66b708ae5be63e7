/* kill_mortal.c -- sessions of the kill test that end and begin again. */
#include "base/ensure.h"
#include "base/result.h"
#include "kill_board.h"
#include "shm/outbox.h"
#include "shm/slots.h"

#define ENTRY_MOST (BODY_MOST + sizeof(struct stanza_head))

static char bytes[ENTRY_MOST];

struct slot_ref
mortal_ref(const struct board *board, uint32_t mortal)
{
	uint64_t packed = atomic_load(&board->mortal[mortal]);

	return (struct slot_ref){ (uint32_t)(packed >> 32), (uint32_t)packed };
}

/* An entry is counted once however often its reader died; in one session each sender's
 * numbers only rise. */
static void
check_mortal(struct play *play, uint32_t mortal, const struct entry *entry)
{
	struct stanza_head head;
	_Atomic uint64_t *last;
	uint64_t seen;

	if (!stanza_check(bytes, entry->length, SESSIONS + mortal, &head)) {
		board_fault(play->board, FAULT_CORRUPT);
		return;
	}
	last = &play->board->mortal_last[mortal][head.session];
	seen = atomic_load(last);
	if (entry->number <= seen >> 32)
		return;
	if (head.number == (uint32_t)seen)
		board_fault(play->board, FAULT_DUP);
	else if (head.number < (uint32_t)seen)
		board_fault(play->board, FAULT_REORDERED);
	atomic_store(last, entry->number << 32 | head.number);
}

static bool
read_mortal(struct play *play, uint32_t mortal, struct slot_ref ref)
{
	struct outbox_cursor cursor;
	struct entry entry;
	uint64_t first;

	outbox_start(play->shm, ref, &cursor);
	first = cursor.number;
	while (outbox_peek(play->shm, ref, &cursor, &entry)) {
		if (entry.length > ENTRY_MOST ||
		    outbox_read(play->shm, ref, &cursor, bytes, entry.length, 0) !=
			entry.length) {
			board_fault(play->board, FAULT_CORRUPT);
			break;
		}
		check_mortal(play, mortal, &entry);
	}
	ensure(outbox_give(play->shm, ref, cursor.number - 1) == RESULT_OK);
	return cursor.number > first;
}

static void
begin_mortal(struct play *play, uint32_t mortal)
{
	struct slot_ref ref;

	if (slot_take(play->shm, &ref) != RESULT_OK)
		return;
	for (uint32_t i = 0; i < SESSIONS; i++)
		atomic_store(&play->board->mortal_last[mortal][i], 0);
	atomic_store(&play->board->mortal[mortal], (uint64_t)ref.slot << 32 | ref.epoch);
}

bool
mortal_tend(struct play *play, uint32_t mortal, bool end)
{
	struct slot_ref ref = mortal_ref(play->board, mortal);
	bool given;

	if (slot_find(play->shm, ref) == NULL) {
		atomic_store(&play->board->mortal[mortal], 0);
		begin_mortal(play, mortal);
		return false;
	}
	given = read_mortal(play, mortal, ref);
	if (end) {
		slot_give(play->shm, ref);
		atomic_fetch_add(&play->board->ended, 1);
	}
	return given;
}
