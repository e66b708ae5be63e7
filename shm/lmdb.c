/* lmdb.c -- environments: opened by the rules that keep them safe among processes. */
#include "shm/lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "shm/layout.h"
#include "shm/lmdb_env.h"
#include "shm/shm.h"

#define LAYOUT_TABLE "layout"
#define OPEN_TRIES   20

int
env_result(int error)
{
	switch (error) {
	case MDB_SUCCESS:
		return RESULT_OK;
	case MDB_NOTFOUND:
	case ENOENT:
		return RESULT_NOT_FOUND;
	case MDB_KEYEXIST:
		return RESULT_EXISTS;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case MDB_READERS_FULL:
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return RESULT_FULL;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
		return RESULT_CORRUPT;
	case MDB_VERSION_MISMATCH:
	case MDB_INVALID:
	case MDB_INCOMPATIBLE:
		return RESULT_LAYOUT;
	case MDB_BAD_VALSIZE:
		return RESULT_INVALID;
	case EACCES:
	case EPERM:
	case EROFS:
		return RESULT_DENIED;
	default:
		return RESULT_FAILED;
	}
}

/* --- opening --- */

static void
nap(int try)
{
	nanosleep(&(struct timespec){ .tv_nsec = 1000000l * (try + 1) }, NULL);
}

/*
 * LMDB maps its lock file and writes by plain stores: a hole in it would be a SIGBUS on a full
 * disk. Nobody of this process has the file open yet (see lmdb_guard.c).
 */
static int
allocate_lock_file(const char *directory, unsigned readers)
{
	off_t size = ((off_t)readers * 64 + 1024 + 4095) / 4096 * 4096;
	char path[600];
	int fd, error;

	snprintf(path, sizeof(path), "%s/lock.mdb", directory);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno;
	do
		error = posix_fallocate(fd, 0, size);
	while (error == EINTR);
	close(fd);
	return error == EOPNOTSUPP ? 0 : error;
}

/* A record of the layout stands in every environment of ours, and nothing else may be without it. */
static int
check_layout(MDB_txn *txn, const struct env_options *options)
{
	unsigned create = (options->flags & ENV_CREATE) != 0 ? MDB_CREATE : 0;
	uint32_t layout = options->layout;
	MDB_val key = { 6, (void *)(uintptr_t)"layout" };
	MDB_val value;
	MDB_stat stat;
	MDB_dbi table;
	int rc = mdb_dbi_open(txn, LAYOUT_TABLE, 0, &table);

	if (rc == 0) {
		rc = mdb_get(txn, table, &key, &value);
		if (rc != 0 || value.mv_size != sizeof(layout) ||
		    memcmp(value.mv_data, &layout, sizeof(layout)) != 0)
			return MDB_INCOMPATIBLE;
		return 0;
	}
	if (rc != MDB_NOTFOUND || create == 0)
		return rc;
	rc = mdb_dbi_open(txn, NULL, 0, &table);
	if (rc == 0)
		rc = mdb_stat(txn, table, &stat);
	if (rc == 0 && stat.ms_entries != 0)
		rc = MDB_INCOMPATIBLE;
	if (rc == 0)
		rc = mdb_dbi_open(txn, LAYOUT_TABLE, MDB_CREATE, &table);
	value = (MDB_val){ sizeof(layout), &layout };
	if (rc == 0)
		rc = mdb_put(txn, table, &key, &value, 0);
	return rc;
}

int
env_open_tables(struct env *env, MDB_txn *txn)
{
	unsigned create = (env->flags & ENV_CREATE) != 0 ? MDB_CREATE : 0;
	int rc;

	env->missing = 0;
	for (int i = 0; i < env->table_count; i++) {
		if (env->tables[i] != NO_TABLE)
			continue;
		rc = mdb_dbi_open(txn, env->names[i], create, &env->tables[i]);
		if (rc == MDB_NOTFOUND && (env->flags & ENV_READ_ONLY) != 0) {
			env->tables[i] = NO_TABLE;
			env->missing++;
		} else if (rc != 0) {
			return rc;
		}
	}
	return 0;
}

static int
open_tables(struct env *env, const struct env_options *options)
{
	bool create = (options->flags & ENV_CREATE) != 0;
	MDB_txn *txn;
	int rc = mdb_txn_begin(env->mdb, NULL, create ? 0 : MDB_RDONLY, &txn);

	if (rc != 0)
		return rc;
	rc = check_layout(txn, options);
	for (int i = 0; i < env->table_count; i++)
		env->tables[i] = NO_TABLE;
	if (rc == 0)
		rc = env_open_tables(env, txn);
	if (rc == 0)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

static int
open_once(struct env *env, const struct env_options *options)
{
	unsigned flags = MDB_NOTLS;
	int rc = mdb_env_create(&env->mdb);

	if (rc != 0)
		return rc;
	if ((options->flags & ENV_READ_ONLY) != 0)
		flags |= MDB_RDONLY;
	flags |= (options->flags & ENV_VOLATILE) != 0 ? MDB_NOSYNC : MDB_NORDAHEAD;
	rc = mdb_env_set_mapsize(env->mdb, options->map_size);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(env->mdb, ENV_TABLES_MAX + 1);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(env->mdb, options->readers);
	if (rc == 0)
		rc = mdb_env_open(env->mdb, options->directory, flags, 0600);
	if (rc == 0)
		rc = open_tables(env, options);
	if (rc != 0) {
		mdb_env_close(env->mdb);
		env->mdb = NULL;
	}
	return rc;
}

static int
open_locked(struct env *env, const struct env_options *options)
{
	int rc = 0;

	if ((options->flags & ENV_READ_ONLY) == 0)
		rc = allocate_lock_file(options->directory, options->readers);
	if (rc != 0)
		return rc;
	for (int try = 0; try < OPEN_TRIES; try++) {
		rc = open_once(env, options);
		if (rc != EINVAL && rc != EAGAIN && rc != EBUSY)
			break;
		nap(try);
	}
	return rc;
}

static int
fail_open(const struct env_options *options, int result, const char *reason)
{
	if (result != RESULT_NOT_FOUND)
		log_error(LOG_SHM, "cannot open the database", "path=%s reason=%s",
		    options->directory, reason);
	return result;
}

int
env_open(const struct env_options *options, struct env **out)
{
	struct env *env;
	int result, rc;

	ensure(options->table_count <= ENV_TABLES_MAX);
	ensure(strlen(options->directory) < sizeof(env->directory));
	if ((options->flags & ENV_CREATE) != 0 && mkdir(options->directory, 0700) != 0 &&
	    errno != EEXIST)
		return fail_open(options, env_result(errno), strerror(errno));
	env = NEW(struct env);
	env->flags = options->flags;
	env->map_size = options->map_size;
	env->table_count = options->table_count;
	env->names = options->tables;
	env->read.env = env->write.env = env;
	env->write.is_write = true;
	snprintf(env->directory, sizeof(env->directory), "%s", options->directory);
	result = env_guard_init(&env->guard, options->directory);
	if (result != RESULT_OK) {
		memory_free(env);
		return fail_open(options, result, result_text(result));
	}
	env_guard_lock(&env->guard);
	SHM_STEP("lmdb: opening");
	rc = open_locked(env, options);
	env_guard_unlock(&env->guard);
	if (rc != 0) {
		env_guard_clear(&env->guard);
		memory_free(env);
		return fail_open(options, env_result(rc), mdb_strerror(rc));
	}
	*out = env;
	return RESULT_OK;
}

void
env_close(struct env **pointer)
{
	struct env *env = *pointer;

	if (env == NULL)
		return;
	ensure(env->guard.pid == env_guard_pid());
	ensure(!env->read.is_open && !env->write.is_open);
	if (env->read.mdb != NULL)
		mdb_txn_abort(env->read.mdb);
	env_guard_lock(&env->guard);
	mdb_env_close(env->mdb);
	env_guard_unlock(&env->guard);
	env_guard_clear(&env->guard);
	memory_free(env);
	*pointer = NULL;
}

int
env_reader_check(struct env *env)
{
	int dead = 0;
	int rc;

	ensure(env->guard.pid == env_guard_pid());
	rc = mdb_reader_check(env->mdb, &dead);
	return rc == 0 ? dead : env_result(rc);
}

int
env_sync(struct env *env)
{
	ensure(env->guard.pid == env_guard_pid());
	return env_result(mdb_env_sync(env->mdb, 1));
}

void
env_watch(struct env *env, struct process_page *page)
{
	env->page = page;
	if (page == NULL)
		return;
	atomic_store(&page->lock_since_ms, 0);
	atomic_store(&page->read_since_ms, 0);
}

/* --- how full --- */

uint64_t
env_last_page(const struct env *env)
{
	MDB_envinfo info;

	mdb_env_info(env->mdb, &info);
	return info.me_last_pgno;
}

uint64_t
env_commits(const struct env *env)
{
	MDB_envinfo info;

	mdb_env_info(env->mdb, &info);
	return info.me_last_txnid;
}

unsigned
env_page_size(const struct env *env)
{
	MDB_stat stat;

	mdb_env_stat(env->mdb, &stat);
	return stat.ms_psize;
}

/*
 * From LMDB's own table 0, where each value starts with the count of its pages. Only a read transaction may
 * look there.
 */
uint64_t
env_free_pages(struct env *env)
{
	bool opens = !env->read.is_open;
	struct txn *txn = opens ? txn_read(env) : &env->read;
	MDB_cursor *cursor;
	MDB_val key, value;
	uint64_t total = 0;

	if (txn->error == RESULT_OK && mdb_cursor_open(txn->mdb, 0, &cursor) == 0) {
		while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
			size_t count;

			memcpy(&count, value.mv_data, sizeof(count));
			total += count;
		}
		mdb_cursor_close(cursor);
	}
	if (opens)
		txn_end(&txn);
	return total;
}

double
env_fill(struct env *env)
{
	double pages = (double)env->map_size / env_page_size(env);
	double used = (double)env_last_page(env) + 1;

	/* What was given back needs counting only where the end of the file says much. */
	if (used / pages >= 0.5)
		used -= (double)env_free_pages(env);
	return used / pages;
}
