/* lmdb_txn.c -- transactions that carry their own error. */
#include "shm/lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/result.h"
#include "shm/layout.h"
#include "shm/lmdb_env.h"
#include "shm/shm.h"

/* Of a file always allocated behind its last page. */
#define AHEAD_VOLATILE (256u << 10)
#define AHEAD_DURABLE  (8u << 20)	/* entries of a journal that move into their lists write a page for each list */
#define STEP_BYTES     (1u << 20)
#define FULL_BYTES     (16u << 20)	/* with less to be had a disk counts as full */

/* Over all environments of this process: the page tells of the first that opened. */
static int open_reads, open_writes;

static uint64_t
monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void
note_begin(const struct txn *txn)
{
	struct process_page *page = txn->env->page;
	int *count = txn->is_write ? &open_writes : &open_reads;

	if ((*count)++ == 0 && page != NULL)
		atomic_store_explicit(txn->is_write ? &page->lock_since_ms : &page->read_since_ms,
		    monotonic_ms(), memory_order_relaxed);
}

static void
note_end(const struct txn *txn)
{
	struct process_page *page = txn->env->page;
	int *count = txn->is_write ? &open_writes : &open_reads;

	if (--*count == 0 && page != NULL)
		atomic_store_explicit(txn->is_write ? &page->lock_since_ms : &page->read_since_ms,
		    0, memory_order_relaxed);
}

/* False: there is no room. That a file system cannot tell ahead is no failure. */
static bool
allocate(struct env *env, uint64_t end)
{
	int fd, error;

	if (end > env->map_size)
		end = env->map_size;
	if (env->allocated >= end)
		return true;
	mdb_env_get_fd(env->mdb, &fd);
	do
		error = posix_fallocate(fd, (off_t)env->allocated, (off_t)(end - env->allocated));
	while (error == EINTR);
	if (error != 0 && ((env->flags & ENV_VOLATILE) != 0 || env_result(error) == RESULT_FULL))
		return false;
	env->allocated = end;
	return true;
}

static uint64_t
ahead_bytes(const struct env *env)
{
	if ((env->flags & ENV_VOLATILE) != 0)
		return AHEAD_VOLATILE;
	return AHEAD_DURABLE < env->map_size / 16 ? AHEAD_DURABLE : env->map_size / 16;
}

static void
set_tight(struct env *env, bool is_tight)
{
	if (is_tight && !env->is_tight)
		log_error(LOG_SHM, "no room", "path=%s allocated=%llu", env->directory,
		    (unsigned long long)env->allocated);
	else if (!is_tight && env->is_tight)
		log_info(LOG_SHM, "room again", "path=%s", env->directory);
	env->is_tight = is_tight;
}

/*
 * Allocates the file ahead of its last page, so that a full disk or tmpfs is met here and the
 * pages that a delete copies have room. Called with the write lock held.
 */
static void
allocate_ahead(struct txn *txn)
{
	struct env *env = txn->env;
	uint64_t size = env_page_size(env);
	uint64_t used = (env_last_page(env) + 1) * size;
	uint64_t needed = used + ahead_bytes(env);
	bool has_room;

	/* A durable file was whole when it was made; in a volatile one even a hole would be a SIGBUS. */
	if (env->allocated == 0 && (env->flags & ENV_VOLATILE) == 0)
		env->allocated = used;
	has_room = env->allocated >= needed ||
	    ((allocate(env, (needed + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES) ||
		 allocate(env, needed)) &&
		needed <= env->map_size);
	set_tight(env, !has_room && env->allocated + env_free_pages(env) * size < needed);
}

/* --- transactions --- */

/* Those that were missing may have been made by another process; only a commit keeps what is opened. */
static void
look_for_tables(struct env *env)
{
	MDB_txn *txn;

	if (mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &txn) != 0)
		return;
	env_open_tables(env, txn);
	mdb_txn_commit(txn);
}

static int
begin_read(struct txn *txn)
{
	int rc;

	if (txn->env->missing > 0)
		look_for_tables(txn->env);
	if (txn->mdb != NULL)
		return mdb_txn_renew(txn->mdb);
	rc = mdb_txn_begin(txn->env->mdb, NULL, MDB_RDONLY, &txn->mdb);
	if (rc == MDB_READERS_FULL && env_reader_check(txn->env) > 0)
		rc = mdb_txn_begin(txn->env->mdb, NULL, MDB_RDONLY, &txn->mdb);
	return rc;
}

static void
note_wait(const struct env *env, enum write_lock lock)
{
	if (env->page != NULL)
		atomic_store_explicit(&env->page->waits_for, lock, memory_order_relaxed);
}

static enum write_lock
lock_of(const struct env *env)
{
	return (env->flags & ENV_VOLATILE) != 0 ? WRITE_LOCK_REGISTRY : WRITE_LOCK_STORE;
}

static int
begin_write(struct txn *txn)
{
	int rc;

	note_wait(txn->env, lock_of(txn->env));
	rc = mdb_txn_begin(txn->env->mdb, NULL, 0, &txn->mdb);
	note_wait(txn->env, WRITE_LOCK_NONE);
	return rc;
}

/* That it is full is said once, until something was committed again. */
void
txn_fail(struct txn *txn, int rc, const char *event)
{
	bool is_told = txn->env->is_full;

	ensure(rc != ENOMEM);	/* or what cannot be read would pass for what is not there */
	txn->error = env_result(rc);
	txn->env->is_full |= txn->error == RESULT_FULL;
	if (txn->error == RESULT_FULL && is_told)
		return;
	log_error(LOG_SHM, event, "path=%s reason=\"%s\"", txn->env->directory,
	    mdb_strerror(rc));
}

/*
 * No such thing happens unless something else has written into the lock file. Nothing in this process can mend it; the
 * master can, which looks at its page.
 */
static void
end_if_broken(const struct env *env, int rc)
{
	if (rc != EINVAL && rc != ENOTRECOVERABLE && rc != MDB_BAD_RSLOT)
		return;
	log_error(LOG_SHM, "the lock file is damaged", "path=%s/lock.mdb reason=\"%s\"",
	    env->directory, mdb_strerror(rc));
	atomic_store(&env->page->broken, lock_of(env));
	_exit(EX_SOFTWARE);
}

static struct txn *
begin(struct txn *txn, int (*start)(struct txn *))
{
	struct env *env = txn->env;
	int rc;

	ensure(env->guard.pid == env_guard_pid());
	ensure(!txn->is_open);
	txn->is_open = true;
	txn->error = RESULT_OK;
	rc = start(txn);
	/* Another process was told of a bigger map. */
	if (rc == MDB_MAP_RESIZED && env->read.is_open != env->write.is_open) {
		rc = mdb_env_set_mapsize(env->mdb, 0);
		if (rc == 0)
			rc = start(txn);
	}
	if (env->page != NULL)
		end_if_broken(env, rc);
	note_begin(txn);
	if (rc != 0)
		txn_fail(txn, rc, "cannot begin a transaction");
	return txn;
}

struct txn *
txn_read(struct env *env)
{
	return begin(&env->read, begin_read);
}

struct txn *
txn_write(struct env *env)
{
	struct txn *txn;

	ensure((env->flags & ENV_READ_ONLY) == 0);
	txn = begin(&env->write, begin_write);
	if (txn->error == RESULT_OK)
		allocate_ahead(txn);
	SHM_STEP("lmdb: begun");
	return txn;
}

/* LMDB calls a write that was cut short EIO; where the disk is about full, that is why. */
static int
commit_write(struct txn *txn)
{
	int rc = mdb_txn_commit(txn->mdb);
	struct statvfs fs;
	int fd;

	if (rc != EIO)
		return rc;
	mdb_env_get_fd(txn->env->mdb, &fd);
	if (fstatvfs(fd, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < FULL_BYTES)
		rc = ENOSPC;
	return rc;
}

static int
finish(struct txn *txn, bool commits)
{
	int rc = 0;

	ensure(txn->is_open && txn->env->guard.pid == env_guard_pid());
	if (txn->is_write && txn->mdb != NULL) {
		if (commits && txn->error == RESULT_OK)
			rc = commit_write(txn);
		else
			mdb_txn_abort(txn->mdb);
		if (commits && txn->error == RESULT_OK && rc == 0)
			txn->env->is_full = false;
		txn->mdb = NULL;
	} else if (txn->mdb != NULL) {
		mdb_txn_reset(txn->mdb);
	}
	if (rc != 0)
		txn_fail(txn, rc, "cannot commit");
	note_end(txn);
	txn->is_open = false;
	return txn->error;
}

int
txn_commit(struct txn **pointer)
{
	int error = finish(*pointer, true);

	*pointer = NULL;
	return error;
}

void
txn_end(struct txn **pointer)
{
	if (*pointer != NULL)
		finish(*pointer, false);
	*pointer = NULL;
}

int
txn_error(const struct txn *txn)
{
	return txn->error;
}

bool
txn_is_tight(const struct txn *txn)
{
	return txn->env->is_tight;
}

uint64_t
txn_commits(const struct txn *txn)
{
	return txn->error == RESULT_OK ? mdb_txn_id(txn->mdb) : 0;
}

uint64_t
txn_number(const struct txn *txn)
{
	return txn->mdb == NULL ? 0 : mdb_txn_id(txn->mdb);
}
