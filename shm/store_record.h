/* store_record.h -- keys and records of the durable store, for its files and tests; README.md draws them. */
#pragma once

#include "base/hash.h"
#include "shm/store.h"

enum store_table {
	TABLE_META, TABLE_APPLIED,
	/* core, followed by enum store_place */
	TABLE_ACCOUNT = STORE_ACCOUNTS, TABLE_ACCOUNT_HOST, TABLE_HOST,
};

#define TABLE_JOURNAL (STORE_PREFERENCES + 1)	/* in msg, behind its places */

#define STORE_LAYOUT	 1
#define STORE_HASHES	 8	/* bits of account hashes that hosts count */
#define STORE_NAME_MAX	 2047	/* bytes of a bare JID */
#define STORE_KEY_MAX	 500
#define STORE_SECRET_MAX 32

struct store {
	struct env	*env;
	enum store_kind	 kind;
	int		 lock_fd;	/* the writer's, else -1 */
	struct hash_key	 hash_key;
	struct hash128 (*hash)(const struct store *store, struct slice name);	/* tests make it collide */
	struct store_journal *journal;	/* the writer's, of msg; else NULL */
	struct store_view    *view;	/* a reader's, once it has read a list */
};

/* A record found by its name: the hash, then a number that tells names of one hash apart. */
struct named_key {
	uint8_t bytes[17];
};

/* Both begin with the length of the name, which follows the fixed part. Numbers in the machine's order. */
struct account_record {
	uint32_t jid_length;
	uint32_t hashes;
	uint64_t id;
	uint64_t version;		/* then the JID, then the owner's bytes */
};

struct deleted_record {
	uint64_t version;
	uint64_t when_us;		/* then the JID */
};

struct host_record {
	uint32_t host_length;
	uint32_t reserved;
	uint64_t accounts;
	uint64_t with_hash[STORE_HASHES];	/* then the host */
};

struct named_record {
	struct named_key key;		/* where it is, or where it can be put */
	bool		 is_found;
	const char	*fixed;		/* unaligned: to be copied out */
	struct slice	 rest;		/* behind the name */
};

/* Looks a name up; false and an error in the log where no key is left for it. */
bool	store_named(struct store *store, struct txn *txn, int table, size_t fixed_size,
	    struct slice name, struct named_record *found);

bool	store_meta_u64(struct txn *txn, const char *name, uint64_t *value);
void	store_meta_set_u64(struct txn *txn, const char *name, uint64_t value);

struct slice store_host_of(struct slice jid);

/* --- lists --- */

#define STORE_LIST_PLACE 8	/* the last bytes of an entry's key: its place in the list, big endian */

/* An entry in its list. */
struct list_record {
	uint64_t	   version;
	struct store_entry entry;
};

/* A record of the journal, key 8 bytes that grow (big endian), is several of these, each followed by its key. */
struct journal_item {
	uint32_t	   table;
	uint32_t	   key_length;
	struct store_entry entry;
};

bool	store_journal_take(struct slice *rest, struct journal_item *item, struct slice *key);
uint64_t store_list_place(struct slice key);
struct slice store_list_of(struct slice key);
void	store_view_free(struct store_view **view);
/* Around a look at a list in a transaction that writes to the journal. */
void	store_view_forget(struct store *store);

/* --- applying, all in one transaction --- */

struct store_apply {
	struct store *store;
	struct txn   *txn;
	uint64_t      version;		/* the last one given out */
	uint64_t      next_account;
	uint8_t	      last_stanza[8];	/* the greatest key of the log, once is_last_known */
	bool	      is_last_known;
	bool	      is_changed;
	uint32_t      touched;		/* bit t: table t, by what has been made so far */
};

void	store_apply_begin(struct store_apply *apply, struct store *store);
/* The transaction alone: for what is no request. */
void	store_apply_open(struct store_apply *apply, struct store *store);

/*
 * Looks at all conditions, then makes all changes; what txn_error() says aside, a failure has changed
 * nothing. Later requests of the transaction see what earlier ones did.
 */
int	store_apply_request(struct store_apply *apply, const struct store_change *changes, int count,
	    uint64_t *account);
int	store_apply_commit(struct store_apply *apply);
void	store_apply_give_up(struct store_apply *apply);

/* A record of a list: STORE_ENTER. *result becomes 1 where the list's total passed a multiple. */
int	store_entry_check(const struct store_apply *apply, const struct store_change *change);
void	store_entry_put(struct store_apply *apply, const struct store_change *change, int *result);

/* The journal of entries: in the writer's memory, and in a transaction of requests. */
struct store_journal *store_journal_new(void);
void	store_journal_free(struct store_journal **journal);
/* Before a transaction: moves the entries into their lists where there are many. */
void	store_journal_settle(struct store *store);
void	store_journal_begin(struct store_apply *apply);
void	store_journal_end(struct store_apply *apply);
void	store_journal_give_up(struct store_apply *apply);
/* Before a change of a record that may be an entry of the journal. */
void	store_journal_yield(struct store_apply *apply, const struct store_change *change);

/*
 * Entries (STORE_ENTER) that come with a place below the end of their list, and those of the list behind them in the same
 * transaction: numbered when all are there. on_numbered hears of each, and of those above it whose numbers change.
 */
struct store_late;
void	store_late_add(struct store_late **late, const struct store_change *change);
void	store_late_settle(struct store_apply *apply, struct store_late **late,
	    void (*on_numbered)(struct store_apply *apply, int table, struct slice key,
	    const struct store_entry *entry));
void	store_late_free(struct store_late **late);

/* Of one account, for store_apply_request(). */
int	store_account_check(struct store_apply *apply, const struct store_change *change);
void	store_account_put(struct store_apply *apply, const struct store_change *change,
	    uint64_t *account);
void	store_account_delete(struct store_apply *apply, const struct store_change *change,
	    uint64_t *account);

/* Value behind a new version; for what names no version of its own. */
void	store_put_versioned(struct store_apply *apply, const struct store_change *change);

/* Of a queue. */
int	store_queue_check(struct store_apply *apply, const struct store_change *change);
void	store_queue_add(struct store_apply *apply, const struct store_change *change);
void	store_queue_drop(struct store_apply *apply, const struct store_change *change);
