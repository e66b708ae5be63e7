/* push_hibernate.c -- XEP-0357: a client whose connection broke is woken for what it has not acknowledged. */
#include "features/push.h"

#include "features/offline.h"
#include "shm/outbox.h"
#include "stream/server.h"
#include "xml/fragment.h"

#define LOOKS_MAX 64		/* messages that are looked at: of more it is enough to know that there are some */
#define READ_MAX  (64u << 10)	/* bytes of one; a larger one is news */

/* Of a copy it is what was copied that counts, and what the account sent itself is no news (XEP-0280). */
static bool
open_copy(struct stanza *message)
{
	struct element *carbon = element_child(message->element, NS_CARBONS, "received");
	struct element *forwarded;

	if (element_child(message->element, NS_CARBONS, "sent") != NULL)
		return false;
	if (carbon == NULL)
		return true;
	forwarded = element_child(carbon, NS_FORWARD, "forwarded");
	message->element =
	    forwarded == NULL ? NULL : element_child(forwarded, NS_CLIENT, "message");
	return message->element != NULL;
}

static bool
is_news(struct arena *arena, struct slice bytes)
{
	struct stanza message = { .arena = arena, .element = fragment_read(arena, bytes) };

	return message.element != NULL && open_copy(&message) && stanza_classify(&message) &&
	    jid_parse(arena, element_attribute(message.element, "from"), &message.from) &&
	    jid_parse(arena, element_attribute(message.element, "to"), &message.to) &&
	    push_is_due(&message);
}

/* The cursor stays where it is. */
static bool
entry_is_news(struct session *session, const struct outbox_cursor *at, const struct entry *entry)
{
	struct outbox_cursor cursor = *at;
	struct arena arena;
	char *bytes;
	size_t length;
	bool found;

	/* What stands in a store was told of when it was put there. */
	if (entry->kind != ENTRY_MESSAGE ||
	    (entry->flags & (ENTRY_CAN_WAIT | ENTRY_PASSED_OVER | ENTRY_STORED)))
		return false;
	if (entry->length > READ_MAX)
		return true;
	arena_init(&arena);
	bytes = arena_alloc(&arena, entry->length);
	length = outbox_read(session->server->shm, session->ref, &cursor, bytes, entry->length,
	    entry->number);
	found = is_news(&arena, slice_of(bytes, length));
	arena_clear(&arena);
	return found;
}

static uint64_t
count_news(struct session *session)
{
	struct shm *shm = session->server->shm;
	struct outbox_cursor cursor;
	struct entry entry;
	uint64_t count = 0;

	outbox_start(shm, session->ref, &cursor);
	for (int i = 0; i < LOOKS_MAX && outbox_peek(shm, session->ref, &cursor, &entry); i++) {
		count += entry_is_news(session, &cursor, &entry);
		if (!outbox_step(shm, session->ref, &cursor))
			break;
	}
	return count;
}

void
push_on_hibernating(struct session *session)
{
	struct server *server = session->server;
	uint64_t count = server->stopping ? 0 : count_news(session);

	if (count > 0)
		push_notify_account(server, session->account, session->jid.bare, NULL,
		    count + offline_count(server, session->account));
}
