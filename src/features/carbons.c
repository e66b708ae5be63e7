/* carbons.c -- XEP-0280: what one client sends or gets, the account's other clients get copies of. */
#include "features/feature.h"

#include "base/memo.h"
#include "base/result.h"
#include "features/archive.h"
#include "features/content.h"
#include "shm/registry.h"
#include "stream/server.h"

/* --- enabling --- */

static int
carbons_set(struct stanza *stanza, bool on)
{
	switch (session_set_flags(stanza->session, SLOT_CARBONS, on)) {
	case RESULT_OK:
		return router_reply(stanza, NULL);
	case RESULT_FULL:
		return STANZA_RESOURCE_CONSTRAINT;
	default:
		return STANZA_INTERNAL_SERVER_ERROR;
	}
}

static int
carbons_on_enable(struct stanza *stanza)
{
	return carbons_set(stanza, true);
}

static int
carbons_on_disable(struct stanza *stanza)
{
	return carbons_set(stanza, false);
}

/* Nobody decides for others (XEP-0280 4 and 5). */
static int
carbons_on_stranger(struct stanza *stanza)
{
	return STANZA_NOT_ALLOWED;
}

/* --- which messages (XEP-0280 6.1) --- */

#define OF_CONVERSATIONS                                                                          \
	(CONTENT_BODY | CONTENT_RECEIPT | CONTENT_CHAT_STATE | CONTENT_MARKER | CONTENT_INVITE |  \
	    CONTENT_CALL)

enum way { WAY_SENT, WAY_RECEIVED };

static bool
is_copied(const struct stanza *stanza, enum way way)
{
	unsigned content = content_of(stanza->element);

	if (content & (CONTENT_PRIVATE | CONTENT_NO_COPY))
		return false;
	/* A room sends what is private in it to each of the account's clients that is there. */
	if (way == WAY_RECEIVED && (content & CONTENT_ROOM) && !jid_is_bare(&stanza->to))
		return false;
	switch (stanza->type) {
	case TYPE_CHAT:
		return true;
	case TYPE_NORMAL:
		return (content & OF_CONVERSATIONS) != 0;
	case TYPE_ERROR:	/* comes back from where conversations are sent to */
		return way == WAY_RECEIVED && jid_is_bare(&stanza->from);
	default:
		return false;
	}
}

/* --- the copies --- */

struct copies {
	struct stanza	    *stanza;
	enum way	     way;
	uint64_t	     account;
	struct slice	     bare;	/* of the account: copies are from it */
	struct delivery_form form;
	bool		     is_written;
};

static void
write_once(struct copies *copies)
{
	static const char *const names[] = { [WAY_SENT] = "sent", [WAY_RECEIVED] = "received" };
	struct stanza *stanza = copies->stanza;
	struct arena *arena = stanza->arena;
	struct element *message = element_new(arena, NS_CLIENT, "message");
	struct element *carbon = element_add(arena, message, NS_CARBONS, names[copies->way]);
	struct element *forwarded = element_add(arena, carbon, NS_FORWARD, "forwarded");
	struct element *copy = element_copy(arena, stanza->element);
	struct slice type = element_attribute(stanza->element, "type");

	element_set(arena, message, "from", copies->bare);
	if (type.data != NULL)
		element_set(arena, message, "type", type);
	if (copies->way == WAY_SENT)
		archive_name_for_sender(stanza, copy);
	element_append(arena, forwarded, copy);
	copies->form = delivery_form(router_delivery(stanza), KIND_MESSAGE, message);
	copies->is_written = true;
}

static bool
full_jid(struct copies *copies, struct slot_ref session, struct slice *jid)
{
	struct registry *registry = router_server(copies->stanza->router)->registry;
	struct txn *txn = registry_read(registry);
	struct registry_session found;
	bool is_found = registry_session_of(registry, txn, session, &found);

	if (is_found)
		*jid = arena_printf(copies->stanza->arena, SLICE_FMT "/" SLICE_FMT,
		    SLICE_ARG(found.bare_jid), SLICE_ARG(found.resource));
	txn_end(&txn);
	return is_found;
}

static void
copy_to(struct copies *copies, const struct route *route)
{
	struct delivery *delivery = router_delivery(copies->stanza);
	struct slot_ref origin = copies->stanza->origin;
	struct slice jid;

	if ((route->flags & SLOT_CARBONS) == 0 || route->session.slot == origin.slot ||
	    !router_has_room(copies->stanza->router, route->session) ||
	    !full_jid(copies, route->session, &jid))
		return;
	if (!copies->is_written)
		write_once(copies);
	delivery_add_form(delivery, &copies->form, delivery_to(delivery, jid), route->session);
}

/* Of an account's sessions those that may get copies. None have them for long, and that is asked with every message. */
static int
find_copied(const struct server *server, uint64_t account, struct route *routes)
{
	struct registry *registry = server->registry;
	struct txn *txn;
	int found, count = 0;

	if (memo_has(server->copies_nothing, account, env_commits(registry_env(registry))))
		return 0;
	txn = registry_read(registry);
	found = registry_find(registry, txn, account, routes, RECIPIENTS_MAX);
	for (int i = 0; i < found; i++)
		if ((routes[i].flags & SLOT_CARBONS) != 0)
			routes[count++] = routes[i];
	if (count == 0)
		memo_note(server->copies_nothing, account, txn_commits(txn));
	txn_end(&txn);
	return count;
}

/* Of what a client sends; the account's own messages are copied as what it receives. */
static int
carbons_on_sent(struct stanza *stanza)
{
	struct copies copies = { .stanza = stanza, .way = WAY_SENT };
	struct route routes[RECIPIENTS_MAX];
	int count;

	if (stanza->kind != KIND_MESSAGE || stanza->session == NULL ||
	    slice_equal(stanza->to.bare, stanza->from.bare) || !is_copied(stanza, WAY_SENT))
		return STANZA_PASS;
	copies.bare = stanza->from.bare;
	count = find_copied(router_server(stanza->router), stanza->session->account, routes);
	for (int i = 0; i < count; i++)
		copy_to(&copies, &routes[i]);
	return STANZA_PASS;
}

static int
carbons_on_delivered(struct stanza *stanza)
{
	const struct recipients *recipients = stanza->recipients;
	struct copies copies = { .stanza = stanza,
		.way = WAY_RECEIVED,
		.bare = stanza->to.bare };

	if (!is_copied(stanza, WAY_RECEIVED))
		return STANZA_PASS;
	for (int i = 0; i < recipients->count; i++)
		if (!recipients->got[i])
			copy_to(&copies, &recipients->route[i]);
	return STANZA_PASS;
}

/*
 * The server alone makes copies. What looks like one and comes from a client, or from another server, is ignored
 * (XEP-0280 11), and so is a copy that bounces.
 */
static int
carbons_on_forged(struct stanza *stanza)
{
	bool is_forged = stanza->kind == KIND_MESSAGE && stanza->origin.slot != UINT32_MAX &&
	    (content_of(stanza->element) & (CONTENT_SENT | CONTENT_RECEIVED)) != 0;

	return is_forged ? STANZA_DONE : STANZA_PASS;
}

static const struct iq_row carbons_iqs[] = {
	{ NS_CARBONS, "enable", IQ_SET, SCOPE_SELF, carbons_on_enable },
	{ NS_CARBONS, "disable", IQ_SET, SCOPE_SELF, carbons_on_disable },
	{ NS_CARBONS, "enable", IQ_SET, SCOPE_ACCOUNT, carbons_on_stranger },
	{ NS_CARBONS, "disable", IQ_SET, SCOPE_ACCOUNT, carbons_on_stranger },
	{ 0 }
};

static void
carbons_start(struct server *server)
{
	server->copies_nothing = memo_new();
}

static void
carbons_stop(struct server *server)
{
	memo_free(&server->copies_nothing);
}

static const struct stage_row carbons_stages[] = {
	{ STAGE_SUBMIT, "carbons", carbons_on_forged },
	{ STAGE_INCOMING, "carbons", carbons_on_forged },
	{ STAGE_SENT, "carbons", carbons_on_sent },
	{ STAGE_DELIVERED, "carbons", carbons_on_delivered },
	{ 0 }
};

static const char *const carbons_vars[] = { "urn:xmpp:carbons:2", NULL };

const struct feature carbons_feature = {
	.name = "carbons",
	.spec = "XEP-0280 1.0.1",
	.about = "Copies conversations to those of an account's clients that ask for it.",
	.iqs = carbons_iqs,
	.stages = carbons_stages,
	.host_vars = carbons_vars,
	.on_start = carbons_start,
	.on_stop = carbons_stop,
};
