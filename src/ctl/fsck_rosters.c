/* fsck_rosters.c -- checks rosters: their records and counts, and that two contacts agree on who sees whom. */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "ctl/ctl.h"
#include "ctl/fsck_kept.h"
#include "features/blocking_list.h"
#include "features/roster_item.h"
#include "features/roster_record.h"

struct checker {
	struct fsck *fsck;
	struct ctl *ctl;
	struct store *core;
	struct txn *txn;
	const struct fsck_accounts *accounts;
	uint8_t secret[32];
	struct arena arena; /* of one item */
	/* The roster being walked: its items come before its meta record. */
	uint64_t account;
	struct roster_meta counted;
	bool is_read; /* its counts have been compared */
};

static void
name_of(const struct checker *checker, uint64_t account, char *out, size_t size)
{
	const struct fsck_account *found = fsck_accounts_find(checker->accounts, account);

	if (found != NULL)
		snprintf(out, size, SLICE_FMT, SLICE_ARG(found->jid));
	else
		snprintf(out, size, "account %" PRIu64, account);
}

/* --- pairs --- */

static const char *
subscription_name(unsigned flags)
{
	static const char *const names[] = { "none", "to", "from", "both" };

	return names[flags & ROSTER_BOTH];
}

/* What the contact has to have. */
static unsigned
turned(unsigned flags)
{
	return ((flags & ROSTER_TO) != 0 ? ROSTER_FROM : 0u) |
	       ((flags & ROSTER_FROM) != 0 ? ROSTER_TO : 0u);
}

/* Who blocks the other does not hear of its changes. */
static bool
blocks(const struct checker *checker, uint64_t account, struct slice jid)
{
	uint64_t word = htobe64(account);
	struct blocking_list list;
	struct slice packed;
	struct jid other;
	uint64_t version;

	jid_split(jid, &other);
	return store_get(checker->core, checker->txn, STORE_BLOCKLIST,
			 slice_of(&word, sizeof(word)), &packed, &version) &&
	       blocking_list_open(packed, &list) && blocking_list_matches(&list, &other);
}

/* A deleted account's contacts are told by and by. */
static bool
is_deleted(const struct checker *checker, struct slice jid)
{
	struct store_deleted deleted = { 0 };

	while (store_deleted(checker->core, checker->txn, deleted.id + 1, &deleted))
		if (slice_equal(deleted.jid, jid))
			return true;
	return false;
}

/* Flags of the contact's item for us; false: it has none. */
static bool
look_back(const struct checker *checker, uint64_t contact, struct slice jid, unsigned *flags)
{
	char key[ROSTER_KEY_MAX];
	struct slice value, found;
	uint64_t version;

	*flags = 0;
	return store_get(checker->core, checker->txn, STORE_ROSTER,
			 roster_item_key(key, checker->secret, contact, jid), &value,
			 &version) &&
	       roster_item_peek(value, &found, flags);
}

/* Told by the one of the lower id, or by the only one that knows of the other. */
static void
check_pair(struct checker *checker, const struct fsck_account *own,
	   const struct roster_item *item)
{
	uint64_t contact = store_account_id(checker->core, checker->txn, item->jid);
	char where[112];
	unsigned back;
	bool is_there;

	snprintf(where, sizeof(where), SLICE_FMT, SLICE_ARG(own->jid));
	if (contact == 0) {
		if ((item->flags & ROSTER_BOTH) != 0 && !is_deleted(checker, item->jid))
			fsck_find(checker->fsck, FSCK_ROSTER_PAIR, where,
				  "it has " SLICE_FMT " as %s, which does not exist",
				  SLICE_ARG(item->jid), subscription_name(item->flags));
		return;
	}
	is_there = look_back(checker, contact, own->jid, &back);
	if (contact == own->id || (is_there && contact < own->id) ||
	    (back & ROSTER_BOTH) == turned(item->flags) ||
	    blocks(checker, own->id, item->jid) || blocks(checker, contact, own->jid) ||
	    is_deleted(checker, item->jid))
		return;
	fsck_find(checker->fsck, FSCK_ROSTER_PAIR, where,
		  "it has " SLICE_FMT " as %s, and is %s there", SLICE_ARG(item->jid),
		  subscription_name(item->flags), subscription_name(back));
}

static bool
is_ours(const struct checker *checker, struct slice jid)
{
	struct jid parts;

	jid_split(jid, &parts);
	return parts.local.length > 0 && parts.resource.length == 0 &&
	       config_find_host(checker->ctl->config, parts.domain) != NULL;
}

/* --- records --- */

static void
broken(const struct checker *checker, const char *what)
{
	char where[112];

	name_of(checker, checker->account, where, sizeof(where));
	fsck_find(checker->fsck, FSCK_ROSTER_RECORD, where, "%s", what);
}

static void
on_item(struct checker *checker, struct slice key, struct slice value)
{
	const struct fsck_account *own =
	    fsck_accounts_find(checker->accounts, checker->account);
	struct roster_item item;
	char wanted[ROSTER_KEY_MAX];

	fsck_count(checker->fsck)->contacts++;
	if (!roster_item_unpack(value, &item)) {
		broken(checker, "an item cannot be read");
		return;
	}
	if (!slice_equal(key, roster_item_key(wanted, checker->secret, checker->account,
					      item.jid)))
		broken(checker, "an item does not stand under the hash of its address");
	if (item.flags & ROSTER_LISTED) {
		checker->counted.items++;
		checker->counted.bytes += roster_item_size(&checker->arena, &item);
		arena_reset(&checker->arena);
	}
	checker->counted.requests += (item.flags & ROSTER_IN) != 0;
	if (own != NULL && is_ours(checker, item.jid))
		check_pair(checker, own, &item);
}

static void
check_counts(struct checker *checker, const struct roster_meta *meta)
{
	const struct roster_meta *counted = &checker->counted;
	char where[112];

	checker->is_read = true;
	name_of(checker, checker->account, where, sizeof(where));
	if (meta->items != counted->items || meta->requests != counted->requests)
		fsck_find(checker->fsck, FSCK_ROSTER_COUNTS, where,
			  "it counts %u contacts and %u requests, there are %u and %u",
			  meta->items, meta->requests, counted->items, counted->requests);
	else if (meta->bytes != counted->bytes)
		fsck_find(checker->fsck, FSCK_ROSTER_COUNTS, where,
			  "it counts %" PRIu64 " bytes, there are %" PRIu64, meta->bytes,
			  counted->bytes);
}

static void
on_meta(struct checker *checker, struct slice value)
{
	struct roster_meta meta;

	if (value.length != sizeof(meta)) {
		checker->is_read = true;
		broken(checker, "its counts cannot be read");
		return;
	}
	memcpy(&meta, value.data, sizeof(meta));
	check_counts(checker, &meta);
}

static void
on_change(struct checker *checker, struct slice value)
{
	struct slice jid;
	unsigned flags;

	if (!roster_item_peek(value, &jid, &flags))
		broken(checker, "a change cannot be read");
}

/* Items without a meta record: nobody has counted them. */
static void
end_roster(struct checker *checker)
{
	static const struct roster_meta none;

	if (checker->account != 0 && !checker->is_read)
		check_counts(checker, &none);
}

static void
begin_roster(struct checker *checker, uint64_t account)
{
	end_roster(checker);
	checker->account = account;
	checker->counted = (struct roster_meta){ 0 };
	checker->is_read = false;
}

static bool
on_record(void *owner, struct slice key, struct slice value, uint64_t version)
{
	struct checker *checker = owner;
	enum roster_kind kind;
	uint64_t account;

	(void)version;
	if (!roster_key_read(key, &account, &kind)) {
		broken(checker, "a key cannot be read");
		return true;
	}
	if (account != checker->account)
		begin_roster(checker, account);
	if (kind == ROSTER_ITEM)
		on_item(checker, key, value);
	else if (kind == ROSTER_META)
		on_meta(checker, value);
	else
		on_change(checker, value);
	return true;
}

void
fsck_rosters(struct fsck *fsck, struct ctl *ctl, struct store *core, struct txn *txn,
	     const struct fsck_accounts *accounts)
{
	struct checker checker = {
		.fsck = fsck, .ctl = ctl, .core = core, .txn = txn, .accounts = accounts
	};

	arena_init(&checker.arena);
	store_secret(core, txn, checker.secret);
	store_each(core, txn, STORE_ROSTER, SLICE_EMPTY, on_record, &checker);
	end_roster(&checker);
	arena_clear(&checker.arena);
}
