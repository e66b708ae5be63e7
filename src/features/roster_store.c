/* roster_store.c -- rosters in the durable store: read by every worker, changed by requests that say what they saw. */
#include "features/roster_store.h"

#include <endian.h>
#include <string.h>

#include "base/log.h"
#include "config/config.h"
#include "features/roster_record.h"
#include "features/turn.h"
#include "shm/limits.h"
#include "stream/server.h"

static struct slice
make_key(struct arena *arena, uint64_t account, enum roster_kind kind, struct slice name)
{
	return roster_key(arena_alloc(arena, ROSTER_KEY_MAX), account, kind, name);
}

static struct slice
item_key(struct roster *roster, struct slice jid)
{
	return roster_item_key(arena_alloc(roster->arena, ROSTER_KEY_MAX),
	    roster->server->secret, roster->account, jid);
}

static struct slice
log_key(struct roster *roster, uint64_t version)
{
	uint64_t word = htobe64(version);

	return make_key(roster->arena, roster->account, ROSTER_CHANGE,
	    slice_of(&word, sizeof(word)));
}

static struct slice
meta_key(struct roster *roster)
{
	return make_key(roster->arena, roster->account, ROSTER_META, SLICE_EMPTY);
}

/* --- reading --- */

static bool
get(struct roster *roster, struct slice key, struct slice *value, uint64_t *version)
{
	return store_get(roster->server->core, roster->txn, STORE_ROSTER, key, value, version);
}

/* R43: what cannot be read is told once where it is met, and nothing is written over it. */
static void
mark_corrupt(struct roster *roster, const char *what)
{
	log_error(LOG_ROUTING, "corrupt roster", "account=%llu record=%s",
	    (unsigned long long)roster->account, what);
	roster->is_corrupt = true;
}

void
roster_read(struct roster *roster, struct server *server, struct arena *arena, struct txn *txn,
    uint64_t account)
{
	struct roster_meta meta;
	struct slice value;

	*roster = (struct roster){ .server = server,
		.arena = arena,
		.txn = txn,
		.account = account };
	if (!get(roster, meta_key(roster), &value, &roster->read_version)) {
		roster->read_version = 0;
		return;
	}
	if (value.length != sizeof(meta)) {
		mark_corrupt(roster, "meta");
		return;
	}
	memcpy(&meta, value.data, sizeof(meta));
	roster->version = meta.version;
	roster->bytes = meta.bytes;
	roster->items = meta.items;
	roster->requests = meta.requests;
}

bool
roster_find(struct roster *roster, struct slice jid, struct roster_item *item)
{
	uint64_t version;
	struct slice value;

	*item = (struct roster_item){ .jid = jid };
	if (!get(roster, item_key(roster, jid), &value, &version))
		return false;
	if (roster_item_unpack(value, item) && slice_equal(item->jid, jid))
		return true;
	mark_corrupt(roster, "item");
	*item = (struct roster_item){ .jid = jid };
	return false;
}

unsigned
roster_flags(struct server *server, struct txn *txn, uint64_t account, struct slice jid)
{
	char key[ROSTER_KEY_MAX];
	uint64_t version;
	struct slice value, found;
	unsigned flags;

	if (!store_get(server->core, txn, STORE_ROSTER,
		roster_item_key(key, server->secret, account, jid), &value, &version) ||
	    !roster_item_peek(value, &found, &flags) || !slice_equal(found, jid))
		return 0;
	return flags;
}

void
roster_item_copy(struct arena *arena, struct roster_item *item)
{
	item->jid = arena_copy(arena, item->jid);
	item->name = arena_copy(arena, item->name);
	item->request = arena_copy(arena, item->request);
	for (unsigned i = 0; i < item->group_count; i++)
		item->group[i] = arena_copy(arena, item->group[i]);
}

struct walk {
	struct roster *roster;
	unsigned       flags;
	bool	     (*each_item)(void *owner, const struct roster_item *item);
	bool	     (*each_jid)(void *owner, struct slice jid, unsigned flags);
	void	      *owner;
};

static bool
on_record(void *owner, struct slice key, struct slice value, uint64_t version)
{
	struct walk *walk = owner;
	struct roster_item item;
	struct slice jid;
	unsigned flags;

	if (!roster_item_peek(value, &jid, &flags)) {
		mark_corrupt(walk->roster, "item");
		return true;
	}
	if ((flags & walk->flags) == 0)
		return true;
	if (walk->each_jid != NULL)
		return walk->each_jid(walk->owner, jid, flags);
	if (roster_item_unpack(value, &item))
		return walk->each_item(walk->owner, &item);
	mark_corrupt(walk->roster, "item");
	return true;
}

static void
walk(struct walk *walk)
{
	struct roster *roster = walk->roster;

	store_each(roster->server->core, roster->txn, STORE_ROSTER,
	    make_key(roster->arena, roster->account, ROSTER_ITEM, SLICE_EMPTY), on_record, walk);
}

void
roster_each(struct roster *roster, unsigned flags,
    bool (*each)(void *owner, const struct roster_item *item), void *owner)
{
	struct walk all = { .roster = roster, .flags = flags, .each_item = each, .owner = owner };

	walk(&all);
}

void
roster_each_jid(struct roster *roster, unsigned flags,
    bool (*each)(void *owner, struct slice jid, unsigned flags), void *owner)
{
	struct walk all = { .roster = roster, .flags = flags, .each_jid = each, .owner = owner };

	walk(&all);
}

bool
roster_change(struct roster *roster, uint64_t version, struct roster_item *item)
{
	uint64_t store_version;
	struct slice value;

	return get(roster, log_key(roster, version), &value, &store_version) &&
	    roster_item_unpack(value, item);
}

/* --- changing --- */

static void
add(struct turn_request *request, struct slice key, uint64_t version, struct slice value)
{
	request->change[request->count++] = (struct store_change){ .verb = STORE_SET,
		.table = STORE_ROSTER,
		.version = version,
		.key = key,
		.value = value };
}

static size_t
size_of(struct roster *roster, const struct roster_item *item)
{
	return item->flags & ROSTER_LISTED ? roster_item_size(roster->arena, item) : 0;
}

static bool
looks_alike(const struct roster_item *a, const struct roster_item *b)
{
	if (((a->flags ^ b->flags) & ~(unsigned)ROSTER_IN) != 0 ||
	    !slice_equal(a->name, b->name) || a->group_count != b->group_count)
		return false;
	for (unsigned i = 0; i < a->group_count; i++)
		if (!slice_equal(a->group[i], b->group[i]))
			return false;
	return true;
}

/* Counts come with the meta record; false where the options want no more of it. */
static bool
count(struct roster *roster, const struct roster_item *old, const struct roster_item *new)
{
	const struct config *config = roster->server->config;
	unsigned before = old->flags, after = new->flags;

	roster->items += !!(after & ROSTER_LISTED);
	roster->items -= !!(before & ROSTER_LISTED);
	roster->requests += !!(after & ROSTER_IN);
	roster->requests -= !!(before & ROSTER_IN);
	roster->bytes += size_of(roster, new);
	roster->bytes -= size_of(roster, old);
	if (!(before & ROSTER_LISTED) && (after & ROSTER_LISTED) &&
	    roster->items > config->roster_items &&
	    limit_met(roster->server->shm, LIMIT_ROSTER_ITEMS))
		return false;
	if (!(before & ROSTER_IN) && (after & ROSTER_IN) &&
	    roster->requests > config->roster_requests &&
	    limit_met(roster->server->shm, LIMIT_ROSTER_REQUESTS))
		return false;
	return size_of(roster, new) <= size_of(roster, old) || roster->bytes <= ROSTER_BYTES_MAX;
}

static void
add_log(struct roster *roster, const struct roster_item *new, struct turn_request *request)
{
	struct roster_item entry = *new;

	if (!(entry.flags & ROSTER_LISTED))
		entry.flags = ROSTER_REMOVED;
	add(request, log_key(roster, roster->version), STORE_ANY_VERSION,
	    roster_item_pack(roster->arena, &entry, false));
	if (roster->version > ROSTER_LOG)
		add(request, log_key(roster, roster->version - ROSTER_LOG), STORE_ANY_VERSION,
		    SLICE_EMPTY);
}

void
roster_keep(struct roster *roster, struct turn_request *request)
{
	struct roster_meta meta = { roster->version, roster->bytes, roster->items,
		roster->requests };

	add(request, meta_key(roster), roster->read_version,
	    arena_copy(roster->arena, slice_of(&meta, sizeof(meta))));
}

enum roster_limit
roster_put(struct roster *roster, const struct roster_item *old, const struct roster_item *new,
    struct turn_request *request)
{
	struct roster saved = *roster;
	bool is_seen = ((old->flags | new->flags) & ROSTER_LISTED) && !looks_alike(old, new);

	if (!count(roster, old, new)) {
		*roster = saved;
		return ROSTER_FULL;
	}
	roster->version += is_seen;
	roster_keep(roster, request);
	add(request, item_key(roster, new->jid), STORE_ANY_VERSION,
	    new->flags & ROSTER_REASON ? roster_item_pack(roster->arena, new, true)
				       : SLICE_EMPTY);
	if (is_seen)
		add_log(roster, new, request);
	return ROSTER_OK;
}
