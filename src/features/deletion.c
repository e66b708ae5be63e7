/* deletion.c -- what a deleted account leaves: its contacts hear of it, and all that was kept for it goes. */
#include "features/feature.h"

#include <endian.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "features/account_change.h"
#include "features/roster_store.h"
#include "features/subscription_change.h"
#include "net/timer.h"
#include "routing/pending.h"
#include "stream/server.h"

/*
 * Worker 0 follows the records that deletions leave in the store, whoever deleted and whether a server ran or not. Of each
 * account it ends the sessions, has the contacts' rosters say what they would had the account unsubscribed, removes what
 * features keep (feature.h), one bounded request after the other, and the record last. Each step begins with a look at what
 * is there: so whoever dies has only to be followed by another, and may do again what was done.
 */
#define EVERY_MS     1000
#define SOON_MS	     50			/* where others were asked to do something first */
#define LINGER_US    (60 * UINT64_C(1000000))	/* a login or message under way may still write under the id */
#define PATIENCE_MS  (10 * 60000)	/* contacts who could not be told by then hear of it when they come */
#define CONTACTS_MAX 100		/* told at once */
#define BATCH	     128		/* records in a request */
#define ACCOUNTS_MAX 256		/* looked at in one round */

struct deletion {
	struct server *server;
	struct timer   timer;		/* the next round */
	uint64_t       since_ms;
	uint64_t       last;		/* the account looked at last */
	int	       left;		/* accounts that may be looked at in this round */
	bool	       is_soon;		/* somebody was asked: the next round comes early */
};

/* An account that is gone; its name is the stanza's sender. */
struct gone {
	uint64_t id;
	uint64_t removed;	/* records, so far */
	bool	 is_old;	/* nothing more is written under its id */
};

static struct deletion *
deletion_of(const struct stanza *stanza)
{
	return router_server(stanza->router)->deletion;
}

static void look_at_next(struct server *server, void *data);

static int
go_on(struct stanza *stanza, bool is_soon)
{
	deletion_of(stanza)->is_soon |= is_soon;
	router_after(stanza->router, look_at_next, NULL, 0);
	return STANZA_DONE;
}

/* --- sessions and contacts --- */

static bool
has_sessions(struct stanza *stanza, const struct gone *gone)
{
	struct slot_ref nobody = { UINT32_MAX, 0 };

	return account_end_sessions(router_server(stanza->router), gone->id,
		   ORDER_NOT_AUTHORIZED, nobody) > 0;
}

struct farewell {
	struct stanza *stanza;
	struct roster  roster;		/* of the account that is gone */
	uint64_t       heir;		/* the account that has the name now; 0: none */
	int	       count;
};

/* R42. The heir may have come to terms with the contact meanwhile: then nothing is to be mended. */
static bool
on_contact(void *owner, struct slice jid, unsigned flags)
{
	struct farewell *farewell = owner;
	struct server *server = router_server(farewell->stanza->router);
	struct slice name = farewell->stanza->from.bare;
	struct txn *txn = farewell->roster.txn;
	uint64_t contact = store_account_id(server->core, txn, jid);
	unsigned theirs = contact == 0 ? 0 : roster_flags(server, txn, contact, name);
	unsigned heirs = farewell->heir == 0 ? 0 : roster_flags(server, txn, farewell->heir, jid);
	bool asked_in_vain = (flags & ROSTER_IN) && (theirs & ROSTER_ASK) &&
	    !(heirs & (ROSTER_IN | ROSTER_FROM));

	if (!asked_in_vain && !subscription_is_stale(theirs, heirs))
		return true;
	subscription_repair_after(farewell->stanza, jid, name);
	return ++farewell->count < CONTACTS_MAX;
}

static bool
has_contacts(struct stanza *stanza, const struct gone *gone)
{
	struct server *server = router_server(stanza->router);
	struct farewell farewell = { .stanza = stanza };
	struct txn *txn;

	if (config_find_host(server->config, stanza->from.domain) == NULL)
		return false;
	txn = store_read(server->core);
	farewell.heir = store_account_id(server->core, txn, stanza->from.bare);
	roster_read(&farewell.roster, server, stanza->arena, txn, gone->id);
	roster_each_jid(&farewell.roster, ROSTER_STATE, on_contact, &farewell);
	txn_end(&txn);
	return farewell.count > 0;
}

/* --- what features keep --- */

struct gathering {
	struct arena	      *arena;
	const struct kept_row *row;
	struct store_change   *change;
	int		       count;
};

static bool
on_record(void *owner, struct slice key, struct slice value, uint64_t version)
{
	struct gathering *gathering = owner;

	gathering->change[gathering->count++] = (struct store_change){ .verb = STORE_SET,
		.table = (int)gathering->row->place,
		.version = STORE_ANY_VERSION,
		.key = arena_copy(gathering->arena, key) };
	return gathering->count < BATCH;
}

static struct slice
prefix_of(struct arena *arena, const struct kept_row *row, uint64_t account)
{
	uint64_t id = htobe64(account);
	uint16_t space = htobe16((uint16_t)row->space);
	char *prefix = arena_alloc(arena, sizeof(id) + sizeof(space));

	memcpy(prefix, &id, sizeof(id));
	memcpy(prefix + sizeof(id), &space, sizeof(space));
	return slice_of(prefix, row->space == 0 ? sizeof(id) : sizeof(id) + sizeof(space));
}

static int
gather(struct stanza *stanza, const struct kept_row *row, uint64_t account,
    struct store_change *change)
{
	struct server *server = router_server(stanza->router);
	struct store *store = row->store == STORE_CORE ? server->core : server->msg;
	struct gathering gathering = { stanza->arena, row, change, 0 };
	struct txn *txn;

	if (row->gather != NULL)
		gathering.count = row->gather(server, stanza->arena, account, change);
	if (gathering.count > 0)
		return gathering.count;
	txn = store_read(store);
	store_each(store, txn, row->place, prefix_of(stanza->arena, row, account), on_record,
	    &gathering);
	txn_end(&txn);
	return gathering.count;
}

static int remove_kept(struct stanza *stanza, struct gone *gone);

static int
on_removed(struct stanza *stanza, int result, void *data)
{
	if (result >= RESULT_OK)
		return remove_kept(stanza, data);
	log_warn(LOG_STORE, "a deleted account's records could not be removed",
	    "account=%llu reason=\"%s\"", (unsigned long long)((struct gone *)data)->id,
	    result_text(result));
	return go_on(stanza, false);
}

static int
on_forgotten(struct stanza *stanza, int result, void *data)
{
	if (result == RESULT_OK)
		log_info(LOG_STORE, "nothing is left of a deleted account",
		    "account=%llu jid=" SLICE_FMT, *(unsigned long long *)data,
		    SLICE_ARG(stanza->from.bare));
	return go_on(stanza, false);
}

static int
ask(struct stanza *stanza, enum store_kind store, const struct store_change *change, int count,
    pending_fn *on_answer, const struct gone *gone)
{
	return pending_ask(stanza, store, change, count, on_answer, gone, sizeof(*gone)) ==
		STANZA_LATER
	    ? STANZA_LATER
	    : go_on(stanza, false);
}

static int
forget(struct stanza *stanza, const struct gone *gone)
{
	uint64_t key = htobe64(gone->id);
	struct store_change change = { .verb = STORE_SET,
		.table = STORE_DELETED,
		.version = STORE_ANY_VERSION,
		.key = slice_of(&key, sizeof(key)) };

	return ask(stanza, STORE_CORE, &change, 1, on_forgotten, gone);
}

/* The first that has something is asked to let go of some of it; and again, until none has. */
static int
remove_kept(struct stanza *stanza, struct gone *gone)
{
	const struct feature *const *feature;
	struct store_change change[STORE_CHANGES_MAX];

	for (feature = features_all(); *feature != NULL; feature++)
		for (const struct kept_row *row = (*feature)->keeps;
		     row != NULL && row->place != 0; row++) {
			int count = gather(stanza, row, gone->id, change);

			gone->removed += (uint64_t)count;
			if (count > 0)
				return ask(stanza, row->store, change, count, on_removed, gone);
		}
	if (gone->removed > 0)
		log_info(LOG_STORE, "removed what a deleted account had",
		    "account=%llu jid=" SLICE_FMT " records=%llu", (unsigned long long)gone->id,
		    SLICE_ARG(stanza->from.bare), (unsigned long long)gone->removed);
	return gone->is_old ? forget(stanza, gone) : go_on(stanza, false);
}

/* --- one account after the other --- */

/* Presence goes first, then what it is told by. */
static int
look_at(struct stanza *stanza, void *context)
{
	struct gone *gone = context;
	bool is_patient = clock_ms() - deletion_of(stanza)->since_ms < PATIENCE_MS ||
	    !gone->is_old;

	if ((has_sessions(stanza, gone) || has_contacts(stanza, gone)) && is_patient)
		return go_on(stanza, true);
	return remove_kept(stanza, gone);
}

static void
on_round(struct timer *timer, void *parameter)
{
	struct deletion *deletion = parameter;

	deletion->left = ACCOUNTS_MAX;
	deletion->is_soon = false;
	look_at_next(deletion->server, NULL);
}

static void
look_at_next(struct server *server, void *data)
{
	struct deletion *deletion = server->deletion;
	struct txn *txn = store_read(server->core);
	struct store_deleted found;
	struct gone gone = { 0 };
	struct slice jid = SLICE_EMPTY;

	if (deletion->left-- > 0) {
		store_deleted(server->core, txn, deletion->last + 1, &found);
		deletion->last = gone.id = found.id;
	}
	if (gone.id != 0) {
		gone.is_old = clock_wall_us() >= found.when_us + LINGER_US;
		jid = slice_from_text(memory_copy_text(found.jid));
	}
	txn_end(&txn);
	if (gone.id == 0) {
		timer_start(server->timers, &deletion->timer,
		    deletion->is_soon ? SOON_MS : EVERY_MS, on_round, deletion);
		return;
	}
	router_act(server, jid, look_at, &gone);
	memory_free((char *)jid.data);
}

/* --- start and end --- */

static void
deletion_start(struct server *server)
{
	struct deletion *deletion;

	if (server->number != 0 || server->msg == NULL)
		return;
	deletion = NEW(struct deletion);
	deletion->server = server;
	deletion->since_ms = clock_ms();
	server->deletion = deletion;
	timer_start(server->timers, &deletion->timer, 0, on_round, deletion);
}

static void
deletion_stop(struct server *server)
{
	if (server->deletion == NULL)
		return;
	timer_stop(server->timers, &server->deletion->timer);
	memory_free(server->deletion);
	server->deletion = NULL;
}

const struct feature deletion_feature = {
	.name = "deletion",
	.spec = "RFC 6121 3.2, 3.3",
	.about = "Tells the contacts of an account that was deleted, and removes all that was kept for it.",
	.on_start = deletion_start,
	.on_stop = deletion_stop,
};
