/* offline.c -- XEP-0160: keeps messages that no resource may have, and gives them to the first that may. */
#include "features/feature.h"

#include <endian.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "features/content.h"
#include "net/timer.h"
#include "routing/pending.h"
#include "shm/effect.h"
#include "shm/registry.h"
#include "shm/store.h"
#include "stream/server.h"
#include "xml/writer.h"
#include "xmpp/delay.h"

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

enum step { STEP_READ, STEP_GIVEN, STEP_DROPPED };

/* What a holder waits for; in session->private. */
struct taking {
	struct session *session;
	enum step	step;
	uint64_t	last;	/* number of the newest message of the batch */
	uint64_t	entry;	/* that carries it */
	struct timer	timer;
};

static struct slice
queue_name(const uint64_t *ordered)
{
	return slice_of(ordered, sizeof(*ordered));
}

static bool
has_messages(struct server *server, uint64_t account)
{
	uint64_t ordered = htobe64(account);
	struct store_queue queue;
	struct txn *txn;

	if (server->msg == NULL)
		return false;
	txn = store_read(server->msg);
	store_queue(server->msg, txn, STORE_OFFLINE, queue_name(&ordered), &queue);
	txn_end(&txn);
	return queue.entries > 0;
}

/* --- keeping --- */

/* Somebody who became available before the commit has found nothing: looks again. */
static void
tell_willing(struct server *server, uint64_t account)
{
	struct txn *txn = registry_read(server->registry);
	struct route routes[RECIPIENTS_MAX];
	int count = registry_find(server->registry, txn, account, routes, RECIPIENTS_MAX);

	txn_end(&txn);
	for (int i = 0; i < count; i++)
		if ((routes[i].flags & SLOT_AVAILABLE) && routes[i].priority >= 0) {
			session_look(server, routes[i].session);
			return;
		}
}

static int
on_kept(struct stanza *stanza, int result, void *data)
{
	if (result == RESULT_OK) {
		tell_willing(router_server(stanza->router), stanza->account);
		return STANZA_DONE;
	}
	if (result != RESULT_FULL)
		log_warn(LOG_ROUTING, "offline message not kept", "account=%llu reason=\"%s\"",
		    (unsigned long long)stanza->account, result_text(result));
	return STANZA_SERVICE_UNAVAILABLE;
}

/* As it will be delivered. */
static struct slice
stamped(struct stanza *stanza)
{
	struct element *message = element_copy(stanza->arena, stanza->element);
	size_t size;
	char *bytes;

	delay_stamp(stanza->arena, message, stanza->to.domain, clock_wall_us());
	size = writer_write(message, NS_CLIENT, NULL, 0);
	bytes = arena_alloc(stanza->arena, size);
	writer_write(message, NS_CLIENT, bytes, size);
	return slice_of(bytes, size);
}

static int
offline_on_message(struct stanza *stanza)
{
	const struct server *server = router_server(stanza->router);
	uint64_t ordered = htobe64(stanza->account);
	struct store_change change = { .verb = STORE_QUEUE_ADD,
		.table = STORE_OFFLINE,
		.key = queue_name(&ordered),
		.hashes = (uint32_t)server->config->offline_messages,
		.version = (uint64_t)server->config->offline_bytes };

	if (server->msg == NULL ||
	    !content_is_kept(stanza->type, content_of(stanza->element)))
		return STANZA_PASS;
	change.value = stamped(stanza);
	return pending_ask(stanza, STORE_MSG, &change, 1, on_kept, NULL, 0);
}

/* --- giving: the claim --- */

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

static void
let_go(struct session *session)
{
	struct taking *taking = session->private[PRIVATE_OFFLINE];

	session_set_flags(session, SLOT_TAKES_OFFLINE, false);
	if (taking == NULL)
		return;
	session->private[PRIVATE_OFFLINE] = NULL;
	timer_stop(session->server->timers, &taking->timer);
	memory_free(taking);
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

/* --- giving: a batch --- */

struct batch {
	struct session *session;
	uint64_t	last;
	uint32_t	count;
	size_t		bytes;
	int		result;
};

static bool
append(void *owner, struct slice key, struct slice value, uint64_t version)
{
	struct batch *batch = owner;
	struct shm *shm = batch->session->server->shm;
	struct effect_piece piece = { .length = (uint32_t)value.length };
	char *memory;

	if (key.length != 2 * sizeof(uint64_t))
		return true;
	if (batch->count == BATCH_MESSAGES ||
	    (batch->count > 0 && batch->bytes + value.length > BATCH_BYTES))
		return false;
	batch->result = effect_stage(shm, piece.length, &memory, &piece.offset);
	if (batch->result == RESULT_OK) {
		memcpy(memory, value.data, value.length);
		batch->result = effect_add(shm, batch->session->ref, ENTRY_MESSAGE,
		    ENTRY_STORED, &piece, 1);
	}
	batch->last = store_queue_number(key);
	batch->count++;
	batch->bytes += value.length;
	return batch->result == RESULT_OK;
}

/* The oldest messages, all as one effect; RESULT_NOT_FOUND: there are none. */
static int
append_batch(struct session *session, struct taking *taking)
{
	struct server *server = session->server;
	struct slot_ref nobody = { UINT32_MAX, 0 };
	uint64_t ordered = htobe64(session->account);
	struct batch batch = { .session = session };
	struct txn *txn;

	effect_draft(server->shm, nobody, 0, false);
	txn = store_read(server->msg);
	store_each(server->msg, txn, STORE_OFFLINE, queue_name(&ordered), append, &batch);
	txn_end(&txn);
	if (batch.count == 0)
		return RESULT_NOT_FOUND;
	if (batch.result == RESULT_OK && effect_run(server->shm) < 0)
		batch.result = RESULT_FULL;
	taking->last = batch.last;
	taking->entry = atomic_load(&session->slot->out_next);
	return batch.result;
}

static int
on_dropped(struct stanza *stanza, int result, void *data)
{
	struct slot_ref *ref = data;
	struct server *server = router_server(stanza->router);
	struct session *session = session_find(server, *ref);
	struct taking *taking = session == NULL ? NULL : session->private[PRIVATE_OFFLINE];

	if (taking == NULL)
		return STANZA_DONE;
	taking->step = result == RESULT_OK ? STEP_READ : STEP_GIVEN;
	if (result == RESULT_OK) {
		session_look(server, *ref);
	} else {
		log_warn(LOG_ROUTING, "offline messages not dropped", "sid=%s reason=\"%s\"",
		    session->id, result_text(result));
		try_later(taking);
	}
	return STANZA_DONE;
}

/* Nobody's stanza: what the store's answer finds it by. */
static bool
ask_to_drop(struct session *session, const struct taking *taking)
{
	uint64_t key[2] = { htobe64(session->account), htobe64(taking->last) };
	struct store_change change = { .verb = STORE_QUEUE_DROP,
		.table = STORE_OFFLINE,
		.key = slice_of(key, sizeof(key)) };
	struct arena arena;
	struct stanza stanza = { .router = session->server->router,
		.arena = &arena,
		.kind = KIND_MESSAGE,
		.from = session->jid,
		.origin = { UINT32_MAX, 0 } };
	int verdict;

	arena_init(&arena);
	stanza.element = element_new(&arena, NS_CLIENT, "message");
	verdict = pending_ask(&stanza, STORE_MSG, &change, 1, on_dropped, &session->ref,
	    sizeof(session->ref));
	arena_clear(&arena);
	return verdict == STANZA_LATER;
}

/* --- giving: step by step --- */

static void
drop_given(struct session *session, struct taking *taking)
{
	if ((atomic_load(&session->slot->out_acked) >> 1) < taking->entry)
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
	if (!has_messages(server, account))
		return;
	if (was_willing)
		session_look(server, session->ref);
	else
		tell_willing(server, account);
}

static void
offline_on_look(struct session *session)
{
	struct taking *taking = session->private[PRIVATE_OFFLINE];

	if (taking == NULL) {
		if (!is_willing(session) || !has_messages(session->server, session->account) ||
		    !claim(session))
			return;
		taking = NEW(struct taking);
		taking->session = session;
		session->private[PRIVATE_OFFLINE] = taking;
	}
	if (taking->step == STEP_READ)
		read_on(session, taking);
	else if (taking->step == STEP_GIVEN)
		drop_given(session, taking);
}

static void
offline_on_available(struct session *session)
{
	session_look(session->server, session->ref);
}

/* Also of a session whose worker died: its slot says that it had the claim. */
static void
offline_on_ending(struct session *session)
{
	if ((atomic_load(&session->slot->flags) & SLOT_TAKES_OFFLINE) == 0)
		return;
	let_go(session);
	if (has_messages(session->server, session->account))
		tell_willing(session->server, session->account);
}

static const struct stage_row offline_stages[] = {
	{ STAGE_OFFLINE, "offline", offline_on_message },
	{ 0 }
};

static const char *const offline_vars[] = { "msgoffline", NULL };

const struct feature offline_feature = {
	.name = "offline",
	.spec = "XEP-0160 1.0.1",
	.about = "Keeps messages while no client may have them, and delivers them to the first that becomes available.",
	.stages = offline_stages,
	.host_vars = offline_vars,
	.on_available = offline_on_available,
	.on_look = offline_on_look,
	.on_ending = offline_on_ending,
};
