/* lmdb_env.h -- what the files behind the door to LMDB share; nobody else includes it. */
#pragma once

#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/lmdb.h"
#include "shm/lmdb_guard.h"

/* A table that the file has not got yet: an older version made it, and nobody has opened it to write since. */
#define NO_TABLE UINT32_MAX

struct txn {
	struct env *env;
	MDB_txn	   *mdb;
	int	    error;
	bool	    is_open;
	bool	    is_write;
};

struct env {
	MDB_env		    *mdb;
	MDB_dbi		     tables[ENV_TABLES_MAX];
	const char *const   *names;		/* theirs */
	int		     missing;		/* that many are NO_TABLE */
	int		     table_count;
	unsigned	     flags;
	uint64_t	     map_size;
	uint64_t	     allocated;		/* bytes of the file known to have memory or disk behind them */
	struct env_guard     guard;
	struct txn	     read;
	struct txn	     write;
	struct process_page *page;
	bool		     is_tight;		/* no room is left but what is kept for deletes */
	bool		     is_full;		/* said so in the log */
	char		     directory[512];
};

/* Of a code of LMDB or errno. */
int	env_result(int error);

/* Opens those of its tables that it has not opened; with ENV_READ_ONLY some may stay missing. */
int	env_open_tables(struct env *env, MDB_txn *txn);

/* The error of it from now on, with a line in the log. */
void	txn_fail(struct txn *txn, int rc, const char *event);

unsigned env_page_size(const struct env *env);
uint64_t env_last_page(const struct env *env);		/* as of the last commit */

/* Pages that were given back, as of the last commit. */
uint64_t env_free_pages(struct env *env);
