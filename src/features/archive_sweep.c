/* archive_sweep.c -- expiry and quota: the oldest messages go, a few at a time. */
#include "features/archive.h"

/*
 * Workers do it, not the store, which does not know what its records mean: they read what is too old and ask for its
 * removal, one request of some dozens of messages after the other, so that a turn of the store stays short and others' requests
 * come in between. Expiry follows the log, in worker 0, whenever its timer fires; the quota of an account is looked at
 * by whoever stored the message with which its archive passed a 64th of archive_bytes.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "routing/pending.h"
#include "shm/limits.h"
#include "stream/server.h"

#define SWEEP_EVERY_MS 60000
#define SWEEP_MESSAGES (STORE_CHANGES_MAX / ARCHIVE_CHANGES_MAX)

uint64_t
archive_expired(const struct archive *archive)
{
	uint64_t age = (uint64_t)archive->server->config->archive_expires * 1000;
	uint64_t now = clock_wall_us();

	return age >= now ? 0 : now - age;
}

/* One request: what is to go, gathered in one transaction. */
struct removal {
	struct archive	      *archive;
	struct txn	      *txn;
	uint64_t	       account;	/* whose quota it is; 0: expiry */
	uint64_t	       keep;	/* totals above this stay */
	int		       messages;
	struct store_change    change[STORE_CHANGES_MAX];
	struct archive_changes changes;
};

static void
begin(struct removal *removal, struct archive *archive, struct arena *arena, uint64_t account)
{
	removal->archive = archive;
	removal->account = account;
	removal->messages = 0;
	removal->changes = (struct archive_changes){ removal->change, 0, arena };
}

static int on_removed(struct stanza *stanza, int result, void *data);

static int
ask(struct stanza *stanza, struct removal *removal)
{
	if (removal->messages == 0)
		return STANZA_DONE;
	return pending_ask(stanza, STORE_MSG, removal->change, removal->changes.count, on_removed,
	    &removal->account, sizeof(removal->account));
}

/* --- expiry --- */

static bool
on_logged(void *owner, struct slice key, struct slice value, uint64_t version)
{
	struct removal *removal = owner;
	uint64_t id = archive_key_id(key);
	struct archive_record record;

	if (id >= removal->keep || removal->messages == SWEEP_MESSAGES)
		return false;
	if (archive_unpack(value, &record))
		for (int i = 0; i < ARCHIVE_ENDS; i++)
			archive_remove_end(&removal->changes, id, &record.end[i]);
	archive_remove_stanza(&removal->changes, id);
	removal->messages++;
	return true;
}

static int
expire(struct stanza *stanza, struct archive *archive)
{
	struct removal removal;

	begin(&removal, archive, stanza->arena, 0);
	removal.keep = archive_expired(archive);
	removal.txn = store_read(archive->server->msg);
	store_each(archive->server->msg, removal.txn, STORE_STANZA, SLICE_EMPTY, on_logged,
	    &removal);
	txn_end(&removal.txn);
	archive->expired += (uint64_t)removal.messages;
	if (removal.messages == 0 && archive->expired > 0) {
		log_info(LOG_STORE, "expired messages removed", "count=%llu",
		    (unsigned long long)archive->expired);
		archive->expired = 0;
	}
	return ask(stanza, &removal);
}

/* Another archive than the account's has the message. */
static bool
is_shared(struct store *store, struct txn *txn, uint64_t account, uint64_t id,
    const struct archive_record *record)
{
	struct archive_item other;

	for (int i = 0; i < ARCHIVE_ENDS; i++)
		if (record->end[i].account != 0 && record->end[i].account != account &&
		    archive_has(store, txn, record->end[i].account, id, &other))
			return true;
	return false;
}

/* --- quota --- */

/* The message goes when no archive has it any more; should both ends go at once, it goes when it expires. */
static bool
on_oldest(void *owner, const struct archive_item *item)
{
	struct removal *removal = owner;
	struct store *store = removal->archive->server->msg;
	struct archive_record record;

	if (item->entry.total > removal->keep || removal->messages == SWEEP_MESSAGES)
		return false;
	if (!archive_read(store, removal->txn, item->id, &record))
		record = (struct archive_record){ { { removal->account, 0 } } };
	for (int i = 0; i < ARCHIVE_ENDS; i++) {
		const struct archive_end *end = &record.end[i];

		if (end->account == removal->account)
			archive_remove_end(&removal->changes, item->id, end);
	}
	if (!is_shared(store, removal->txn, removal->account, item->id, &record))
		archive_remove_stanza(&removal->changes, item->id);
	removal->messages++;
	return true;
}

/* --- one after the other --- */

static int
expire_some(struct stanza *stanza, void *context)
{
	return expire(stanza, context);
}

static int
on_removed(struct stanza *stanza, int result, void *data)
{
	uint64_t account;

	memcpy(&account, data, sizeof(account));
	if (result < RESULT_OK) {
		log_warn(LOG_STORE, "old messages could not be removed", "reason=\"%s\"",
		    result_text(result));
		return STANZA_DONE;
	}
	return account == 0 ? expire(stanza, router_server(stanza->router)->archive)
			    : archive_trim(stanza, account);
}

static void
on_sweep(struct timer *timer, void *parameter)
{
	struct archive *archive = parameter;

	timer_start(archive->server->timers, timer, SWEEP_EVERY_MS, on_sweep, archive);
	router_act(archive->server, slice_from_text(archive->server->config->hosts[0].name),
	    expire_some, archive);
}

int
archive_trim(struct stanza *stanza, uint64_t account)
{
	struct archive *archive = router_server(stanza->router)->archive;
	struct store *store = archive->server->msg;
	uint64_t most = (uint64_t)archive->server->config->archive_bytes;
	struct archive_end list = { account, 0 };
	struct archive_item first, last;
	struct removal removal;

	begin(&removal, archive, stanza->arena, account);
	removal.txn = store_read(store);
	if (archive_edge(store, removal.txn, list, 0, UINT64_MAX, false, &first) &&
	    archive_edge(store, removal.txn, list, 0, UINT64_MAX, true, &last) &&
	    last.entry.total - first.entry.total > most) {
		limit_bite(archive->server->shm, LIMIT_ARCHIVE_BYTES);
		removal.keep = last.entry.total - most;
		archive_each(store, removal.txn, list, first.id, last.id, false, on_oldest,
		    &removal);
	}
	txn_end(&removal.txn);
	return ask(stanza, &removal);
}

int
archive_gather(struct server *server, struct arena *arena, uint64_t account,
    struct store_change *change)
{
	struct archive_end list = { account, 0 };
	struct removal removal;

	begin(&removal, server->archive, arena, account);
	removal.keep = UINT64_MAX;
	removal.txn = store_read(server->msg);
	archive_each(server->msg, removal.txn, list, 0, UINT64_MAX, false, on_oldest, &removal);
	txn_end(&removal.txn);
	memcpy(change, removal.change, (size_t)removal.changes.count * sizeof(*change));
	return removal.changes.count;
}

void
archive_sweep_start(struct archive *archive)
{
	if (archive->server->number == 0)
		timer_start(archive->server->timers, &archive->sweep, 0, on_sweep, archive);
}
