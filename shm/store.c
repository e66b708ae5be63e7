/* store.c -- the durable data: its tables, its opening, and what it knows of itself. */
#include "shm/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/ensure.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/result.h"
#include "shm/layout.h"
#include "shm/store_folder.h"
#include "shm/store_record.h"

#define READERS (PROCESSES_MAX + 56)	/* the server's processes, and tools */

/* Sanitizers leave less of the address space. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || \
    __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif
#ifdef HAS_SANITIZER
#define MAP_SIZE (64ull << 30)
#else
#define MAP_SIZE (1ull << 40)
#endif

static const char *const core_tables[] = {
	[TABLE_META] = "meta",
	[TABLE_APPLIED] = "applied",
	[TABLE_ACCOUNT] = "account",
	[TABLE_ACCOUNT_HOST] = "account_by_host",
	[TABLE_HOST] = "host",
	[STORE_ROSTER] = "roster",
	[STORE_BLOCKLIST] = "blocklist",
	[STORE_PEP] = "pep",
	[STORE_ROOM] = "room",
	[STORE_PUSH] = "push",
	[STORE_DATA] = "data",
	[STORE_DELETED] = "deleted",
};

static const char *const msg_tables[] = {
	[TABLE_META] = "meta",
	[TABLE_APPLIED] = "applied",
	[STORE_STANZA] = "stanza",
	[STORE_ARCHIVE] = "archive",
	[STORE_OFFLINE] = "offline",
	[STORE_PREFERENCES] = "preferences",
	[TABLE_JOURNAL] = "journal",
};

static const struct kind_row {
	const char	  *name;
	const char	  *aside;	/* while it is made */
	const char	  *lock;
	const char *const *tables;
	int		   count;
} kinds[STORE_COUNT] = {
	[STORE_CORE] = { "core", "core.new", "core.lock", core_tables,
	    sizeof(core_tables) / sizeof(core_tables[0]) },
	[STORE_MSG] = { "msg", "msg.new", "msg.lock", msg_tables,
	    sizeof(msg_tables) / sizeof(msg_tables[0]) },
};

/* --- opening --- */

static uint64_t map_size;

void
store_set_map_size(uint64_t bytes)
{
	/* What a sanitizer leaves of the address space is its own limit. */
	map_size = bytes < MAP_SIZE ? bytes : MAP_SIZE;
}

static int
fail(const char *event, const char *path, int result)
{
	log_error(LOG_STORE, event, "path=%s reason=\"%s\"", path,
	    result == RESULT_FAILED ? strerror(errno) : result_text(result));
	return result;
}

/* Gone with the process, however it ends. */
static int
take_lock(struct store *store, const char *data_dir)
{
	char path[600];

	if (snprintf(path, sizeof(path), "%s/%s", data_dir, kinds[store->kind].lock) >=
	    (int)sizeof(path))
		return fail("path too long", data_dir, RESULT_INVALID);
	store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->lock_fd < 0)
		return fail("cannot open the lock", path, RESULT_FAILED);
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return RESULT_OK;
	return errno == EWOULDBLOCK ? RESULT_DENIED : fail("cannot lock", path, RESULT_FAILED);
}

static struct slice
meta_key(const char *name)
{
	return slice_from_text(name);
}

static int
make_meta(struct store *store)
{
	struct txn *txn = txn_write(store->env);
	uint8_t secret[STORE_SECRET_MAX];
	struct hash_key hash_key;
	struct slice value;

	if (txn_get(txn, TABLE_META, meta_key("secret"), &value)) {
		txn_end(&txn);
		return RESULT_OK;
	}
	random_bytes(secret, sizeof(secret));
	random_bytes(&hash_key, sizeof(hash_key));
	txn_put(txn, TABLE_META, meta_key("hash_key"), slice_of(&hash_key, sizeof(hash_key)));
	store_meta_set_u64(txn, "next_account", 1);
	store_meta_set_u64(txn, "version", 0);
	txn_put(txn, TABLE_META, meta_key("secret"), slice_of(secret, sizeof(secret)));
	memory_wipe(secret, sizeof(secret));
	return txn_commit(&txn);
}

/* Of a made directory both are there: whoever asks for them later need not look. */
static int
read_keys(struct store *store, struct txn *txn)
{
	struct slice hash_key, secret;

	if (!txn_get(txn, TABLE_META, meta_key("hash_key"), &hash_key) ||
	    !txn_get(txn, TABLE_META, meta_key("secret"), &secret))
		return txn_error(txn) != RESULT_OK ? txn_error(txn) : RESULT_NOT_FOUND;
	if (hash_key.length != sizeof(store->hash_key) || secret.length != STORE_SECRET_MAX)
		return RESULT_CORRUPT;
	memcpy(&store->hash_key, hash_key.data, sizeof(store->hash_key));
	return RESULT_OK;
}

static int
check_meta(struct store *store)
{
	struct txn *txn = store_read(store);
	int result = read_keys(store, txn);

	txn_end(&txn);
	return result;
}

static int
open_env(struct store *store, const char *data_dir, const char *name, bool writer)
{
	const struct kind_row *kind = &kinds[store->kind];
	char directory[512];
	struct env_options options = {
		.directory = directory,
		.flags = writer ? ENV_CREATE : ENV_READ_ONLY,
		.map_size = map_size != 0 ? map_size : MAP_SIZE,
		.readers = READERS,
		.tables = kind->tables,
		.table_count = kind->count,
		.layout = STORE_LAYOUT,
	};
	int result;

	if (snprintf(directory, sizeof(directory), "%s/%s", data_dir, name) >=
	    (int)sizeof(directory))
		return fail("path too long", data_dir, RESULT_INVALID);
	result = env_open(&options, &store->env);
	if (result == RESULT_OK && writer)
		result = make_meta(store);
	if (result == RESULT_OK)
		result = check_meta(store);
	return result;
}

/* The names are on disk before anything in it is acknowledged; who gave them may have died before it asked for that. */
static int
make_env(struct store *store, const char *data_dir)
{
	const struct kind_row *kind = &kinds[store->kind];
	int result = RESULT_OK;

	if (!store_folder_is_there(data_dir, kind->name)) {
		result = store_folder_begin(data_dir, kind->aside);
		if (result == RESULT_OK)
			result = open_env(store, data_dir, kind->aside, true);
		env_close(&store->env);
		if (result == RESULT_OK)
			result = store_folder_finish(data_dir, kind->aside, kind->name);
	}
	return result == RESULT_OK ? store_folder_sync(data_dir) : result;
}

static struct hash128
hash_name(const struct store *store, struct slice name)
{
	return hash128(&store->hash_key, name);
}

int
store_open(const char *data_dir, enum store_kind kind, bool writer, struct store **out)
{
	struct store *store = NEW(struct store);
	int result = RESULT_OK;

	store->kind = kind;
	store->lock_fd = -1;
	store->hash = hash_name;
	if (writer && kind == STORE_MSG)
		store->journal = store_journal_new();
	if (writer)
		result = store_folder_make(data_dir);
	if (result == RESULT_OK && writer)
		result = take_lock(store, data_dir);
	if (result == RESULT_OK && writer)
		result = make_env(store, data_dir);
	if (result == RESULT_OK)
		result = open_env(store, data_dir, kinds[kind].name, writer);
	if (result != RESULT_OK) {
		store_close(&store);
		return result;
	}
	*out = store;
	return RESULT_OK;
}

void
store_close(struct store **pointer)
{
	struct store *store = *pointer;

	if (store == NULL)
		return;
	store_journal_free(&store->journal);
	store_view_free(&store->view);
	env_close(&store->env);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	memory_free(store);
	*pointer = NULL;
}

struct txn *
store_read(struct store *store)
{
	return txn_read(store->env);
}

struct env *
store_env(struct store *store)
{
	return store->env;
}

/* --- meta --- */

bool
store_meta_u64(struct txn *txn, const char *name, uint64_t *number)
{
	struct slice value;

	if (!txn_get(txn, TABLE_META, meta_key(name), &value) || value.length != sizeof(*number))
		return false;
	memcpy(number, value.data, sizeof(*number));
	return true;
}

void
store_meta_set_u64(struct txn *txn, const char *name, uint64_t number)
{
	txn_put(txn, TABLE_META, meta_key(name), slice_of(&number, sizeof(number)));
}

void
store_secret(struct store *store, struct txn *txn, uint8_t out[32])
{
	struct slice value;

	ensure(txn_get(txn, TABLE_META, meta_key("secret"), &value));
	ensure(value.length == STORE_SECRET_MAX);
	memcpy(out, value.data, STORE_SECRET_MAX);
}
