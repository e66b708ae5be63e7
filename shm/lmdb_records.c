/* lmdb_records.c -- the records that transactions read and write. */
#include "shm/lmdb.h"

#include <errno.h>
#include <string.h>

#include "base/ensure.h"
#include "base/result.h"
#include "shm/lmdb_env.h"

#define KEY_BYTES 511	/* the longest key LMDB takes */

static MDB_val
val_of(struct slice bytes)
{
	return (MDB_val){ bytes.length, (void *)(uintptr_t)bytes.data };
}

static struct slice
slice_of_val(MDB_val val)
{
	return slice_of(val.mv_data, val.mv_size);
}

static MDB_dbi
table_of(const struct txn *txn, int table)
{
	ensure(txn->is_open && table >= 0 && table < txn->env->table_count);
	return txn->env->tables[table];
}

/* A read goes on: nothing failed before it, and there is such a table. */
static bool
can_read(const struct txn *txn, MDB_dbi dbi)
{
	return txn->error == RESULT_OK && dbi != NO_TABLE;
}

bool
txn_get(struct txn *txn, int table, struct slice key, struct slice *value)
{
	MDB_dbi dbi = table_of(txn, table);
	MDB_val k = val_of(key), v;
	int rc;

	if (!can_read(txn, dbi))
		return false;
	rc = mdb_get(txn->mdb, dbi, &k, &v);
	if (rc == 0)
		*value = slice_of_val(v);
	else if (rc != MDB_NOTFOUND)
		txn_fail(txn, rc, "cannot read a record");
	return rc == 0;
}

static void
put(struct txn *txn, int table, struct slice key, struct slice value, unsigned flags)
{
	MDB_dbi dbi = table_of(txn, table);
	MDB_val k = val_of(key), v = val_of(value);
	int rc;

	ensure(txn->is_write);
	if (txn->error != RESULT_OK)
		return;
	rc = txn->env->is_tight && (txn->env->flags & ENV_VOLATILE) != 0
	    ? ENOSPC
	    : mdb_put(txn->mdb, dbi, &k, &v, flags);
	if (rc != 0)
		txn_fail(txn, rc, "cannot write a record");
}

void
txn_put(struct txn *txn, int table, struct slice key, struct slice value)
{
	put(txn, table, key, value, 0);
}

void
txn_append(struct txn *txn, int table, struct slice key, struct slice value)
{
	put(txn, table, key, value, MDB_APPEND);
}

bool
txn_delete(struct txn *txn, int table, struct slice key)
{
	MDB_dbi dbi = table_of(txn, table);
	MDB_val k = val_of(key);
	int rc;

	ensure(txn->is_write);
	if (txn->error != RESULT_OK)
		return false;
	rc = mdb_del(txn->mdb, dbi, &k, NULL);
	if (rc != 0 && rc != MDB_NOTFOUND)
		txn_fail(txn, rc, "cannot delete a record");
	return rc == 0;
}

void
txn_clear(struct txn *txn, int table)
{
	int rc;

	ensure(txn->is_write);
	if (txn->error != RESULT_OK)
		return;
	rc = mdb_drop(txn->mdb, table_of(txn, table), 0);
	if (rc != 0)
		txn_fail(txn, rc, "cannot delete records");
}

void
txn_each(struct txn *txn, int table, struct slice prefix, struct slice from,
    bool (*each)(void *owner, struct slice key, struct slice value), void *owner)
{
	MDB_dbi dbi = table_of(txn, table);
	struct slice start = slice_compare(from, prefix) > 0 ? from : prefix;
	MDB_val k = val_of(start), v;
	MDB_cursor *cursor;
	int rc;

	if (!can_read(txn, dbi))
		return;
	rc = mdb_cursor_open(txn->mdb, dbi, &cursor);
	if (rc != 0) {
		txn_fail(txn, rc, "cannot read records");
		return;
	}
	rc = mdb_cursor_get(cursor, &k, &v, start.length == 0 ? MDB_FIRST : MDB_SET_RANGE);
	while (rc == 0 && slice_starts_with(slice_of_val(k), prefix) &&
	    each(owner, slice_of_val(k), slice_of_val(v)))
		rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
	mdb_cursor_close(cursor);
	if (rc != 0 && rc != MDB_NOTFOUND)
		txn_fail(txn, rc, "cannot read records");
}

/* Past all that start with prefix: the prefix with its last byte raised; 0 when there is nothing past it. */
static size_t
past_prefix(struct slice prefix, char *out)
{
	size_t length = prefix.length;

	memcpy(out, prefix.data, length);
	while (length > 0 && (unsigned char)out[length - 1] == UINT8_MAX)
		length--;
	if (length > 0)
		out[length - 1]++;
	return length;
}

/* Stands at the last key that is at most `from`, or below `past`. */
static int
seek_back(MDB_cursor *cursor, struct slice from, struct slice past, MDB_val *k, MDB_val *v)
{
	struct slice start = from.length > 0 ? from : past;
	int rc;

	if (start.length == 0)
		return mdb_cursor_get(cursor, k, v, MDB_LAST);
	*k = val_of(start);
	rc = mdb_cursor_get(cursor, k, v, MDB_SET_RANGE);
	if (rc == MDB_NOTFOUND)
		return mdb_cursor_get(cursor, k, v, MDB_LAST);
	if (rc == 0 && from.length > 0 && slice_equal(slice_of_val(*k), from))
		return 0;
	return rc == 0 ? mdb_cursor_get(cursor, k, v, MDB_PREV) : rc;
}

void
txn_each_back(struct txn *txn, int table, struct slice prefix, struct slice from,
    bool (*each)(void *owner, struct slice key, struct slice value), void *owner)
{
	MDB_dbi dbi = table_of(txn, table);
	char past[KEY_BYTES];
	MDB_cursor *cursor;
	MDB_val k, v;
	int rc;

	ensure(prefix.length <= sizeof(past));
	if (!can_read(txn, dbi))
		return;
	rc = mdb_cursor_open(txn->mdb, dbi, &cursor);
	if (rc != 0) {
		txn_fail(txn, rc, "cannot read records");
		return;
	}
	rc = seek_back(cursor, from, slice_of(past, past_prefix(prefix, past)), &k, &v);
	while (rc == 0 && slice_starts_with(slice_of_val(k), prefix) &&
	    each(owner, slice_of_val(k), slice_of_val(v)))
		rc = mdb_cursor_get(cursor, &k, &v, MDB_PREV);
	mdb_cursor_close(cursor);
	if (rc != 0 && rc != MDB_NOTFOUND)
		txn_fail(txn, rc, "cannot read records");
}

bool
txn_last(struct txn *txn, int table, struct slice *key, struct slice *value)
{
	MDB_dbi dbi = table_of(txn, table);
	MDB_val k, v;
	MDB_cursor *cursor;
	int rc;

	if (!can_read(txn, dbi))
		return false;
	rc = mdb_cursor_open(txn->mdb, dbi, &cursor);
	if (rc == 0) {
		rc = mdb_cursor_get(cursor, &k, &v, MDB_LAST);
		mdb_cursor_close(cursor);
	}
	if (rc == 0) {
		*key = slice_of_val(k);
		*value = slice_of_val(v);
	} else if (rc != MDB_NOTFOUND) {
		txn_fail(txn, rc, "cannot read records");
	}
	return rc == 0;
}

uint64_t
txn_entries(struct txn *txn, int table)
{
	MDB_dbi dbi = table_of(txn, table);
	MDB_stat stat;

	if (txn->error != RESULT_OK || mdb_stat(txn->mdb, dbi, &stat) != 0)
		return 0;
	return stat.ms_entries;
}
