/* lmdb.h -- the one door to LMDB, with the rules that keep it safe among processes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/*
 * An environment: opened after the fork and once a process (a second open of the same directory aborts,
 * see ensure.h), under a file lock with other openers and tried again on the races of 0.9.26 to
 * 0.9.31. A table that is not there, as an older version made the file, is empty for who only reads,
 * until a writer has made it. No WRITEMAP, no DUPSORT. Closed by the end of the process or env_close().
 */
struct env;
struct txn;

enum env_flag {
	ENV_CREATE = 1,		/* make directory and tables where missing */
	ENV_READ_ONLY = 2,
	ENV_VOLATILE = 4,	/* on tmpfs: no sync */
};

#define ENV_TABLES_MAX 32

struct env_options {
	const char  *directory;
	unsigned     flags;
	uint64_t     map_size;		/* bytes reserved: 1 TiB durable, what max_sessions needs volatile */
	unsigned     readers;		/* processes that read at once */
	const char *const *tables;	/* names, kept; a table is its index here */
	int	     table_count;
	uint32_t     layout;		/* of the records; another one on disk: RESULT_LAYOUT */
};

int	env_open(const struct env_options *options, struct env **env);
void	env_close(struct env **env);
int	env_reader_check(struct env *env);	/* clears slots of dead readers; returns how many */
int	env_sync(struct env *env);
double	env_fill(struct env *env);		/* used share of the map, 0 to 1 */

/*
 * A transaction carries its own error: after the first failure all calls do nothing, and
 * txn_commit() returns it. A read transaction is short: it never outlives a callback of the loop
 * (the page of this process, where one is set, says since when one is open).
 */
struct txn *txn_read(struct env *env);		/* one at a time and process; reuses its reader slot */
struct txn *txn_write(struct env *env);
int	txn_commit(struct txn **txn);		/* RESULT_OK, RESULT_FULL, RESULT_FAILED, ... */
void	txn_end(struct txn **txn);		/* reads, and writes given up */
int	txn_error(const struct txn *txn);

/*
 * The data file is allocated ahead of use, and where that is not possible any more what remains is for deletes, which copy
 * pages. In a volatile environment puts get RESULT_FULL then; in a durable one the caller asks, when it has begun to write, and
 * does only what makes room.
 */
bool	txn_is_tight(const struct txn *txn);

/*
 * Commits have numbers: that of the last one, and that which a read sees (0 where it has failed). What was read
 * still stands while the two are the same. env_commits() may be ahead of what a read begun now would see.
 */
uint64_t env_commits(const struct env *env);
uint64_t txn_commits(const struct txn *txn);

/* *value is borrowed from the map until the transaction ends or writes. */
bool	txn_get(struct txn *txn, int table, struct slice key, struct slice *value);
void	txn_put(struct txn *txn, int table, struct slice key, struct slice value);
void	txn_append(struct txn *txn, int table, struct slice key, struct slice value);	/* key is the greatest */
bool	txn_delete(struct txn *txn, int table, struct slice key);
void	txn_clear(struct txn *txn, int table);	/* deletes all of it */

/* Calls back in key order for keys that start with prefix, from `from` on; ends when it returns false. */
void	txn_each(struct txn *txn, int table, struct slice prefix, struct slice from,
	    bool (*each)(void *owner, struct slice key, struct slice value), void *owner);
/* The same downwards: from the last key that starts with prefix and is at most `from` (empty: any). */
void	txn_each_back(struct txn *txn, int table, struct slice prefix, struct slice from,
	    bool (*each)(void *owner, struct slice key, struct slice value), void *owner);
bool	txn_last(struct txn *txn, int table, struct slice *key, struct slice *value);
uint64_t txn_entries(struct txn *txn, int table);
uint64_t txn_number(const struct txn *txn);	/* of what it sees: it grows with each commit */

/* For heartbeats: where open reads and writes are noted (process_page). May be NULL. */
struct process_page;
void	env_watch(struct env *env, struct process_page *page);
