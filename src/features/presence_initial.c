/* presence_initial.c -- what a resource is told when it becomes available (R27): who is there, and who has asked. */
#include "features/presence.h"

#include <string.h>

#include "config/config.h"
#include "features/subscription_change.h"
#include "session/session.h"
#include "stream/server.h"

#define STAGED_MAX (256u << 10)	/* bytes in one effect; what is left comes in the next */

/* The contacts that are still to be looked at: of each a length of 2 bytes, then the address. */
struct tour {
	struct slot_ref session;
	uint32_t	length;
	char		jids[];
};

/* --- which contacts --- */

struct list {
	struct arena *arena;
	struct tour  *tour;
	size_t	      size;
};

static bool
note(void *owner, struct slice jid, unsigned flags)
{
	struct list *list = owner;
	uint16_t length = (uint16_t)jid.length;
	size_t size = list->size + sizeof(length) + jid.length;
	char *at;

	(void)flags;
	list->tour = arena_grow(list->arena, list->tour, list->size, size);
	at = (char *)list->tour + list->size;
	memcpy(at, &length, sizeof(length));
	memcpy(at + sizeof(length), jid.data, jid.length);
	list->size = size;
	return true;
}

static struct slice
jid_at(const struct tour *tour, size_t at)
{
	uint16_t length;

	memcpy(&length, tour->jids + at, sizeof(length));
	return slice_of(tour->jids + at + sizeof(length), length);
}

/* --- what of each --- */

struct visit {
	struct tour	 *tour;
	size_t		  at;		/* where to go on */
	struct audience	  audience;	/* the resource itself */
	struct roster	  roster;
	struct roster_item item;
};

/* "romeo@localhost juliet@localhost": what the first asked before the second had an account is asked again. */
static void
ask_again(struct server *server, void *data)
{
	struct slice pair = slice_from_text(data);
	size_t space = slice_find(pair, ' ');
	struct element *presence;
	struct arena arena;

	arena_init(&arena);
	presence = element_new(&arena, NS_CLIENT, "presence");
	element_set(&arena, presence, "type", SLICE("subscribe"));
	element_set(&arena, presence, "from", slice_of(pair.data, space));
	element_set(&arena, presence, "to", slice_after(pair, space + 1));
	router_send(server, presence);
	arena_clear(&arena);
}

static void
ask_again_after(struct stanza *stanza, struct slice contact)
{
	struct slice pair = arena_printf(stanza->arena, SLICE_FMT " " SLICE_FMT,
	    SLICE_ARG(stanza->from.bare), SLICE_ARG(contact));

	router_after(stanza->router, ask_again, pair.data, pair.length + 1);
}

/* As it was asked, with all its content (R27). */
static void
show_request(struct stanza *stanza, struct visit *visit)
{
	struct delivery *delivery = router_delivery(stanza);
	struct delivery_form form =
	    delivery_form_of(delivery, KIND_PRESENCE, visit->item.request);

	delivery_add_form(delivery, &form, delivery_to(delivery, stanza->from.bare),
	    visit->audience.session[0]);
}

static bool
is_ours(struct server *server, struct slice bare)
{
	struct jid jid;

	jid_split(bare, &jid);
	return config_find_host(server->config, jid.domain) != NULL;
}

static void
look_at(struct stanza *stanza, struct visit *visit, struct slice jid)
{
	struct server *server = router_server(stanza->router);
	struct txn *core = visit->roster.txn;
	unsigned flags, theirs;
	bool is_stale;
	uint64_t contact;

	if (!roster_find(&visit->roster, jid, &visit->item))
		return;
	flags = visit->item.flags;
	contact = store_account_id(server->core, core, jid);
	theirs = contact == 0 ? 0 : roster_flags(server, core, contact, stanza->from.bare);
	is_stale = is_ours(server, jid) && subscription_is_stale(flags, theirs);
	if ((flags & ROSTER_IN) && visit->item.request.length > 0 && !is_stale)
		show_request(stanza, visit);
	if ((flags & ROSTER_TO) && (theirs & ROSTER_FROM))
		presence_show(stanza, &visit->audience, contact, visit->tour->session);
	if (is_stale)
		subscription_repair_after(stanza, stanza->from.bare, visit->item.jid);
	else if ((flags & ROSTER_ASK) && contact != 0 && !(theirs & (ROSTER_IN | ROSTER_FROM)))
		ask_again_after(stanza, visit->item.jid);
}

static int
go_on(struct stanza *stanza, void *context)
{
	struct visit *visit = context;
	struct server *server = router_server(stanza->router);
	struct session *session = session_find(server, visit->tour->session);
	struct txn *txn;

	visit->at = visit->tour->length;
	if (session == NULL)
		return STANZA_DONE;
	audience_one(stanza, &visit->audience, session->jid.full, session->ref);
	if (visit->audience.count == 0)
		return STANZA_DONE;
	txn = store_read(server->core);
	roster_read(&visit->roster, server, stanza->arena, txn, session->account);
	for (visit->at = 0;
	     visit->at < visit->tour->length && server->shm->staged < STAGED_MAX;) {
		struct slice jid = jid_at(visit->tour, visit->at);

		visit->at += sizeof(uint16_t) + jid.length;
		look_at(stanza, visit, jid);
	}
	txn_end(&txn);
	return STANZA_DONE;
}

/* The stanza's own effect is done; here is one more, and so on until all contacts were looked at. */
static void
make_tour(struct server *server, void *data)
{
	struct tour *tour = data;
	struct session *session = session_find(server, tour->session);
	struct visit visit = { .tour = tour };

	if (session == NULL)
		return;
	router_act(server, session->jid.bare, go_on, &visit);
	if (visit.at == tour->length)
		return;
	tour->length -= (uint32_t)visit.at;
	memmove(tour->jids, tour->jids + visit.at, tour->length);
	router_after(server->router, make_tour, tour, sizeof(*tour) + tour->length);
}

void
presence_initial(struct stanza *stanza)
{
	struct server *server = router_server(stanza->router);
	struct list list = { stanza->arena, ARENA_NEW(stanza->arena, struct tour),
		sizeof(struct tour) };
	struct audience *own = arena_alloc(stanza->arena, sizeof(*own));
	struct roster roster;
	struct txn *txn;

	audience_one(stanza, own, stanza->from.full, stanza->origin);
	presence_show(stanza, own, stanza->session->account, stanza->origin);
	txn = store_read(server->core);
	roster_read(&roster, server, stanza->arena, txn, stanza->session->account);
	roster_each_jid(&roster, ROSTER_STATE, note, &list);
	txn_end(&txn);
	if (list.size == sizeof(struct tour))
		return;
	list.tour->session = stanza->origin;
	list.tour->length = (uint32_t)(list.size - sizeof(struct tour));
	router_after(stanza->router, make_tour, list.tour, list.size);
}
