/* fsck_accounts.c -- checks that accounts have the SCRAM keys their hosts count, and lists them for other checks. */
#include <stdio.h>
#include <stdlib.h>

#include "auth/credentials.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "ctl/ctl.h"
#include "ctl/fsck_kept.h"

struct reading {
	struct fsck *fsck;
	struct ctl *ctl;
	struct fsck_accounts *accounts;
};

static void
check_keys(struct fsck *fsck, const struct account *account)
{
	struct credentials credentials;
	char where[112];
	int result = credentials_unpack(account->record, &credentials);

	snprintf(where, sizeof(where), SLICE_FMT, SLICE_ARG(account->jid));
	if (result != RESULT_OK) {
		fsck_find(fsck, FSCK_ACCOUNT_KEYS, where, "its keys cannot be read: %s",
			  result_text(result));
		return;
	}
	for (int i = 0; i < SCRAM_HASH_COUNT; i++) {
		bool has = credentials.scram[i].iterations != 0;
		bool says = (account->hashes & 1u << i) != 0;

		if (has != says)
			fsck_find(fsck, FSCK_ACCOUNT_KEYS, where, "it %s keys for %s",
				  has ? "does not count its" : "counts missing",
				  scram_hash_name((enum scram_hash)i));
	}
}

static bool
on_account(void *owner, const struct account *account)
{
	struct reading *reading = owner;
	struct fsck_accounts *accounts = reading->accounts;

	check_keys(reading->fsck, account);
	if (accounts->count == accounts->room) {
		accounts->room = accounts->room == 0 ? 64 : accounts->room * 2;
		accounts->all = memory_resize(accounts->all,
					      accounts->room * sizeof(accounts->all[0]));
	}
	accounts->all[accounts->count++] = (struct fsck_account){
		account->id, arena_copy(&reading->ctl->arena, account->jid)
	};
	return true;
}

static int
compare(const void *left, const void *right)
{
	const struct fsck_account *a = left, *b = right;

	return a->id < b->id ? -1 : a->id > b->id;
}

void
fsck_accounts_read(struct fsck *fsck, struct ctl *ctl, struct store *core, struct txn *txn,
		   struct fsck_accounts *accounts)
{
	struct reading reading = { fsck, ctl, accounts };

	*accounts = (struct fsck_accounts){ 0 };
	for (size_t i = 0; i < ctl->config->host_count; i++)
		store_accounts(core, txn, slice_from_text(ctl->config->hosts[i].name),
			       on_account, &reading);
	if (accounts->count > 0)
		qsort(accounts->all, accounts->count, sizeof(accounts->all[0]), compare);
}

const struct fsck_account *
fsck_accounts_find(const struct fsck_accounts *accounts, uint64_t id)
{
	struct fsck_account wanted = { .id = id };

	return accounts->count == 0 ? NULL
				    : bsearch(&wanted, accounts->all, accounts->count,
					      sizeof(wanted), compare);
}

void
fsck_accounts_free(struct fsck_accounts *accounts)
{
	memory_free(accounts->all);
	*accounts = (struct fsck_accounts){ 0 };
}
