/* offline_give.c -- gives the messages kept for an account to the one of its resources that claims them. */
#include "features/offline_taking.h"

#include <endian.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "features/archive.h"
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
#define TRY_AGAIN_MS   100	/* when the store's ring or the arena had no room */

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
struct taking *
offline_take_up(struct session *session)
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
		return offline_take_up(session);
	if (!is_willing(session) || !offline_has_messages(session->server, session->account) ||
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

void
offline_try_later(struct taking *taking)
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

/* --- step by step --- */

static void
drop_given(struct session *session, struct taking *taking)
{
	if (!offline_was_given(session, taking))
		session_look_after(session, taking->entry);
	else if (offline_ask_to_drop(session, taking))
		taking->step = STEP_DROPPED;
	else
		offline_try_later(taking);
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
		offline_try_later(taking);
		return;
	}
	let_go(session);
	if (!was_willing)
		offline_pass_on(server, account);
	else if (offline_has_messages(server, account))
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

bool
offline_has_messages(struct server *server, uint64_t account)
{
	return offline_count(server, account) > 0;
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
