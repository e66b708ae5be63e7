/* offline_give.c -- gives the messages kept for an account to the one of its resources that claims them. */
#include "features/offline.h"

#include <endian.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "features/archive.h"
#include "net/timer.h"
#include "routing/pending.h"
#include "shm/effect.h"
#include "shm/registry.h"
#include "stream/server.h"
#include "xml/fragment.h"

/*
 * How a message is neither lost nor given to two. A resource that may have them claims a flag in the registry, which
 * one live session of an account can have; so a claim ends with its session, however that ends. The holder appends
 * a batch to its outbox, waits until all of it was given back (written, or acknowledged), has the store drop
 * it, and goes on; what it did not get so far stays for the next one. With nothing left it lets the claim go and
 * looks once more: who had asked for the claim in between has gone away, and what was kept meanwhile is there now.
 */
#define BATCH_MESSAGES 64
#define BATCH_BYTES    (256u << 10)
#define STRANGERS      64	/* forgotten at once */
#define TRY_AGAIN_MS   100	/* when the store's ring or the arena had no room */

enum step { STEP_READ, STEP_GIVEN, STEP_DROPPED };

/* What a holder waits for; in session->private. */
struct taking {
	struct session *session;
	enum step	step;
	uint64_t	last;	/* number of the newest message of the batch */
	uint64_t	entry;	/* that carries it */
	int		stranger_count;	/* all has been read, and these need not be counted any more */
	struct offline_key strangers[STRANGERS];
	struct timer	timer;
};

static bool
has_messages(struct server *server, uint64_t account)
{
	return offline_count(server, account) > 0;
}

/* The key of an entry in a stranger's queue. */
struct stranger_key {
	struct offline_key queue;
	uint64_t	   number;	/* all of them */
};

/* --- the claim --- */

static bool
is_willing(const struct session *session)
{
	return session->available && session->priority >= 0 && !session->ending;
}

static bool
claim(struct session *session)
{
	int result = registry_claim(session->server->registry, session->account,
	    session->jid.resource, session->ref, SLOT_TAKES_OFFLINE);

	if (result != RESULT_OK)
		return false;
	atomic_fetch_or(&session->slot->flags, SLOT_TAKES_OFFLINE);
	return true;
}

void
offline_forget(struct session *session)
{
	struct taking *taking = session->private[PRIVATE_OFFLINE];

	if (taking == NULL)
		return;
	session->private[PRIVATE_OFFLINE] = NULL;
	timer_stop(session->server->timers, &taking->timer);
	memory_free(taking);
}

static void
let_go(struct session *session)
{
	session_set_flags(session, SLOT_TAKES_OFFLINE, false);
	offline_forget(session);
}

/*
 * The claim was made in another process: how far it came, the outbox tells, and the slot of what was given back since.
 * Where nothing had been appended, dropping all up to 0 does no harm.
 */
static struct taking *
take_up(struct session *session)
{
	struct taking *taking = NEW(struct taking);

	taking->session = session;
	taking->step = STEP_GIVEN;
	if (!outbox_stored(session->server->shm, session->ref, UINT64_MAX, &taking->entry,
		&taking->last))
		taking->last = atomic_load(&session->slot->offline_given);
	return taking;
}

static struct taking *
begin(struct session *session)
{
	struct taking *taking;

	if (atomic_load(&session->slot->flags) & SLOT_TAKES_OFFLINE)
		return take_up(session);
	if (!is_willing(session) || !has_messages(session->server, session->account) ||
	    !claim(session))
		return NULL;
	atomic_store(&session->slot->offline_given, 0);
	taking = NEW(struct taking);
	taking->session = session;
	return taking;
}

static void
on_timer(struct timer *timer, void *parameter)
{
	struct taking *taking = parameter;

	session_look(taking->session->server, taking->session->ref);
}

static void
try_later(struct taking *taking)
{
	timer_start(taking->session->server->timers, &taking->timer, TRY_AGAIN_MS, on_timer,
	    taking);
}

/* --- a batch --- */

struct batch {
	struct session *session;
	struct taking  *taking;
	uint64_t	last;
	uint32_t	count;
	size_t		bytes;
	bool		is_cut;	/* there are more */
	int		result;
};

static void
note_stranger(struct taking *taking, struct slice key)
{
	if (key.length == sizeof(struct offline_key) && taking->stranger_count < STRANGERS)
		memcpy(&taking->strangers[taking->stranger_count++], key.data, key.length);
}

/* R27: who has asked for its archive finds it there. What is in no archive comes all the same. */
static bool
is_found_elsewhere(const struct session *session, struct slice message)
{
	struct element *element;
	struct arena arena;
	bool is_found;

	if (!session->reads_archive)
		return false;
	arena_init(&arena);
	element = fragment_read(&arena, message);
	is_found = element != NULL && archive_has_id(element, session->jid.bare);
	arena_clear(&arena);
	return is_found;
}

static int
append_message(struct batch *batch, struct slice message)
{
	struct shm *shm = batch->session->server->shm;
	struct effect_piece piece = { .length = (uint32_t)message.length };
	char *memory;
	int result = effect_stage(shm, piece.length, &memory, &piece.offset);

	if (result != RESULT_OK)
		return result;
	memcpy(memory, message.data, message.length);
	batch->bytes += message.length;
	result = effect_add(shm, batch->session->ref, ENTRY_MESSAGE, ENTRY_STORED, &piece, 1);
	if (result == RESULT_OK)
		effect_tells(shm, STEP_TELLS_STORED, batch->last);
	return result;
}

static bool
append(void *owner, struct slice key, struct slice value, uint64_t version)
{
	struct batch *batch = owner;

	if (key.length != 2 * sizeof(uint64_t)) {
		note_stranger(batch->taking, key);
		return true;
	}
	if (batch->count == BATCH_MESSAGES ||
	    (batch->count > 0 && batch->bytes + value.length > BATCH_BYTES)) {
		batch->is_cut = true;
		return false;
	}
	batch->last = store_queue_number(key);
	if (!is_found_elsewhere(batch->session, value))
		batch->result = append_message(batch, value);
	batch->count++;
	return batch->result == RESULT_OK;
}

/* The oldest messages, all as one effect; RESULT_NOT_FOUND: there are none. */
static int
append_batch(struct session *session, struct taking *taking)
{
	struct server *server = session->server;
	struct slot_ref nobody = { UINT32_MAX, 0 };
	uint64_t name = htobe64(session->account);
	struct batch batch = { .session = session, .taking = taking };
	struct txn *txn;

	taking->stranger_count = 0;
	effect_draft(server->shm, nobody, 0, false);
	txn = store_read(server->msg);
	store_each(server->msg, txn, STORE_OFFLINE, slice_of(&name, sizeof(name)), append,
	    &batch);
	txn_end(&txn);
	if (batch.count == 0)
		return RESULT_NOT_FOUND;
	if (batch.is_cut)
		taking->stranger_count = 0;
	if (batch.result == RESULT_OK && effect_run(server->shm) < 0)
		batch.result = RESULT_FULL;
	taking->last = batch.last;
	taking->entry = atomic_load(&session->slot->out_next);
	return batch.result;
}

struct dropping {
	struct slot_ref session;
	uint64_t	account;
};

/* Who was to get the rest has left meanwhile: another one may have it now. */
static void
pass_on(struct server *server, uint64_t account)
{
	if (has_messages(server, account))
		offline_tell_willing(server, account);
}

static int
on_dropped(struct stanza *stanza, int result, void *data)
{
	struct dropping *dropping = data;
	struct server *server = router_server(stanza->router);
	struct session *session = session_find(server, dropping->session);
	struct taking *taking = session == NULL ? NULL : session->private[PRIVATE_OFFLINE];

	if (taking == NULL) {
		pass_on(server, dropping->account);
		return STANZA_DONE;
	}
	taking->step = result == RESULT_OK ? STEP_READ : STEP_GIVEN;
	if (result == RESULT_OK) {
		session_look(server, dropping->session);
		session_look_at_rest(server, dropping->session);
	} else {
		log_warn(LOG_ROUTING, "offline messages not dropped", "sid=%s reason=\"%s\"",
		    session->id, result_text(result));
		try_later(taking);
	}
	return STANZA_DONE;
}

#define CHANGES_MAX (1 + 2 * STRANGERS)

/* All entries of a stranger's queue, then what the store keeps of the queue itself. */
static int
forget_strangers(const struct taking *taking, struct stranger_key *keys,
    struct store_change *changes)
{
	int count = 0;

	for (int i = 0; i < taking->stranger_count; i++) {
		keys[i] = (struct stranger_key){ taking->strangers[i], UINT64_MAX };
		changes[count++] = (struct store_change){ .verb = STORE_QUEUE_DROP,
			.table = STORE_OFFLINE,
			.key = slice_of(&keys[i], sizeof(keys[i])) };
		changes[count++] = (struct store_change){ .verb = STORE_SET,
			.table = STORE_OFFLINE,
			.version = STORE_ANY_VERSION,
			.key = slice_of(&keys[i].queue, sizeof(keys[i].queue)) };
	}
	return count;
}

/* Nobody's stanza: what the store's answer finds it by. */
static bool
ask_to_drop(struct session *session, const struct taking *taking)
{
	uint64_t key[2] = { htobe64(session->account), htobe64(taking->last) };
	struct stranger_key keys[STRANGERS];
	struct store_change changes[CHANGES_MAX] = { { .verb = STORE_QUEUE_DROP,
	    .table = STORE_OFFLINE,
	    .key = slice_of(key, sizeof(key)) } };
	int count = 1 + forget_strangers(taking, keys, changes + 1);
	struct dropping dropping = { session->ref, session->account };
	struct arena arena;
	struct stanza stanza = { .router = session->server->router,
		.arena = &arena,
		.kind = KIND_MESSAGE,
		.from = session->jid,
		.origin = { UINT32_MAX, 0 } };
	int verdict;

	arena_init(&arena);
	stanza.element = element_new(&arena, NS_CLIENT, "message");
	verdict = pending_ask(&stanza, STORE_MSG, changes, count, on_dropped, &dropping,
	    sizeof(dropping));
	arena_clear(&arena);
	return verdict == STANZA_LATER;
}

/* --- step by step --- */

static bool
was_given(const struct session *session, const struct taking *taking)
{
	return (atomic_load(&session->slot->out_acked) >> 1) >= taking->entry;
}

static void
drop_given(struct session *session, struct taking *taking)
{
	if (!was_given(session, taking))
		session_look_after(session, taking->entry);
	else if (ask_to_drop(session, taking))
		taking->step = STEP_DROPPED;
	else
		try_later(taking);
}

/* A nearly full outbox gives its memory to what comes live. */
static bool
has_room(const struct session *session)
{
	return outbox_bytes(session->slot) <
	    (uint64_t)session->server->config->outbox_bytes / 2;
}

static void
read_on(struct session *session, struct taking *taking)
{
	struct server *server = session->server;
	uint64_t account = session->account;
	bool was_willing = is_willing(session);
	int result = was_willing && has_room(session) ? append_batch(session, taking)
	    : was_willing			      ? RESULT_FULL
						      : RESULT_NOT_FOUND;

	if (result == RESULT_OK) {
		taking->step = STEP_GIVEN;
		session_look_after(session, taking->entry);
		return;
	}
	if (result != RESULT_NOT_FOUND) {
		try_later(taking);
		return;
	}
	let_go(session);
	if (!was_willing)
		pass_on(server, account);
	else if (has_messages(server, account))
		session_look(server, session->ref);
}

void
offline_give(struct session *session)
{
	struct taking *taking = session->private[PRIVATE_OFFLINE];

	if (taking == NULL)
		taking = session->private[PRIVATE_OFFLINE] = begin(session);
	if (taking == NULL)
		return;
	if (taking->step == STEP_READ)
		read_on(session, taking);
	else if (taking->step == STEP_GIVEN)
		drop_given(session, taking);
}

static bool
note_first(void *owner, struct slice key, struct slice value, uint64_t version)
{
	if (key.length != 2 * sizeof(uint64_t))
		return true;
	*(uint64_t *)owner = store_queue_number(key);
	return false;
}

/* Of the messages kept for an account; UINT64_MAX: there are none. */
static uint64_t
oldest(struct server *server, uint64_t account)
{
	uint64_t name = htobe64(account);
	uint64_t number = UINT64_MAX;
	struct txn *txn = store_read(server->msg);

	store_each(server->msg, txn, STORE_OFFLINE, slice_of(&name, sizeof(name)), note_first,
	    &number);
	txn_end(&txn);
	return number;
}

/* Those that its client has got: the rest stays, whatever was appended. */
static void
drop_what_was_given(struct session *session, struct taking *taking, uint64_t last)
{
	if (taking->last != last)
		taking->stranger_count = 0;
	taking->last = last;
	if (ask_to_drop(session, taking))
		taking->step = STEP_DROPPED;
	else
		try_later(taking);
}

/*
 * How far its client has got. What was written need not have arrived: where it does not acknowledge, all of a batch was
 * written, or none counts. What is handed on later must not be taken for it, so the slot remembers.
 */
static uint64_t
given(const struct session *session, const struct taking *taking)
{
	struct slot *slot = session->slot;

	if ((atomic_load(&slot->flags) & SLOT_MANAGED) == 0 &&
	    (taking == NULL || (taking->step == STEP_GIVEN && !was_given(session, taking))))
		atomic_store(&slot->offline_given, 0);
	return atomic_load(&slot->offline_given);
}

/* Also of a session whose worker died: its slot says that it had the claim. */
bool
offline_let_go(struct session *session)
{
	struct server *server = session->server;
	struct taking *taking = session->private[PRIVATE_OFFLINE];
	uint64_t account = session->account;
	uint64_t last;

	if ((atomic_load(&session->slot->flags) & SLOT_TAKES_OFFLINE) == 0)
		return true;
	last = given(session, taking);
	if (taking == NULL)
		taking = session->private[PRIVATE_OFFLINE] = take_up(session);
	if (taking->step == STEP_DROPPED || timer_is_armed(&taking->timer))
		return false;
	if (oldest(server, account) <= last) {
		drop_what_was_given(session, taking, last);
		return false;
	}
	atomic_fetch_and(&session->slot->flags, ~(uint32_t)SLOT_TAKES_OFFLINE);
	offline_forget(session);
	pass_on(server, account);
	return true;
}

uint64_t
offline_count(struct server *server, uint64_t account)
{
	uint64_t name = htobe64(account);
	struct store_queue queue;
	struct txn *txn;

	if (server->msg == NULL)
		return 0;
	txn = store_read(server->msg);
	store_queue(server->msg, txn, STORE_OFFLINE, slice_of(&name, sizeof(name)), &queue);
	txn_end(&txn);
	return queue.entries;
}
