/* blocking.c -- XEP-0191: an account does not hear from those it blocks, nor they from it. */
#include "features/blocking.h"

#include <endian.h>

#include "base/log.h"
#include "base/memo.h"
#include "base/random.h"
#include "base/result.h"
#include "config/config.h"
#include "features/blocking_presence.h"
#include "features/feature.h"
#include "features/turn.h"
#include "shm/counters.h"
#include "shm/limits.h"
#include "shm/registry.h"
#include "stream/server.h"

#define BYTES_MAX (256u << 10)	/* of a list in the store: half of what a request may be */

/* --- reading --- */

static struct slice
list_key(const uint64_t *ordered)
{
	return slice_of(ordered, sizeof(*ordered));
}

void
blocking_read(const struct server *server, struct txn *txn, uint64_t account,
    struct blocking_list *list, uint64_t *version)
{
	uint64_t ordered = htobe64(account);
	struct slice packed;

	*list = (struct blocking_list){ SLICE_EMPTY, 0 };
	*version = 0;
	if (!store_get(server->core, txn, STORE_BLOCKLIST, list_key(&ordered), &packed, version))
		return;
	if (!blocking_list_open(packed, list))
		log_error(LOG_FEATURE, "corrupt block list", "account=%llu",
		    (unsigned long long)account);
}

bool
blocking_blocks(const struct server *server, struct txn *txn, uint64_t account,
    const struct jid *jid)
{
	struct blocking_list list;
	uint64_t version;

	blocking_read(server, txn, account, &list, &version);
	return blocking_list_matches(&list, jid);
}

/* Nearly all block nobody, and are asked with every stanza. */
static bool
blocks(struct stanza *stanza, uint64_t account, const struct jid *jid)
{
	struct server *server = router_server(stanza->router);
	uint64_t state = store_changes(server->shm, STORE_CORE, STORE_BLOCKLIST);
	struct blocking_list list;
	struct txn *txn;
	uint64_t version;
	bool found;

	if (memo_has(server->blocks_nobody, account, state))
		return false;
	txn = store_read(server->core);
	blocking_read(server, txn, account, &list, &version);
	found = blocking_list_matches(&list, jid);
	if (list.count == 0 && txn_error(txn) == RESULT_OK)
		memo_note(server->blocks_nobody, account, state);
	txn_end(&txn);
	return found;
}

/* --- applying --- */

/* XEP-0191 3.3: not-acceptable, with a condition of its own. */
static void
refuse(struct stanza *stanza)
{
	struct element *reply = stanza_error_reply(stanza->arena, stanza->element,
	    STANZA_NOT_ACCEPTABLE, NULL);
	struct element *error;

	if (reply == NULL)
		return;
	error = element_child(reply, NS_CLIENT, "error");
	element_set(stanza->arena, error, "type", SLICE("cancel"));
	element_add(stanza->arena, error, NS_BLOCKING_ERRORS, "blocked");
	element_set(stanza->arena, reply, "to", stanza->from.full);
	counter_add(router_server(stanza->router)->shm, COUNTER_STANZA_ERRORS, 1);
	router_deliver(stanza, reply, stanza->origin);
}

/*
 * What the own server is asked is no communication with it: an account that blocks its own domain can still use the
 * server, and be told of its lists.
 */
static bool
is_exempt(const struct stanza *stanza)
{
	return slice_equal(stanza->to.bare, stanza->from.bare) ||
	    (stanza->kind == KIND_IQ && jid_is_domain(&stanza->to) &&
		slice_equal(stanza->to.domain, stanza->from.domain));
}

static int
blocking_on_outgoing(struct stanza *stanza)
{
	if (stanza->session == NULL || is_exempt(stanza) ||
	    !blocks(stanza, stanza->session->account, &stanza->to))
		return STANZA_PASS;
	refuse(stanza);
	return STANZA_DONE;
}

/* XEP-0191 3.3: to whom it blocks an account looks as if it were not there. Messages get no answer. */
static int
blocking_on_incoming(struct stanza *stanza)
{
	if (slice_equal(stanza->to.bare, stanza->from.bare) ||
	    !blocks(stanza, stanza->account, &stanza->from))
		return STANZA_PASS;
	return stanza_is_request(stanza) ? STANZA_SERVICE_UNAVAILABLE : STANZA_DONE;
}

/* --- pushes --- */

static struct element *
push_of(struct stanza *stanza)
{
	struct element *iq = element_new(stanza->arena, NS_CLIENT, "iq");
	char id[17];

	random_token(id, sizeof(id) - 1);
	element_set(stanza->arena, iq, "type", SLICE("set"));
	element_set(stanza->arena, iq, "id", arena_copy(stanza->arena, slice_from_text(id)));
	element_append(stanza->arena, iq, element_copy(stanza->arena, stanza->payload));
	return iq;
}

/* To every resource that has asked for the list, on whatever worker: what its owner changed, word for word. */
static void
push(struct stanza *stanza, uint64_t account)
{
	struct registry *registry = router_server(stanza->router)->registry;
	struct delivery *delivery = router_delivery(stanza);
	struct delivery_form form = delivery_form(delivery, KIND_IQ, push_of(stanza));
	struct txn *txn = registry_read(registry);
	struct route routes[RECIPIENTS_MAX];
	int count = registry_find(registry, txn, account, routes, RECIPIENTS_MAX);
	struct registry_session found;

	for (int i = 0; i < count; i++)
		if ((routes[i].flags & SLOT_BLOCKLIST) != 0 &&
		    registry_session_of(registry, txn, routes[i].session, &found))
			delivery_add_form(delivery, &form,
			    delivery_to(delivery,
				arena_printf(stanza->arena, SLICE_FMT "/" SLICE_FMT,
				    SLICE_ARG(found.bare_jid), SLICE_ARG(found.resource))),
			    routes[i].session);
	txn_end(&txn);
}

/* --- get --- */

static int
blocking_on_get(struct stanza *stanza)
{
	struct server *server = router_server(stanza->router);
	struct arena *arena = stanza->arena;
	struct element *answer = element_new(arena, NS_BLOCKING, "blocklist");
	struct blocking_list list;
	struct txn *txn;
	uint64_t version;

	/* First: whatever is committed from here on is pushed. */
	if (stanza->session == NULL ||
	    session_set_flags(stanza->session, SLOT_BLOCKLIST, true) != 0)
		return STANZA_RESOURCE_CONSTRAINT;
	txn = store_read(server->core);
	blocking_read(server, txn, stanza->account, &list, &version);
	for (uint32_t i = 0; i < list.count; i++)
		element_set(arena, element_add(arena, answer, NS_BLOCKING, "item"), "jid",
		    arena_copy(arena, blocking_list_at(&list, i)));
	txn_end(&txn);
	return router_reply(stanza, answer);
}

/* --- set --- */

struct items {
	struct slice *jid;
	uint32_t      count;
};

static int
read_items(struct stanza *stanza, struct items *items)
{
	struct element *payload = stanza->payload;
	struct element *child = element_first(payload);
	struct jid jid;

	items->jid = arena_alloc(stanza->arena,
	    ((size_t)element_count(payload) + 1) * sizeof(struct slice));
	items->count = 0;
	for (; child != NULL; child = element_next(payload, child)) {
		struct slice text = element_attribute(child, "jid");

		if (!element_is(child, NS_BLOCKING, "item") || text.data == NULL)
			return STANZA_BAD_REQUEST;
		if (!jid_parse(stanza->arena, text, &jid))
			return STANZA_JID_MALFORMED;
		element_set(stanza->arena, child, "jid", jid.full);
		items->jid[items->count++] = jid.full;
	}
	return STANZA_PASS;
}

static bool
is_block(const struct stanza *stanza)
{
	return slice_is(stanza->payload->name, "block");
}

static int
check_set(struct stanza *stanza, struct items *items)
{
	int verdict = read_items(stanza, items);

	if (verdict == STANZA_PASS && is_block(stanza) && items->count == 0)
		return STANZA_BAD_REQUEST;
	return verdict;
}

/* What stands in the store afterwards. */
static int
change_list(struct stanza *stanza, const struct blocking_list *list, const struct items *items,
    struct slice *packed)
{
	const struct server *server = router_server(stanza->router);
	struct blocking_list new;

	*packed = SLICE_EMPTY;
	if (!is_block(stanza)) {
		*packed = blocking_list_remove(stanza->arena, list, items->jid, items->count);
		return STANZA_PASS;
	}
	*packed = blocking_list_add(stanza->arena, list, items->jid, items->count);
	blocking_list_open(*packed, &new);
	if ((int64_t)new.count > server->config->block_items || packed->length > BYTES_MAX) {
		limit_bite(server->shm, LIMIT_BLOCKED);
		return STANZA_RESOURCE_CONSTRAINT;
	}
	return STANZA_PASS;
}

/*
 * Of "unblock" without items: its own element, where whoever waits for the store remembers what the list was. Clients
 * are told of it as it came.
 */
static void
name_all(struct stanza *stanza, const struct blocking_list *list)
{
	struct element *child;

	while ((child = element_first(stanza->payload)) != NULL)
		element_remove(stanza->payload, child);
	for (uint32_t i = 0; i < list->count; i++)
		element_set(stanza->arena,
		    element_add(stanza->arena, stanza->payload, NS_BLOCKING, "item"), "jid",
		    arena_copy(stanza->arena, blocking_list_at(list, i)));
}

/* "unblock" without items: the stanza is given those there were, which done() tells of. */
struct blocking_op {
	struct turn_op turn;
	bool	       is_all;
};

static bool
is_all(const struct turn_op *op)
{
	return ((const struct blocking_op *)op)->is_all;
}

static int
compute_set(struct stanza *stanza, struct turn_op *op, struct turn_request *request)
{
	struct server *server = router_server(stanza->router);
	uint64_t *ordered = ARENA_NEW(stanza->arena, uint64_t);
	struct slice packed = SLICE_EMPTY;
	struct txn *txn = store_read(server->core);
	struct blocking_list list;
	struct items items;
	uint64_t version;
	bool is_changed;
	int verdict;

	blocking_read(server, txn, op->account, &list, &version);
	if (is_all(op))
		name_all(stanza, &list);
	verdict = read_items(stanza, &items);
	if (list.count == 0 && list.packed.length > 0)	/* corrupt: never written over */
		verdict = STANZA_INTERNAL_SERVER_ERROR;
	if (verdict == STANZA_PASS)
		verdict = change_list(stanza, &list, &items, &packed);
	is_changed = !slice_equal(packed, list.packed);
	txn_end(&txn);
	*ordered = htobe64(op->account);
	if (verdict == STANZA_PASS && is_changed)
		request->change[request->count++] = (struct store_change){ .verb = STORE_SET,
			.table = STORE_BLOCKLIST,
			.version = version,
			.key = list_key(ordered),
			.value = packed };
	return verdict;
}

static int
set_is_done(struct stanza *stanza, struct turn_op *op)
{
	const struct blocking_list none = { SLICE_EMPTY, 0 };
	struct blocking_list changed;
	struct items items;

	router_reply(stanza, NULL);
	if (read_items(stanza, &items) != STANZA_PASS)
		return STANZA_DONE;
	blocking_list_open(blocking_list_add(stanza->arena, &none, items.jid, items.count),
	    &changed);
	if (is_all(op))
		name_all(stanza, &none);
	push(stanza, op->account);
	if (is_block(stanza))
		blocking_hide(stanza, op->account, &changed);
	else
		blocking_show(stanza, op->account, &changed);
	return STANZA_DONE;
}

/* Changes of one account take turns: a client that blocks many at once has no conflicts with itself. */
static int
blocking_on_set(struct stanza *stanza)
{
	struct blocking_op op = { .turn = { .kind = TURN_BLOCKLIST,
				      .account = stanza->account,
				      .compute = compute_set,
				      .done = set_is_done,
				      .size = sizeof(op) } };
	struct items items;
	int verdict = check_set(stanza, &items);

	op.is_all = items.count == 0;
	return verdict == STANZA_PASS ? turn_begin(stanza, &op.turn) : verdict;
}

/* Nobody owns what is asked of another account. */
static const struct iq_row blocking_iqs[] = {
	{ NS_BLOCKING, "blocklist", IQ_GET, SCOPE_SELF, blocking_on_get },
	{ NS_BLOCKING, "block", IQ_SET, SCOPE_SELF, blocking_on_set },
	{ NS_BLOCKING, "unblock", IQ_SET, SCOPE_SELF, blocking_on_set },
	{ 0 }
};

static void
blocking_start(struct server *server)
{
	server->blocks_nobody = memo_new();
}

static void
blocking_stop(struct server *server)
{
	memo_free(&server->blocks_nobody);
}

static const struct stage_row blocking_stages[] = {
	{ STAGE_OUTGOING, "blocking", blocking_on_outgoing },
	{ STAGE_INCOMING, "blocking", blocking_on_incoming },
	{ 0 }
};

static const char *const blocking_vars[] = { "urn:xmpp:blocking", NULL };

static const struct kept_row blocking_keeps[] = { { STORE_CORE, STORE_BLOCKLIST, 0, NULL }, { 0 } };

const struct feature blocking_feature = {
	.name = "blocking",
	.spec = "XEP-0191 1.3",
	.about = "Keeps away what an account does not want to hear of, and keeps it from whom it blocks.",
	.iqs = blocking_iqs,
	.stages = blocking_stages,
	.host_vars = blocking_vars,
	.on_start = blocking_start,
	.on_stop = blocking_stop,
	.keeps = blocking_keeps,
};
