/* blocking_presence.c -- XEP-0191 3.3 and 3.4: whom a block hides from, and whom its end shows again. */
#include "features/blocking_presence.h"

#include "features/presence.h"
#include "stream/server.h"

#define NOBODY ((struct slot_ref){ UINT32_MAX, 0 })

/* One account and one contact; their addresses follow, that of the account first. */
struct meeting {
	uint64_t account, contact;
	uint32_t own_length, length;
	bool	 hides;
	char	 jids[];
};

struct meet {
	struct stanza		   *stanza;
	struct txn		   *txn;
	const struct blocking_list *jids;
	uint64_t		    account;
	bool			    hides;
};

static struct slice
own_jid(const struct meeting *meeting)
{
	return slice_of(meeting->jids, meeting->own_length);
}

static struct slice
contact_jid(const struct meeting *meeting)
{
	return slice_of(meeting->jids + meeting->own_length, meeting->length);
}

static void
hide(struct stanza *stanza, const struct meeting *meeting)
{
	struct server *server = router_server(stanza->router);
	struct audience *audience = arena_alloc(stanza->arena, sizeof(*audience));
	struct txn *txn = store_read(server->core);
	unsigned flags = roster_flags(server, txn, meeting->contact, own_jid(meeting));

	txn_end(&txn);
	if (!(flags & ROSTER_TO))
		return;
	audience_account(stanza, audience, contact_jid(meeting), meeting->contact);
	presence_hide(stanza, audience, meeting->account);
}

static void
show(struct stanza *stanza, uint64_t owner, struct slice owner_jid, uint64_t viewer,
    struct slice viewer_jid)
{
	struct audience *audience = arena_alloc(stanza->arena, sizeof(*audience));
	struct txn *txn = store_read(router_server(stanza->router)->core);
	bool is_seen = presence_is_seen(stanza, txn, owner, owner_jid, viewer, viewer_jid);

	txn_end(&txn);
	if (!is_seen)
		return;
	audience_account(stanza, audience, viewer_jid, viewer);
	presence_show(stanza, audience, owner, NOBODY);
}

static int
act(struct stanza *stanza, void *context)
{
	const struct meeting *meeting = context;

	if (meeting->hides) {
		hide(stanza, meeting);
		return STANZA_DONE;
	}
	show(stanza, meeting->account, own_jid(meeting), meeting->contact, contact_jid(meeting));
	show(stanza, meeting->contact, contact_jid(meeting), meeting->account, own_jid(meeting));
	return STANZA_DONE;
}

static void
on_after(struct server *server, void *data)
{
	router_act(server, own_jid(data), act, data);
}

static bool
on_contact(void *owner, struct slice contact, unsigned flags)
{
	struct meet *meet = owner;
	struct server *server = router_server(meet->stanza->router);
	struct slice own = meet->stanza->from.bare;
	size_t size = sizeof(struct meeting) + own.length + contact.length;
	struct meeting *meeting;
	struct jid jid;

	jid_split(contact, &jid);
	if (!blocking_list_matches(meet->jids, &jid))
		return true;
	meeting = arena_zeroed(meet->stanza->arena, size);
	meeting->account = meet->account;
	meeting->contact = store_account_id(server->core, meet->txn, contact);
	meeting->hides = meet->hides;
	meeting->own_length = (uint32_t)own.length;
	meeting->length = (uint32_t)contact.length;
	slice_copy(slice_copy(meeting->jids, own), contact);
	if (meeting->contact != 0)
		router_after(meet->stanza->router, on_after, meeting, size);
	return true;
}

static void
meet_all(struct meet *meet, unsigned flags)
{
	struct server *server = router_server(meet->stanza->router);
	struct roster roster;

	meet->txn = store_read(server->core);
	roster_read(&roster, server, meet->stanza->arena, meet->txn, meet->account);
	roster_each_jid(&roster, flags, on_contact, meet);
	txn_end(&meet->txn);
}

void
blocking_hide(struct stanza *stanza, uint64_t account, const struct blocking_list *jids)
{
	struct meet meet = { .stanza = stanza, .jids = jids, .account = account, .hides = true };

	meet_all(&meet, ROSTER_FROM);
}

void
blocking_show(struct stanza *stanza, uint64_t account, const struct blocking_list *jids)
{
	struct meet meet = { .stanza = stanza, .jids = jids, .account = account };

	meet_all(&meet, ROSTER_FROM | ROSTER_TO);
}
