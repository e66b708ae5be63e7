/* records_fuzz.c -- what stands in stores and registry, of any bytes there may be: nobody who reads it believes a length. */
#include <endian.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "auth/credentials.h"
#include "base/ensure.h"
#include "base/log.h"
#include "base/result.h"
#include "ctl/fsck_kept.h"
#include "features/archive_record.h"
#include "features/blocking_list.h"
#include "features/pep_list.h"
#include "features/pep_store.h"
#include "features/push_store.h"
#include "features/roster_item.h"
#include "features/roster_record.h"
#include "shm/registry_record.h"
#include "shm/registry_resume.h"
#include "shm/slots.h"
#include "shm/store_record.h"
#include "shm/store_request.h"
#include "stream/server.h"
#include "tests/folder.h"

/*
 * The first byte says what follows: bytes of one record, or (STORED kinds) a table, a key's length, the key, and the value. What
 * stood there before is put back.
 */
enum { REQUEST_CORE, REQUEST_MSG, UNPACK, CORE, MSG, REGISTRY, PUSH, ACCOUNT, KINDS };

#define ACCOUNT_ID 1
#define BARE	   "romeo@localhost"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[64];
static struct shm *shm;
static struct registry *registry;
static struct slot_ref session;
static struct server server;
static struct arena arena;

/* --- stores and a registry with one account and its session --- */

static int
remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static void
clear_all(void)
{
	store_close(&server.core);
	store_close(&server.msg);
	registry_close(&registry);
	shm_detach(&shm);
	nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
bind_session(void)
{
	struct bind_request request = { .account = ACCOUNT_ID,
		.bare_jid = SLICE(BARE),
		.resource = SLICE("orchard"),
		.sessions_max = 5 };
	struct bind_answer answer;

	ensure(slot_take(shm, &session) == RESULT_OK);
	request.session = session;
	ensure(registry_bind(registry, &request, &answer) == RESULT_OK);
}

static void
make_all(void)
{
	struct shm_options options = { directory, 1, 8, 1 << 20 };
	struct store_change account = { .verb = STORE_ACCOUNT_PUT,
		.key = SLICE(BARE),
		.value = SLICE("record") };
	uint64_t id;

	log_to_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
	ensure(folder_make(directory, "/dev/shm"));
	atexit(clear_all);
	store_set_map_size(1 << 30);
	ensure(shm_create(&options, &shm) == RESULT_OK);
	shm_join(shm, 0);
	ensure(registry_open(shm, true, false, &registry) == RESULT_OK);
	ensure(store_open(directory, STORE_CORE, true, &server.core) == RESULT_OK);
	ensure(store_open(directory, STORE_MSG, true, &server.msg) == RESULT_OK);
	ensure(store_apply(server.core, &account, 1, &id) == RESULT_OK && id == ACCOUNT_ID);
	bind_session();
}

/* --- records by themselves --- */

static void
read_request(struct store *store, struct slice bytes)
{
	static struct store_change changes[STORE_CHANGES_MAX];
	struct store_apply apply;
	struct request_head head;
	uint64_t account;

	store_request_place(bytes);
	if (store_request_read(bytes, &head, changes) != RESULT_OK)
		return;
	ensure(head.count <= STORE_CHANGES_MAX);
	store_apply_begin(&apply, store);
	store_apply_request(&apply, changes, (int)head.count, &account);
	store_apply_give_up(&apply);
}

static void
unpack_roster(struct slice bytes)
{
	struct roster_item item;
	struct slice jid;
	uint64_t account;
	unsigned flags;
	enum roster_kind kind;

	roster_key_read(bytes, &account, &kind);
	if (!roster_item_unpack(bytes, &item))
		return;
	ensure(slice_equal(roster_item_pack(&arena, &item, true), bytes));
	ensure(roster_item_peek(bytes, &jid, &flags) && slice_equal(jid, item.jid));
	roster_item_size(&arena, &item);
}

static void
unpack_node(struct slice bytes)
{
	struct pep_node node = { .name = SLICE_EMPTY };

	if (pep_node_unpack(bytes, &node))
		ensure(pep_node_unpack(pep_node_pack(&arena, &node), &node));
}

static void
unpack_list(struct slice bytes)
{
	struct blocking_list list;
	struct slice jids[] = { SLICE("juliet@localhost"), SLICE("a") };
	struct jid jid;

	if (blocking_list_open(bytes, &list))
		for (uint32_t i = 0; i < list.count; i++)
			blocking_list_has(&list, blocking_list_at(&list, i));
	jid_split(SLICE("juliet@localhost/balcony"), &jid);
	blocking_list_matches(&list, &jid);
	blocking_list_add(&arena, &list, jids, 2);
	blocking_list_remove(&arena, &list, jids, 2);
}

static void
unpack(struct slice bytes)
{
	struct archive_record record;
	struct credentials credentials;
	struct registry_session found;
	struct session_key key = session_key(1, 2);

	if (archive_unpack(bytes, &record))
		ensure(slice_equal(archive_pack(&arena, &record), bytes));
	unpack_roster(bytes);
	unpack_node(bytes);
	unpack_list(bytes);
	credentials_unpack(bytes, &credentials);
	session_record_read(session_key_slice(&key), bytes, &found);
}

/* --- records among others --- */

static void
check(void)
{
	struct fsck *fsck = fsck_new(true);
	struct fsck_account account = { ACCOUNT_ID, SLICE(BARE) };
	struct fsck_accounts accounts = { &account, 1, 1 };
	const struct fsck_finding *findings;
	struct txn *txn = store_read(server.msg);
	size_t more;

	fsck_pass(fsck);
	fsck_messages(fsck, server.msg, txn, &accounts);
	txn_end(&txn);
	fsck_stores(fsck, server.core, server.msg);
	fsck_registry(fsck, registry, server.core);
	fsck_end(fsck);
	fsck_findings(fsck, &findings, &more);
	fsck_free(&fsck);
}

static bool
on_account(void *owner, const struct account *account)
{
	return ++*(int *)owner < 100 && account->jid.length < 4096;
}

static void
read_core(void)
{
	struct txn *txn = store_read(server.core);
	struct store_deleted deleted;
	struct account account;
	uint64_t accounts;
	int count = 0;

	store_account(server.core, txn, SLICE(BARE), &account);
	store_account_id(server.core, txn, SLICE("nobody@localhost"));
	store_host_hashes(server.core, txn, SLICE("localhost"), &accounts);
	store_accounts(server.core, txn, SLICE("localhost"), on_account, &count);
	store_deleted(server.core, txn, 0, &deleted);
	txn_end(&txn);
}

static void
read_nodes(void)
{
	struct txn *txn = store_read(server.core);
	struct pep_node *nodes;
	struct pep_item *items;
	struct pep pep;
	int count;

	pep_read(&pep, &server, &arena, txn, ACCOUNT_ID);
	count = pep_nodes(&pep, &nodes);
	for (int i = 0; i < count; i++)
		pep_items(&pep, &nodes[i], &items);
	txn_end(&txn);
}

static bool
on_entry(void *owner, uint64_t place, const struct store_entry *entry)
{
	(void)place;
	(void)entry;
	return ++*(int *)owner < 100;
}

static void
read_msg(void)
{
	static const char list[ARCHIVE_LIST_SIZE] = { 0, 0, 0, 0, 0, 0, 0, ACCOUNT_ID };
	struct txn *txn = store_read(server.msg);
	struct archive_record record;
	struct archive_item item;
	struct store_queue queue;
	int count = 0;

	store_queue(server.msg, txn, STORE_OFFLINE, slice_of(list, 8), &queue);
	store_each_entry(server.msg, txn, STORE_ARCHIVE, slice_of(list, sizeof(list)), 0,
	    UINT64_MAX, false, on_entry, &count);
	count = 0;
	store_each_entry(server.msg, txn, STORE_ARCHIVE, slice_of(list, sizeof(list)), 0,
	    UINT64_MAX, true, on_entry, &count);
	archive_has(server.msg, txn, ACCOUNT_ID, 1, &item);
	archive_read(server.msg, txn, 1, &record);
	txn_end(&txn);
	store_view_free(&server.msg->view);
}

static bool
on_directed(void *owner, struct slice bare, struct slice address)
{
	return slice_starts_with(address, bare) || ++*(int *)owner < 100;
}

static bool
on_session(void *owner, const struct registry_session *found)
{
	return ++*(int *)owner < 100 && found->resource.length <= REGISTRY_RESOURCE_MAX;
}

static void
read_registry(void)
{
	struct txn *txn = registry_read(registry);
	struct registry_session found;
	struct resumable resumable;
	struct route routes[8];
	struct slice presence;
	int count = 0;

	registry_find(registry, txn, ACCOUNT_ID, routes, 8);
	registry_find_resource(registry, txn, ACCOUNT_ID, SLICE("orchard"), routes);
	registry_presence(registry, txn, ACCOUNT_ID, routes[0].resource_hash, &presence);
	registry_directed(registry, txn, session, on_directed, &count);
	registry_each(registry, txn, on_session, &count);
	registry_session_of(registry, txn, session, &found);
	registry_resumable(registry, txn, ACCOUNT_ID, SLICE("AAAAAAAAAAAAAAAAAAAAAAAA"),
	    &resumable);
	txn_end(&txn);
	registry_check(registry);
}

/* The writer's own view of the journal is that of the disk again. */
static void
apply_entry(void)
{
	static const char key[ARCHIVE_KEY_SIZE] = { 0, 0, 0, 0, 0, 0, 0, ACCOUNT_ID };
	struct store_change entry = { .verb = STORE_ENTER,
		.table = STORE_ARCHIVE,
		.hashes = 10,
		.key = slice_of(key, sizeof(key)) };
	struct store_change add = { .verb = STORE_QUEUE_ADD,
		.table = STORE_OFFLINE,
		.hashes = 10,
		.version = 1000,
		.key = slice_of(key, 8),
		.value = SLICE("message") };
	struct store_apply apply;
	uint64_t account;

	store_journal_free(&server.msg->journal);
	server.msg->journal = store_journal_new();
	store_apply_begin(&apply, server.msg);
	store_apply_request(&apply, &entry, 1, &account);
	store_apply_request(&apply, &add, 1, &account);
	store_apply_give_up(&apply);
	store_journal_free(&server.msg->journal);
	server.msg->journal = store_journal_new();
}

static void
put_raw(struct env *env, int table, struct slice key, struct slice value, bool is_kept)
{
	struct txn *txn = txn_write(env);

	if (is_kept)
		txn_put(txn, table, key, value);
	else
		txn_delete(txn, table, key);
	txn_commit(&txn);
}

/* Reads everything with that record in the way, then puts back what stood there. */
static void
with_record(struct env *env, int table, struct slice key, struct slice value, void (*read)(void))
{
	struct txn *txn = txn_read(env);
	struct slice old = SLICE_EMPTY;
	bool was_there = txn_get(txn, table, key, &old);

	old = arena_copy(&arena, old);
	txn_end(&txn);
	put_raw(env, table, key, value, true);
	read();
	check();
	put_raw(env, table, key, old, was_there);
}

static void
read_stored_core(void)
{
	read_core();
	read_nodes();
}

static void
read_stored_msg(void)
{
	read_msg();
	apply_entry();
}

static void
read_push(void)
{
	struct push_services *services = push_read(&server, &arena, ACCOUNT_ID);

	for (int i = 0; i < services->count; i++) {
		struct slice id = push_id(services, &services->service[i]);

		push_find_id(services, id);
	}
	if (services->count > 0)
		push_remove(services, push_find(services, services->service[0].jid,
					  services->service[0].node));
	push_change(services);
}

/* The record of the account's name, and the host's: where they are is a hash. */
static void
with_named(int table, size_t fixed, const char *name, struct slice value)
{
	struct txn *txn = store_read(server.core);
	struct named_record record;

	ensure(store_named(server.core, txn, table, fixed, slice_from_text(name), &record));
	txn_end(&txn);
	with_record(store_env(server.core), table,
	    slice_of(record.key.bytes, sizeof(record.key.bytes)), value, read_core);
}

static void
stored(struct env *env, int tables, struct slice rest, void (*read)(void))
{
	struct slice key;
	int table;
	size_t length;

	if (rest.length < 2)
		return;
	table = (uint8_t)rest.data[0] % tables;
	length = (uint8_t)rest.data[1];
	rest = slice_after(rest, 2);
	if (length == 0 || length > rest.length)
		return;
	key = slice_of(rest.data, length);
	with_record(env, table, key, slice_after(rest, length), read);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t account = htobe64(ACCOUNT_ID);
	struct slice rest;

	if (shm == NULL)
		make_all();
	if (size == 0 || size > 16384)
		return 0;
	rest = slice_of(data + 1, size - 1);
	arena_init(&arena);
	switch (data[0] % KINDS) {
	case REQUEST_CORE:
		read_request(server.core, rest);
		break;
	case REQUEST_MSG:
		read_request(server.msg, rest);
		break;
	case UNPACK:
		unpack(rest);
		break;
	case CORE:
		stored(store_env(server.core), STORE_DELETED + 1, rest, read_stored_core);
		break;
	case MSG:
		stored(store_env(server.msg), TABLE_JOURNAL + 1, rest, read_stored_msg);
		break;
	case REGISTRY:
		stored(registry->env, REGISTRY_TABLES, rest, read_registry);
		break;
	case PUSH:
		with_record(store_env(server.core), STORE_PUSH,
		    slice_of(&account, sizeof(account)), rest, read_push);
		break;
	case ACCOUNT:
		with_named(TABLE_ACCOUNT, sizeof(struct account_record), BARE, rest);
		with_named(TABLE_HOST, sizeof(struct host_record), "localhost", rest);
		break;
	}
	arena_clear(&arena);
	return 0;
}
