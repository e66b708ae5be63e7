/* caps.c -- XEP-0115: asks each client once for what its presence announces, and keeps what proves true. */
#include "features/feature.h"

#include <uthash.h>

#include "base/buffer.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "features/caps_private.h"
#include "features/pep_last.h"
#include "routing/pending.h"
#include "routing/server_iq.h"
#include "shm/registry.h"
#include "stream/server.h"
#include "xml/fragment.h"

#define WANTED_MAX 4096		/* bytes of names kept of one hash */

/* An available session; what it wants has been sent for `told`. Sessions are numbered by us: the hash needs no key. */
struct watched {
	struct slot_ref session;
	char	       *told;		/* the names that were wanted, each with its NUL */
	size_t		told_length;
	bool		is_told;
	UT_hash_handle	hh;
};

struct caps {
	struct watched *by_session;
};

static struct watched *
find(struct server *server, struct slot_ref session)
{
	struct watched *watched = NULL;

	if (server->caps != NULL)
		HASH_FIND(hh, server->caps->by_session, &session, sizeof(session), watched);
	return watched;
}

static struct watched *
get(struct server *server, struct slot_ref session)
{
	struct watched *watched = find(server, session);

	if (watched != NULL)
		return watched;
	if (server->caps == NULL)
		server->caps = NEW(struct caps);
	watched = NEW(struct watched);
	watched->session = session;
	HASH_ADD(hh, server->caps->by_session, session, sizeof(watched->session), watched);
	return watched;
}

static void
forget(struct server *server, struct slot_ref session)
{
	struct watched *watched = find(server, session);

	if (watched == NULL)
		return;
	HASH_DEL(server->caps->by_session, watched);
	memory_free(watched->told);
	memory_free(watched);
}

/* --- known: what is new for this session --- */

static void
tell(struct session *session, struct slice wanted)
{
	struct watched *watched = get(session->server, session->ref);
	struct slice before = watched->is_told ? slice_of(watched->told, watched->told_length)
					       : SLICE_EMPTY;
	char *told = memory_new(wanted.length + 1);

	memcpy(told, wanted.data, wanted.length);
	pep_send_last(session, slice_of(told, wanted.length), before);
	memory_free(watched->told);
	watched->told = told;
	watched->told_length = wanted.length;
	watched->is_told = true;
}

/* --- unknown: ask, verify, keep --- */

static void look(struct server *server, void *data);

static int
on_kept(struct stanza *stanza, int result, void *data)
{
	if (result == RESULT_OK)
		router_after(stanza->router, look, data, sizeof(struct slot_ref));
	return STANZA_DONE;
}

/* Features that end with "+notify", without that. */
static struct slice
wanted_of(struct arena *arena, struct slice name, const struct element *query)
{
	const size_t suffix = strlen("+notify");
	const struct element *child;
	struct buffer out;
	struct slice value;

	buffer_init(&out);
	buffer_append(&out, name);
	buffer_append_byte(&out, '\0');
	for (child = element_first(query); child != NULL; child = element_next(query, child)) {
		struct slice var = element_attribute(child, "var");

		if (!element_is(child, NS_DISCO_INFO, "feature") || var.length <= suffix ||
		    !slice_is(slice_after(var, var.length - suffix), "+notify") ||
		    buffer_length(&out) + var.length > WANTED_MAX)
			continue;
		buffer_append(&out, slice_of(var.data, var.length - suffix));
		buffer_append_byte(&out, '\0');
	}
	value = arena_copy(arena, buffer_slice(&out));
	buffer_clear(&out);
	return value;
}

/* "sha-1 ver": is that what comes out of the answer? */
static bool
is_true(struct arena *arena, struct slice name, const struct element *query)
{
	size_t space = slice_find(name, ' ');
	struct slice hash = caps_hash(arena, slice_of(name.data, space), query);

	return hash.data != NULL && slice_equal(hash, slice_after(name, space + 1));
}

static void
on_info(struct server *server, struct slot_ref session, struct stanza *answer, void *data)
{
	struct slice name = slice_from_text(data);
	struct store_change change = { .verb = STORE_SET,
		.table = STORE_PEP,
		.version = STORE_ANY_VERSION };
	struct element *query;

	if (answer == NULL || answer->type != TYPE_RESULT)
		return;
	query = element_child(answer->element, NS_DISCO_INFO, "query");
	if (query == NULL || !is_true(answer->arena, name, query)) {
		log_debug(LOG_FEATURE, "capabilities do not match", "jid=" SLICE_FMT,
		    SLICE_ARG(answer->from.full));
		return;
	}
	change.key = caps_key(server, answer->arena, name);
	change.value = wanted_of(answer->arena, name, query);
	pending_ask(answer, STORE_CORE, &change, 1, on_kept, &session, sizeof(session));
}

static void
ask(struct session *session, struct arena *arena, struct slice node, struct slice name)
{
	struct element *query = element_new(arena, NS_DISCO_INFO, "query");
	struct slice ver = slice_after(name, slice_find(name, ' ') + 1);
	char text[CAPS_NAME_MAX + 1] = "";

	memcpy(text, name.data, name.length);
	element_set(arena, query, "node",
	    arena_printf(arena, SLICE_FMT "#" SLICE_FMT, SLICE_ARG(node), SLICE_ARG(ver)));
	server_iq_ask(session,
	    arena_printf(arena, "caps-" SLICE_FMT, SLICE_ARG(ver)), query, on_info, text,
	    sizeof(text));
}

/* --- a presence has been accepted --- */

static struct element *
presence_of(struct session *session, struct arena *arena)
{
	struct registry *registry = session->server->registry;
	struct txn *txn = registry_read(registry);
	struct element *presence = NULL;
	struct route route;
	struct slice bytes;

	if (registry_find_resource(registry, txn, session->account, session->jid.resource,
		&route) &&
	    registry_presence(registry, txn, session->account, route.resource_hash, &bytes))
		presence = fragment_read(arena, bytes);
	txn_end(&txn);
	return presence;
}

static void
consider(struct session *session, struct arena *arena)
{
	struct element *presence = presence_of(session, arena);
	struct slice name = presence == NULL ? SLICE_EMPTY : caps_name(arena, presence), wanted;
	struct txn *txn;
	bool is_known;

	if (name.length == 0)
		return;
	txn = store_read(session->server->core);
	is_known = caps_find(session->server, arena, txn, name, &wanted);
	if (is_known)
		wanted = arena_copy(arena, wanted);
	txn_end(&txn);
	if (is_known)
		tell(session, wanted);
	else
		ask(session, arena,
		    element_attribute(element_child(presence, NS_CAPS, "c"), "node"), name);
}

static void
look(struct server *server, void *data)
{
	struct session *session = session_find(server, *(struct slot_ref *)data);
	struct arena arena;

	if (session == NULL || session->ending)
		return;
	if (!session->available) {
		forget(server, session->ref);
		return;
	}
	arena_init(&arena);
	consider(session, &arena);
	arena_clear(&arena);
}

/* Before anything was decided of it: what stands in the registry afterwards is what counts. */
static int
caps_on_submit(struct stanza *stanza)
{
	if (stanza->kind == KIND_PRESENCE && stanza->session != NULL &&
	    stanza->to.domain.length == 0)
		router_after(stanza->router, look, &stanza->origin, sizeof(stanza->origin));
	return STANZA_PASS;
}

static void
caps_on_ending(struct session *session)
{
	server_iq_on_ending(session);
	forget(session->server, session->ref);
}

static void
caps_on_stop(struct server *server)
{
	struct watched *watched, *next;

	server_iqs_free(server);
	if (server->caps == NULL)
		return;
	HASH_ITER(hh, server->caps->by_session, watched, next)
		forget(server, watched->session);
	memory_free(server->caps);
	server->caps = NULL;
}

static const struct stage_row caps_stages[] = {
	{ STAGE_SUBMIT, "caps", caps_on_submit },
	{ 0 }
};

/* What it learns is for other features: the server announces none of its own (XEP-0115 6 is of streams). */
const struct feature caps_feature = {
	.name = "caps",
	.spec = "XEP-0115 1.6.0",
	.about = "Asks each client once what it supports, and believes what its presence proves.",
	.stages = caps_stages,
	.on_ending = caps_on_ending,
	.on_stop = caps_on_stop,
};
