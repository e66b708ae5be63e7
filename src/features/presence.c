/* presence.c -- RFC 6121 4: a resource becomes available, tells its priority, and goes. */
#include "features/feature.h"

#include "base/log.h"
#include "base/result.h"
#include "shm/registry.h"
#include "stream/server.h"
#include "xml/writer.h"

#define PRESENCE_BYTES_MAX 8192

/* R25: an integer, clamped; anything else counts as 0. */
static int8_t
priority_of(struct stanza *stanza)
{
	struct element *child = element_child(stanza->element, NS_CLIENT, "priority");
	int64_t priority;

	if (child == NULL ||
	    !slice_to_int(slice_trim(element_text(stanza->arena, child)), INT64_MIN, INT64_MAX,
		&priority))
		return 0;
	return (int8_t)(priority < -128 ? -128 : priority > 127 ? 127 : priority);
}

static int
keep(struct session *session, int8_t priority, struct slice presence)
{
	struct server *server = session->server;
	uint32_t flags = atomic_load(&session->slot->flags) & ~(uint32_t)SLOT_AVAILABLE;
	bool was_willing = session->available && session->priority >= 0;
	int result;

	if (presence.length > 0)
		flags |= SLOT_AVAILABLE;
	result = registry_set_presence(server->registry, session->account,
	    session->jid.resource, session->ref, priority, flags, presence);

	if (result != RESULT_OK)
		return result;
	session->available = presence.length > 0;
	session->priority = priority;
	atomic_store(&session->slot->priority, priority);
	if (session->available)
		atomic_fetch_or(&session->slot->flags, SLOT_AVAILABLE);
	else
		atomic_fetch_and(&session->slot->flags, ~(uint32_t)SLOT_AVAILABLE);
	if (session->available && priority >= 0 && !was_willing)
		router_available(session);
	return RESULT_OK;
}

static int
presence_available(struct stanza *stanza)
{
	size_t size = writer_write(stanza->element, NS_CLIENT, NULL, 0);
	char *bytes;
	int result;

	if (size > PRESENCE_BYTES_MAX)
		return STANZA_POLICY_VIOLATION;
	bytes = arena_alloc(stanza->arena, size + 1);
	writer_write(stanza->element, NS_CLIENT, bytes, size);
	result = keep(stanza->session, priority_of(stanza), slice_of(bytes, size));
	if (result != RESULT_OK)
		return result == RESULT_FULL ? STANZA_RESOURCE_CONSTRAINT
					     : STANZA_INTERNAL_SERVER_ERROR;
	router_deliver_available(stanza, stanza->element, stanza->session->account);
	return STANZA_DONE;
}

/* It goes to those that are available before the resource stops being one of them: its sender sees it too. */
static int
presence_unavailable(struct stanza *stanza)
{
	if (!stanza->session->available)
		return STANZA_DONE;
	router_deliver_available(stanza, stanza->element, stanza->session->account);
	return keep(stanza->session, 0, SLICE_EMPTY) == RESULT_OK ? STANZA_DONE
								  : STANZA_INTERNAL_SERVER_ERROR;
}

/* A broadcast has no "to"; what has one is routed like any stanza. */
static int
presence_on_submit(struct stanza *stanza)
{
	if (stanza->kind != KIND_PRESENCE || stanza->session == NULL ||
	    stanza->to.domain.length > 0)
		return STANZA_PASS;
	switch (stanza->type) {
	case TYPE_AVAILABLE:
		return presence_available(stanza);
	case TYPE_UNAVAILABLE:
		return presence_unavailable(stanza);
	case TYPE_PROBE:
	case TYPE_ERROR:
		return STANZA_DONE;
	default:
		return STANZA_BAD_REQUEST;
	}
}

/* RFC 6121 4.5: whoever saw it come sees it go, however it went. */
static void
presence_on_ending(struct session *session)
{
	struct arena arena;
	struct element *presence;

	if (!session->available || keep(session, 0, SLICE_EMPTY) != RESULT_OK)
		return;
	arena_init(&arena);
	presence = element_new(&arena, NS_CLIENT, "presence");
	element_set(&arena, presence, "type", SLICE("unavailable"));
	element_set(&arena, presence, "from", session->jid.full);
	element_set(&arena, presence, "to", session->jid.bare);
	router_send(session->server, presence);
	arena_clear(&arena);
}

static const struct stage_row presence_stages[] = {
	{ STAGE_SUBMIT, "presence", presence_on_submit },
	{ 0 }
};

const struct feature presence_feature = {
	.name = "presence",
	.spec = "RFC 6121 4",
	.about = "Keeps the presence and priority of each resource and tells the account's other resources.",
	.stages = presence_stages,
	.on_ending = presence_on_ending,
};
