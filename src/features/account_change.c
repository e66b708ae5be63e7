/* account_change.c -- accounts made, changed and deleted for a stanza: keys from the thread pool, then the store. */
#include "features/account_change.h"

#include "auth/credentials.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "net/loop.h"
#include "routing/router.h"
#include "shm/slots.h"
#include "stream/server.h"

#define ALL_HASHES  ((1u << SCRAM_HASH_COUNT) - 1)
#define CHANGES_MAX 64	/* at once in one worker: more would only wait for the thread pool */
#define TRIES	    5	/* somebody else changed the account meanwhile */

/* In server->account_changes from its beginning until done() was called. */
struct account_change {
	struct account_change *next;
	struct server	      *server;
	struct waiting	      *waiting;	/* while the thread pool has it */
	struct slot_ref	       origin;
	enum store_verb	       verb;
	char		      *bare_jid;
	uint64_t	       account;
	account_more_fn	      *more;
	pending_fn	      *done;
	void		      *data;
	struct credentials     keys;
	uint32_t	       iterations;
	bool		       is_allowed;
	int		       tries;
	size_t		       password_length;
	char		       password[];
};

/* --- sessions --- */

struct ending {
	struct server  *server;
	uint64_t	account;
	enum slot_order order;
	struct slot_ref except;
	int		count;
};

static void
end_one(void *owner, struct slot_ref ref, struct slot *slot)
{
	struct ending *ending = owner;
	uint32_t type = atomic_load(&slot->type);

	if (atomic_load(&slot->account) != ending->account ||
	    (type != SLOT_C2S && type != SLOT_C2S_UNBOUND) ||
	    (ref.slot == ending->except.slot && ref.epoch == ending->except.epoch))
		return;
	if (slot_ask(ending->server->shm, ref, ending->order) == RESULT_OK)
		ending->count++;
}

/* The slots tell of those too that have logged in and not bound: the registry does not. */
int
account_end_sessions(struct server *server, uint64_t account, enum slot_order order,
    struct slot_ref except)
{
	struct ending ending = { server, account, order, except, 0 };

	slot_each(server->shm, SHM_NOBODY, end_one, &ending);
	return ending.count;
}

static void
end_all(struct server *server, void *data)
{
	struct slot_ref nobody = { UINT32_MAX, 0 };

	account_end_sessions(server, *(uint64_t *)data, ORDER_NOT_AUTHORIZED, nobody);
}

/* --- one change from its beginning to its end --- */

static bool
may_begin(struct server *server)
{
	int count = 0;

	for (struct account_change *change = server->account_changes; change != NULL;
	     change = change->next)
		count++;
	return count < CHANGES_MAX;
}

static struct account_change *
begin(struct stanza *stanza, struct slice bare_jid, size_t room, pending_fn *done,
    const void *data, size_t size)
{
	struct server *server = router_server(stanza->router);
	struct account_change *change = memory_new(sizeof(*change) + room);

	change->server = server;
	change->origin = stanza->origin;
	change->bare_jid = memory_copy_text(bare_jid);
	change->done = done;
	change->data = memory_new(size + 1);
	if (size > 0)
		memcpy(change->data, data, size);
	change->iterations = (uint32_t)server->config->scram_iterations;
	change->next = server->account_changes;
	server->account_changes = change;
	return change;
}

static void
unlink_change(struct account_change *change)
{
	struct account_change **place = &change->server->account_changes;

	while (*place != change)
		place = &(*place)->next;
	*place = change->next;
}

static void
forget(struct account_change *change)
{
	memory_wipe(&change->keys, sizeof(change->keys));
	memory_wipe(change->password, change->password_length);
	memory_free(change->bare_jid);
	memory_free(change->data);
	memory_free(change);
}

static int
finish(struct account_change *change, struct stanza *stanza, int result)
{
	int verdict;

	unlink_change(change);	/* what is done may be the first of many */
	verdict = change->done(stanza, result, change->data);
	if (result == RESULT_OK && change->verb == STORE_ACCOUNT_DELETE)
		router_after(stanza->router, end_all, &change->account, sizeof(change->account));
	else if (result == RESULT_OK && change->account != 0)
		account_end_sessions(change->server, change->account, ORDER_RESET,
		    change->origin);
	forget(change);
	return verdict;
}

/* --- asking the store --- */

/* What was changed meanwhile (disabled, or a login that added keys) stays; only the keys are new. */
static int
read_account(struct account_change *change, uint64_t *version, struct credentials *stored)
{
	struct store *core = change->server->core;
	struct txn *txn = store_read(core);
	struct account account;
	bool is_found = store_account(core, txn, slice_from_text(change->bare_jid), &account);
	int result = RESULT_OK;

	memset(stored, 0, sizeof(*stored));
	*version = 0;
	if (is_found && change->account == 0)
		result = RESULT_EXISTS;
	else if (change->account != 0 && (!is_found || account.id != change->account))
		result = RESULT_NOT_FOUND;
	else if (is_found)
		result = credentials_unpack(account.record, stored);
	if (is_found)
		*version = account.version;
	txn_end(&txn);
	return result;
}

static int on_answer(struct stanza *stanza, int result, void *data);

static int
ask(struct account_change *change, struct stanza *stanza)
{
	uint8_t record[CREDENTIALS_RECORD_MAX];
	struct store_change changes[1 + ACCOUNT_MORE_MAX] = { { .verb = change->verb } };
	struct credentials stored;
	int more = 0, verdict;
	int result = read_account(change, &changes[0].version, &stored);

	if (result == RESULT_OK && change->more != NULL) {
		more = change->more(stanza, change->data, changes + 1);
		result = more < 0 ? more : RESULT_OK;
	}
	if (result != RESULT_OK)
		return finish(change, stanza, result);
	changes[0].key = slice_from_text(change->bare_jid);
	if (change->verb == STORE_ACCOUNT_PUT) {
		memcpy(stored.scram, change->keys.scram, sizeof(stored.scram));
		changes[0].hashes = ALL_HASHES;
		changes[0].value = slice_of(record, credentials_pack(&stored, record));
	}
	verdict = pending_ask(stanza, STORE_CORE, changes, 1 + more, on_answer, &change,
	    sizeof(struct account_change *));
	memory_wipe(&stored, sizeof(stored));
	memory_wipe(record, sizeof(record));
	return verdict == STANZA_LATER ? verdict : finish(change, stanza, RESULT_FULL);
}

static int
on_answer(struct stanza *stanza, int result, void *data)
{
	struct account_change *change = *(struct account_change **)data;

	if (result == RESULT_CONFLICT && ++change->tries < TRIES)
		return ask(change, stanza);
	return finish(change, stanza, result);
}

/* --- in the thread pool --- */

static void
derive(void *job)
{
	struct account_change *change = job;

	change->is_allowed = credentials_derive(&change->keys, ALL_HASHES,
	    slice_of(change->password, change->password_length), change->iterations);
	memory_wipe(change->password, change->password_length);
}

static int
on_derived(struct stanza *stanza, int result, void *data)
{
	struct account_change *change = *(struct account_change **)data;

	return change->is_allowed ? ask(change, stanza) : finish(change, stanza, RESULT_INVALID);
}

static void
on_work_done(void *job)
{
	struct account_change *change = job;

	pending_release(change->server, &change->waiting, RESULT_OK);
}

/* What an answer needs of the stanza, and nothing that is secret. */
static struct stanza
outline(const struct stanza *stanza)
{
	static const char *const kept[] = { "type", "id", "from", "to" };
	struct stanza outline = *stanza;
	struct slice value;

	outline.payload = NULL;
	outline.element = element_new(stanza->arena, NS_CLIENT, "iq");
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		value = element_attribute(stanza->element, kept[i]);
		if (value.data != NULL)
			element_set(stanza->arena, outline.element, kept[i], value);
	}
	return outline;
}

int
account_change(struct stanza *stanza, const struct account_wish *wish, pending_fn *done,
    const void *data, size_t size)
{
	struct server *server = router_server(stanza->router);
	struct stanza kept = outline(stanza);
	struct account_change *change;

	if (!may_begin(server))
		return STANZA_RESOURCE_CONSTRAINT;
	change = begin(stanza, wish->bare_jid, wish->password.length, done, data, size);
	change->verb = STORE_ACCOUNT_PUT;
	change->account = wish->account;
	change->more = wish->more;
	change->password_length = wish->password.length;
	slice_copy(change->password, wish->password);
	change->waiting = pending_hold(&kept, on_derived, &change,
	    sizeof(struct account_change *));
	loop_work(server->loop, derive, on_work_done, change);
	return STANZA_LATER;
}

int
account_delete(struct stanza *stanza, struct slice bare_jid, uint64_t account,
    pending_fn *done, const void *data, size_t size)
{
	struct stanza kept = outline(stanza);
	struct account_change *change;

	if (!may_begin(router_server(stanza->router)))
		return STANZA_RESOURCE_CONSTRAINT;
	change = begin(stanza, bare_jid, 0, done, data, size);
	change->verb = STORE_ACCOUNT_DELETE;
	change->account = account;
	return ask(change, &kept);
}
