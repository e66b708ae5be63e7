/* hold.c -- client state indication (XEP-0352): what may wait in the outbox of a client that is inactive. */
#include "session/hold.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "config/config.h"
#include "session/session.h"
#include "shm/limits.h"
#include "stream/server.h"

#define HEAD_BYTES 4096		/* a start tag with addresses of the longest kind, mostly */

/* --- presences that later ones replace --- */

/* A presence that waits. */
struct waiting {
	uint64_t	     sender;	/* hash of its "from" */
	uint64_t	     number;
	struct outbox_cursor at;
};

/* Our own writer made the bytes (xml/writer.h): " from='" is the attribute, and stands in the first tag. */
static bool
find_sender(struct slice head, uint64_t *sender)
{
	static const char name[] = " from='";
	const char *end = memchr(head.data, '>', head.length);
	const char *from;
	const char *quote;

	if (end == NULL)
		return false;
	from = memmem(head.data, (size_t)(end - head.data), name, sizeof(name) - 1);
	if (from == NULL)
		return false;
	from += sizeof(name) - 1;
	quote = memchr(from, '\'', (size_t)(end - from));
	if (quote == NULL)
		return false;
	*sender = hash64(hash_process_key(), slice_of(from, (size_t)(quote - from)));
	return true;
}

static bool
sender_of(struct session *session, const struct outbox_cursor *at, const struct entry *entry,
    uint64_t *sender)
{
	char head[HEAD_BYTES];
	struct outbox_cursor cursor = *at;
	size_t size = entry->length < sizeof(head) ? entry->length : sizeof(head);

	return find_sender(slice_of(head, outbox_read(session->server->shm, session->ref, &cursor,
					      head, size, at->number)),
	    sender);
}

static int
by_sender_and_number(const void *left, const void *right)
{
	const struct waiting *a = left, *b = right;

	if (a->sender != b->sender)
		return a->sender < b->sender ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static size_t
gather(struct session *session, struct outbox_cursor cursor, uint64_t last,
    struct waiting *presences)
{
	struct shm *shm = session->server->shm;
	struct entry entry;
	size_t count = 0;

	while (cursor.number <= last && outbox_peek(shm, session->ref, &cursor, &entry)) {
		struct waiting *presence = &presences[count];

		if ((entry.flags & ENTRY_REPLACES) &&
		    sender_of(session, &cursor, &entry, &presence->sender)) {
			presence->number = cursor.number;
			presence->at = cursor;
			count++;
		}
		if (!outbox_step(shm, session->ref, &cursor))
			break;
	}
	return count;
}

/* Of each sender the last one stays. */
static void
collapse(struct session *session, const struct outbox_cursor *first, uint64_t last)
{
	struct waiting *presences;
	size_t count;

	if (first->number >= last)
		return;
	presences = memory_new((last - first->number + 1) * sizeof(*presences));
	count = gather(session, *first, last, presences);
	qsort(presences, count, sizeof(*presences), by_sender_and_number);
	for (size_t i = 0; i + 1 < count; i++)
		if (presences[i].sender == presences[i + 1].sender)
			outbox_pass_over(session->server->shm, session->ref,
			    &presences[i].at);
	memory_free(presences);
}

/* --- what may be read --- */

/* Looks at entries up to the newest; true when one of them may not wait. */
static bool
look(struct session *session, struct outbox_cursor *next)
{
	struct shm *shm = session->server->shm;
	bool is_urgent = false;
	struct entry entry;

	while (outbox_peek(shm, session->ref, next, &entry)) {
		if ((entry.flags & ENTRY_CAN_WAIT) == 0)
			is_urgent = true;
		if (!outbox_step(shm, session->ref, next))
			return true;
	}
	return is_urgent;
}

/* Stands at the first entry behind `open`. */
static struct outbox_cursor
first_waiting(struct session *session)
{
	struct outbox_cursor cursor = session->cursor;

	cursor.offset = 0;
	while (cursor.number <= session->hold.open &&
	    outbox_step(session->server->shm, session->ref, &cursor))
		;
	return cursor;
}

static void
let_through(struct session *session)
{
	struct hold *hold = &session->hold;
	struct outbox_cursor first = first_waiting(session);

	collapse(session, &first, hold->next.number - 1);
	hold->open = hold->next.number - 1;
	hold->grace_ms = clock_ms() + (uint64_t)session->server->config->csi_grace;
}

void
hold_set(struct session *session, bool is_inactive)
{
	struct hold *hold = &session->hold;

	if (is_inactive == hold->is_on)
		return;
	if (is_inactive) {
		atomic_fetch_or(&session->slot->flags, SLOT_INACTIVE);
		*hold = (struct hold){ .is_on = true, .next = session->cursor };
		hold->next.offset = 0;
		look(session, &hold->next);
		hold->open = hold->next.number - 1;
	} else {
		hold_open(session);
		hold->is_on = false;
		atomic_fetch_and(&session->slot->flags, ~(uint32_t)SLOT_INACTIVE);
	}
}

void
hold_open(struct session *session)
{
	struct hold *hold = &session->hold;

	if (!hold->is_on)
		return;
	look(session, &hold->next);
	let_through(session);
	session_want_write(session);
}

void
hold_end(struct session *session)
{
	session->hold.is_on = false;
}

static bool
is_too_much(const struct session *session)
{
	const struct config *config = session->server->config;

	return (session->hold.next.number - 1 - session->hold.open >
		       (uint64_t)config->csi_queue &&
		   limit_met(session->server->shm, LIMIT_CSI)) ||
	    outbox_bytes(session->slot) > (uint64_t)config->outbox_bytes / 2;
}

uint64_t
hold_limit(struct session *session)
{
	struct hold *hold = &session->hold;

	if (!hold->is_on)
		return UINT64_MAX;
	if (look(session, &hold->next) || is_too_much(session))
		let_through(session);
	else if (clock_ms() < hold->grace_ms)
		hold->open = hold->next.number - 1;
	return hold->open;
}
