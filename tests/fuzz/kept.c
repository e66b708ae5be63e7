/* kept.c -- for fuzz targets: both stores again as they were, whatever an input has changed. */
#include "tests/fuzz/kept.h"

#include <stdio.h>
#include <string.h>

#include "auth/credentials.h"
#include "base/ensure.h"
#include "base/result.h"
#include "shm/store_record.h"

static struct {
	char	 record[CREDENTIALS_RECORD_MAX];
	size_t	 length;
	uint32_t hashes;
	uint64_t asked[STORE_COUNT];
} kept;

static const struct store_client *
client_of(const struct worker *worker, int kind)
{
	return kind == STORE_CORE ? worker->server.core_client : worker->server.msg_client;
}

static bool
is_asked(const struct worker *worker, int kind)
{
	return kept.asked[kind] != store_asked(client_of(worker, kind));
}

void
kept_begin(struct worker *worker)
{
	struct txn *txn = store_read(worker->server.core);
	struct account account;

	ensure(store_account(worker->server.core, txn, SLICE("romeo@localhost"), &account));
	memcpy(kept.record, account.record.data, account.record.length);
	kept.length = account.record.length;
	kept.hashes = account.hashes;
	for (int kind = 0; kind < STORE_COUNT; kind++)
		kept.asked[kind] = store_asked(client_of(worker, kind));
	txn_end(&txn);
}

bool
kept_is_asked(struct worker *worker)
{
	return is_asked(worker, STORE_CORE) || is_asked(worker, STORE_MSG);
}

static void
restore_account(struct worker *worker, struct slice jid)
{
	struct store *core = worker->server.core;
	struct txn *txn = store_read(core);
	struct slice record = slice_of(kept.record, kept.length);
	struct account account;
	struct store_change change = { .verb = STORE_ACCOUNT_PUT,
		.hashes = kept.hashes,
		.key = jid,
		.value = record };
	bool is_there = store_account(core, txn, jid, &account);
	bool is_same = is_there && slice_equal(account.record, record);

	change.version = is_there ? account.version : 0;
	txn_end(&txn);
	if (!is_same)
		core_apply(worker, &change);
}

static void
clear_tables(struct store *store, int first, int last)
{
	struct txn *txn = txn_write(store_env(store));

	for (int table = first; table <= last; table++)
		txn_clear(txn, table);
	ensure(txn_commit(&txn) == RESULT_OK);
}

static void
restore_core(struct worker *worker)
{
	clear_tables(worker->server.core, STORE_ROSTER, STORE_DELETED);
	restore_account(worker, SLICE("romeo@localhost"));
	restore_account(worker, SLICE("juliet@localhost"));
}

static void
restore_msg(struct store *msg)
{
	clear_tables(msg, STORE_STANZA, TABLE_JOURNAL);
	store_journal_free(&msg->journal);
	msg->journal = store_journal_new();
}

void
kept_restore(struct worker *worker)
{
	struct server *server = &worker->server;

	for (int kind = 0; kind < STORE_COUNT; kind++) {
		if (!is_asked(worker, kind))
			continue;
		ensure(store_answered(client_of(worker, kind)) ==
		    store_asked(client_of(worker, kind)));
		if (kind == STORE_CORE)
			restore_core(worker);
		else
			restore_msg(server->msg);
		for (int table = 0; table < STORE_TABLES_MAX; table++)
			atomic_fetch_add(&server->shm->instance->store_changes[kind][table], 1);
		kept.asked[kind] = store_asked(client_of(worker, kind));
	}
}
