/* kill_auditor.c -- counts what arrives in the kill test against what must. */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "base/result.h"
#include "kill_board.h"
#include "shm/outbox.h"
#include "shm/wake.h"

#define ENTRY_MOST (BODY_MOST + sizeof(struct stanza_head))
#define READ_MOST  64 /* entries of one outbox in a row */

/* Numbers of the stanzas of one session that must come to one target, in their order. */
struct expected {
	uint32_t *number;
	uint32_t first;
	uint32_t end;
	uint32_t capacity;
	uint32_t newest; /* the last one that came */
};

struct auditor {
	struct play *play;
	struct board *board;
	struct shm *shm;                              /* a read-only view of its own */
	struct expected expected[SESSIONS][SESSIONS]; /* from, to */
	uint32_t known[SESSIONS];                     /* stanzas looked at so far */
	struct outbox_cursor cursor[SESSIONS];
	uint64_t dice;
	char entry[ENTRY_MOST];
};

static struct auditor *self;

static void
expect(struct expected *expected, uint32_t number)
{
	if (expected->end == expected->capacity) {
		uint32_t waiting = expected->end - expected->first;

		if (waiting > expected->capacity / 2 || expected->capacity == 0) {
			expected->capacity = expected->capacity * 2 + 64;
			expected->number = memory_resize(
			    expected->number, expected->capacity * sizeof(uint32_t));
		}
		memmove(expected->number, expected->number + expected->first,
			waiting * sizeof(uint32_t));
		expected->first = 0;
		expected->end = waiting;
	}
	expected->number[expected->end++] = number;
}

static void
learn(uint32_t session, uint64_t upto)
{
	struct stanza stanza;

	while (self->known[session] < upto) {
		stanza_make(&stanza, session, ++self->known[session]);
		for (uint32_t i = 0; i < stanza.targets; i++)
			expect(&self->expected[session][stanza.target[i]], stanza.number);
	}
}

/* One that comes late, after others of its sender, counts as reordered; one that never
 * comes as lost. */
static void
arrived(uint32_t session, uint32_t target, uint32_t number)
{
	struct expected *expected = &self->expected[session][target];
	uint32_t at;

	learn(session, number);
	for (at = expected->first; at < expected->end; at++)
		if (expected->number[at] == number)
			break;
	if (at == expected->end) {
		board_fault(self->board, FAULT_DUP);
		return;
	}
	if (number < expected->newest || at != expected->first)
		board_fault(self->board, FAULT_REORDERED);
	expected->newest = number;
	for (; at > expected->first; at--)
		expected->number[at] = expected->number[at - 1];
	expected->first++;
}

/* Whole, or in pieces of any size: the bytes are the same. */
static bool
read_entry(uint32_t session, uint32_t length)
{
	size_t piece = length;
	size_t done = 0;

	self->dice = stanza_mix(self->dice, length);
	if (self->dice % 8 == 0)
		piece = 1 + self->dice / 8 % length;
	while (done < length) {
		size_t want = length - done < piece ? length - done : piece;
		size_t got =
		    outbox_read(self->shm, self->board->session[session],
				&self->cursor[session], self->entry + done, want, 0);

		if (got != want)
			return false;
		done += got;
	}
	return true;
}

static bool
audit_entry(uint32_t target)
{
	struct slot_ref ref = self->board->session[target];
	struct outbox_cursor *cursor = &self->cursor[target];
	uint64_t number = cursor->number;
	struct stanza_head head;
	struct entry entry;

	if (!outbox_peek(self->shm, ref, cursor, &entry) || entry.number != number ||
	    entry.length > ENTRY_MOST || !read_entry(target, entry.length) ||
	    !stanza_check(self->entry, entry.length, target, &head) ||
	    entry.origin >> 56 != board_owner(head.session)) {
		board_fault(self->board, FAULT_CORRUPT);
		return false;
	}
	atomic_fetch_add_explicit(&self->board->entries, 1, memory_order_relaxed);
	arrived(head.session, target, head.number);
	return true;
}

/* While the owner is giving back, the chain moves under a reader that is not the owner:
 * so then it waits. */
static bool
audit_session(uint32_t target)
{
	struct board *board = self->board;
	uint64_t shown = atomic_load(&board->shown[target]);
	uint64_t given = atomic_load(&board->given[target]);
	uint64_t read;
	uint32_t phase;

	if (given != atomic_load(&board->give[target]))
		return false;
	for (int i = 0; i < READ_MOST && self->cursor[target].number <= shown; i++)
		if (!audit_entry(target))
			return false;
	read = self->cursor[target].number - 1;
	phase = atomic_load(&board->phase);
	self->dice = stanza_mix(self->dice, read);
	if (phase == PHASE_RUN)
		read -= read - given > 3 ? self->dice % 4 : 0;
	if (read == given || phase == PHASE_PAUSE)
		return self->cursor[target].number <= shown;
	atomic_store(&board->give[target], read);
	play_poke(self->play->poke_fd[board_owner(target)]);
	return true;
}

/* All that was handled has arrived everywhere, and nothing else. */
static void
audit_sums(void)
{
	for (uint32_t from = 0; from < SESSIONS; from++) {
		struct slot *slot = &self->shm->slots[self->board->session[from].slot];
		uint64_t handled = atomic_load(&slot->h_in);

		if (self->known[from] > handled)
			board_fault(self->board, FAULT_COUNT);
		learn(from, handled);
		for (uint32_t to = 0; to < SESSIONS; to++) {
			struct expected *expected = &self->expected[from][to];

			atomic_fetch_add(&self->board->fault[FAULT_LOST],
					 expected->end - expected->first);
			expected->first = expected->end;
		}
	}
}

static bool
pass(void)
{
	uint32_t wanted = atomic_load(&self->board->audit);
	bool any = false;

	for (uint32_t i = 0; i < SESSIONS; i++)
		any = audit_session(i) || any;
	if (wanted != atomic_load(&self->board->audited)) {
		audit_sums();
		atomic_store(&self->board->audited, wanted);
	}
	return any;
}

_Noreturn void
kill_auditor(struct play *play)
{
	struct pollfd fd = { play->auditor_fd, POLLIN, 0 };

	self = NEW(struct auditor);
	self->play = play;
	self->board = play->board;
	ensure(shm_attach(play->directory, true, &self->shm) == RESULT_OK);
	for (uint32_t i = 0; i < SESSIONS; i++)
		outbox_start(self->shm, self->board->session[i], &self->cursor[i]);
	while (atomic_load(&self->board->phase) != PHASE_QUIT) {
		if (pass())
			continue;
		atomic_store(&self->board->auditor_sleeps, 1);
		if (pass())
			continue;
		atomic_store(&self->board->polling[AUDITOR], 1);
		poll(&fd, 1, -1);
		atomic_store(&self->board->polling[AUDITOR], 0);
		wake_drain_fd(fd.fd);
	}
	_exit(0);
}
