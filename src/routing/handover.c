/* handover.c -- what an ended session left in its outbox: to the account's others, to the store, or back to who sent it. */
#include "routing/handover.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "routing/router_private.h"
#include "session/session_map.h"
#include "shm/counters.h"
#include "shm/outbox.h"
#include "stream/server.h"
#include "xml/fragment.h"
#include "xml/writer.h"
#include "xmpp/delay.h"

/* --- back to the sender --- */

static void
send_bounce(struct server *server, void *data)
{
	struct buffer *bytes = data;
	struct arena arena;
	struct element *error;

	arena_init(&arena);
	error = fragment_read(&arena, buffer_slice(bytes));
	if (error != NULL)
		router_send(server, error);
	arena_clear(&arena);
	buffer_clear(bytes);
}

void
handover_bounce(struct server *server, struct element *error)
{
	struct buffer bytes;

	buffer_init(&bytes);
	writer_append(error, NS_CLIENT, &bytes);
	router_after(server->router, send_bounce, &bytes, sizeof(bytes));
}

/* --- one stanza --- */

typedef int hand_on_fn(struct stanza *stanza, void *context);

struct left {
	struct session *session;
	struct entry	entry;
	struct slice	bytes;
};

/* Copies of what others have as well, and pages of an archive that can be asked for again. */
static bool
is_a_copy(const struct element *message)
{
	return element_child(message, NS_CARBONS, "received") != NULL ||
	    element_child(message, NS_CARBONS, "sent") != NULL ||
	    element_child(message, NS_MAM, "result") != NULL;
}

static int
hand_on(struct stanza *stanza, void *context)
{
	const struct left *left = context;
	struct server *server = router_server(stanza->router);

	stanza->host = config_find_host(server->config, stanza->to.domain);
	stanza->account = left->session->account;
	if (stanza->host == NULL ||
	    router_account(stanza->router, &stanza->to) != stanza->account)
		return STANZA_SERVICE_UNAVAILABLE;
	delay_stamp(stanza->arena, stanza->element, stanza->to.domain, stanza->stamp_us);
	return account_hand_on(stanza);
}

static int
refuse(struct stanza *stanza, void *context)
{
	return STANZA_SERVICE_UNAVAILABLE;
}

/* RFC 6121 8.5.3.2: chat and normal messages have another way, requests are answered, all else was for that client. */
static hand_on_fn *
way_of(const struct stanza *stanza)
{
	if (stanza_is_request(stanza))
		return refuse;
	if (stanza->kind == KIND_MESSAGE &&
	    (stanza->type == TYPE_CHAT || stanza->type == TYPE_NORMAL) &&
	    !is_a_copy(stanza->element))
		return hand_on;
	return NULL;
}

static void
hand_on_one(const struct left *left)
{
	hand_on_fn *way;
	struct server *server = left->session->server;
	struct router *router = server->router;
	struct stanza stanza = { .router = router,
		.arena = &router->arena,
		.element = fragment_read(&router->arena, left->bytes),
		.origin = { UINT32_MAX, 0 },
		.is_handed_on = true,
		.left_by = left->session->ref,
		.stamp_us = left->entry.stamp_us };

	if (stanza.element == NULL || !stanza_classify(&stanza) ||
	    !jid_parse(stanza.arena, element_attribute(stanza.element, "from"), &stanza.from) ||
	    !jid_parse(stanza.arena, element_attribute(stanza.element, "to"), &stanza.to)) {
		arena_reset(&router->arena);
		return;
	}
	stanza.id = element_attribute(stanza.element, "id");
	way = way_of(&stanza);
	if (way == NULL) {
		arena_reset(&router->arena);
		return;
	}
	left->session->handed_on++;
	router_continue(&stanza, way, (void *)left);
	counter_add(server->shm, COUNTER_HANDED_ON, 1);
}

void
handover_settled(struct server *server, struct slot_ref left_by)
{
	struct session *session = session_find(server, left_by);

	if (session != NULL && --session->handed_on == 0)
		session_look_at_rest(server, left_by);
}

/* --- all of them --- */

static bool
is_for_others(const struct entry *entry)
{
	return entry->kind != ENTRY_PRESENCE &&
	    (entry->flags & (ENTRY_PASSED_OVER | ENTRY_STORED)) == 0;
}

static void
hand_on_next(struct left *left)
{
	struct session *session = left->session;
	struct outbox_cursor cursor;
	char *copy;

	if (!is_for_others(&left->entry))
		return;
	copy = memory_new(left->entry.length + 1);
	outbox_start(session->server->shm, session->ref, &cursor);
	left->bytes = slice_of(copy, outbox_read(session->server->shm, session->ref, &cursor, copy,
					 left->entry.length, left->entry.number));
	hand_on_one(left);
	memory_free(copy);
}

/*
 * Each leaves the outbox once it has another way: so whoever goes on after a death begins behind it. What a store was asked to
 * keep has its place there once it has answered.
 */
static bool
hand_on_all(struct session *session)
{
	struct shm *shm = session->server->shm;
	struct left left = { .session = session };
	struct outbox_cursor cursor;

	while (outbox_entries(session->slot) > 0) {
		if (!session_stores_have_room(session->server))
			return false;
		outbox_start(shm, session->ref, &cursor);
		if (!outbox_peek(shm, session->ref, &cursor, &left.entry))
			return true;
		hand_on_next(&left);
		if (outbox_give(shm, session->ref, left.entry.number) != RESULT_OK)
			return true;
	}
	return true;
}

bool
handover(struct session *session)
{
	bool is_all;

	session->handed_on++;	/* until all are on their way nobody is to look whether all have arrived */
	is_all = hand_on_all(session);
	return --session->handed_on == 0 && is_all;
}
