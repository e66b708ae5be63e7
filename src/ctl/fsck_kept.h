/* fsck_kept.h -- checks what features keep in the stores: rosters, archives, messages for later. */
#pragma once

#include "shm/fsck.h"

struct ctl;

/* Accounts of the hosts in the configuration, by id. */
struct fsck_account {
	uint64_t     id;
	struct slice jid;	/* in the arena of ctl */
};

struct fsck_accounts {
	struct fsck_account *all;
	size_t		     count;
	size_t		     room;
};

void	fsck_accounts_read(struct fsck *fsck, struct ctl *ctl, struct store *core, struct txn *txn,
	    struct fsck_accounts *accounts);
const struct fsck_account *fsck_accounts_find(const struct fsck_accounts *accounts, uint64_t id);
void	fsck_accounts_free(struct fsck_accounts *accounts);

/* Each side of a pair of contacts, and the counts of each roster. */
void	fsck_rosters(struct fsck *fsck, struct ctl *ctl, struct store *core, struct txn *txn,
	    const struct fsck_accounts *accounts);

/* Messages against the lists of both ends, and the queues of those kept for later. */
void	fsck_messages(struct fsck *fsck, struct store *msg, struct txn *txn,
	    const struct fsck_accounts *accounts);
