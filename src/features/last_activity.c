/* last_activity.c -- XEP-0012: since when an account has no available resource, and since when the server runs. */
#include "features/feature.h"

#include "base/clock.h"
#include "features/account_data.h"
#include "features/presence.h"
#include "shm/registry.h"
#include "stream/server.h"

#define STATUS_MAX 1024

/* In the store: when (wall clock, in microseconds), then the status. */
struct left {
	uint64_t     at_us;
	struct slice status;
};

/* --- remembering --- */

static bool
has_other_available(struct session *session)
{
	struct registry *registry = session->server->registry;
	struct txn *txn = registry_read(registry);
	struct route routes[RECIPIENTS_MAX];
	int count = registry_find(registry, txn, session->account, routes, RECIPIENTS_MAX);
	bool found = false;

	txn_end(&txn);
	for (int i = 0; i < count; i++)
		found |= (routes[i].flags & SLOT_AVAILABLE) &&
		    routes[i].session.slot != session->ref.slot;
	return found;
}

/*
 * Nobody waits for it: where the store has no room, what it knew before stands. The answer finds nobody and is
 * dropped.
 */
static void
remember(struct session *session, struct slice status)
{
	struct store_context context = { .session = session->ref };
	struct store_change change;
	struct arena arena;
	uint64_t now = clock_wall_us();
	char *bytes;

	if (status.length > STATUS_MAX)
		status = SLICE_EMPTY;
	arena_init(&arena);
	bytes = arena_alloc(&arena, sizeof(now) + status.length);
	memcpy(bytes, &now, sizeof(now));
	memcpy(bytes + sizeof(now), status.data, status.length);
	change = account_data_change(account_data_key(&arena, session->server, session->account,
					 SPACE_LAST_ACTIVITY, SLICE_EMPTY),
	    STORE_ANY_VERSION, slice_of(bytes, sizeof(now) + status.length));
	store_ask(session->server->core_client, &context, &change, 1);
	arena_clear(&arena);
}

/* Stands before the presence feature, which takes the last available resource away. */
static int
last_on_submit(struct stanza *stanza)
{
	struct session *session = stanza->session;
	struct element *status;

	if (stanza->kind != KIND_PRESENCE || stanza->type != TYPE_UNAVAILABLE ||
	    session == NULL || stanza->to.domain.length > 0 || !session->available ||
	    has_other_available(session))
		return STANZA_PASS;
	status = element_child(stanza->element, NS_CLIENT, "status");
	remember(session,
	    status == NULL ? SLICE_EMPTY : element_text(stanza->arena, status));
	return STANZA_PASS;
}

static void
last_on_ending(struct session *session)
{
	if (session->available && !has_other_available(session))
		remember(session, SLICE_EMPTY);
}

static bool
recall(struct stanza *stanza, struct left *left)
{
	struct server *server = router_server(stanza->router);
	struct slice key = account_data_key(stanza->arena, server, stanza->account,
	    SPACE_LAST_ACTIVITY, SLICE_EMPTY);
	struct txn *txn = store_read(server->core);
	struct slice value;
	uint64_t version;
	bool found = account_data_get(server, txn, key, &value, &version) &&
	    value.length >= sizeof(left->at_us);

	if (found) {
		memcpy(&left->at_us, value.data, sizeof(left->at_us));
		left->status = arena_copy(stanza->arena,
		    slice_after(value, sizeof(left->at_us)));
	}
	txn_end(&txn);
	return found;
}

/* --- telling --- */

static int
answer(struct stanza *stanza, uint64_t seconds, struct slice status)
{
	struct element *query = element_new(stanza->arena, NS_LAST, "query");

	element_set(stanza->arena, query, "seconds",
	    arena_printf(stanza->arena, "%llu", (unsigned long long)seconds));
	if (status.length > 0)
		element_add_text(stanza->arena, query, status);
	return router_reply(stanza, query);
}

/* The master's page says when the server was started; a worker may be younger. */
static int
last_on_host(struct stanza *stanza)
{
	struct shm *shm = router_server(stanza->router)->shm;
	uint64_t started = atomic_load(&shm_page(shm, shm_master_number(shm))->started_ms);
	uint64_t now = clock_ms();

	return answer(stanza, now > started ? (now - started) / 1000 : 0, SLICE_EMPTY);
}

/* Who asks is connected. */
static int
last_on_self(struct stanza *stanza)
{
	return answer(stanza, 0, SLICE_EMPTY);
}

/* XEP-0012 3: only who sees the account's presence. */
static bool
may_know(struct stanza *stanza)
{
	struct server *server = router_server(stanza->router);
	struct txn *txn = store_read(server->core);
	uint64_t viewer = store_account_id(server->core, txn, stanza->from.bare);
	bool is_seen = viewer != 0 && presence_is_seen(stanza, txn, stanza->account,
					  stanza->to.bare, viewer, stanza->from.bare);

	txn_end(&txn);
	return is_seen;
}

static bool
is_available(struct stanza *stanza)
{
	struct registry *registry = router_server(stanza->router)->registry;
	struct txn *txn = registry_read(registry);
	struct route routes[RECIPIENTS_MAX];
	int count = registry_find(registry, txn, stanza->account, routes, RECIPIENTS_MAX);
	bool found = false;

	txn_end(&txn);
	for (int i = 0; i < count; i++)
		found |= (routes[i].flags & SLOT_AVAILABLE) != 0;
	return found;
}

/* No more than presence tells: a connected resource that is not available does not count. */
static int
last_on_account(struct stanza *stanza)
{
	uint64_t now = clock_wall_us();
	struct left left;

	if (!may_know(stanza))
		return STANZA_FORBIDDEN;
	if (is_available(stanza))
		return answer(stanza, 0, SLICE_EMPTY);
	if (!recall(stanza, &left))
		return STANZA_ITEM_NOT_FOUND;	/* it has never been available */
	return answer(stanza, now > left.at_us ? (now - left.at_us) / 1000000 : 0, left.status);
}

/* XEP-0012 4: a client is not even asked by who does not see its presence. */
static int
last_on_incoming(struct stanza *stanza)
{
	if (stanza->kind != KIND_IQ || stanza->type != TYPE_GET || jid_is_bare(&stanza->to) ||
	    stanza->payload->ns != NS_LAST || slice_equal(stanza->from.bare, stanza->to.bare))
		return STANZA_PASS;
	return may_know(stanza) ? STANZA_PASS : STANZA_FORBIDDEN;
}

static const struct iq_row last_iqs[] = {
	{ NS_LAST, "query", IQ_GET, SCOPE_HOST, last_on_host },
	{ NS_LAST, "query", IQ_GET, SCOPE_SELF, last_on_self },
	{ NS_LAST, "query", IQ_GET, SCOPE_ACCOUNT, last_on_account },
	{ 0 }
};

static const struct stage_row last_stages[] = {
	{ STAGE_SUBMIT, "last_activity", last_on_submit },
	{ STAGE_INCOMING, "last_activity", last_on_incoming },
	{ 0 }
};

static const char *const last_vars[] = { "jabber:iq:last", NULL };

static const struct kept_row last_keeps[] = {
	{ STORE_CORE, STORE_DATA, SPACE_LAST_ACTIVITY, NULL },
	{ 0 }
};

const struct feature last_activity_feature = {
	.name = "last_activity",
	.spec = "XEP-0012 2.0",
	.about = "Tells since when the server runs, and contacts since when an account is not available.",
	.iqs = last_iqs,
	.stages = last_stages,
	.host_vars = last_vars,
	.account_vars = last_vars,
	.keeps = last_keeps,
	.on_ending = last_on_ending,
};
