/* offline_drop.c -- the store drops of the messages kept for an account what one of its sessions was given. */
#include "features/offline_taking.h"

#include <endian.h>

#include "base/log.h"
#include "base/result.h"
#include "routing/pending.h"
#include "stream/server.h"

/* The key of an entry in a stranger's queue. */
struct stranger_key {
	struct offline_key queue;
	uint64_t	   number;	/* all of them */
};

/* Who was to get the rest has left meanwhile: another one may have it now. */
void
offline_pass_on(struct server *server, uint64_t account)
{
	if (offline_has_messages(server, account))
		offline_tell_willing(server, account);
}

struct dropping {
	struct slot_ref session;
	uint64_t	account;
};

static int
on_dropped(struct stanza *stanza, int result, void *data)
{
	struct dropping *dropping = data;
	struct server *server = router_server(stanza->router);
	struct session *session = session_find(server, dropping->session);
	struct taking *taking = session == NULL ? NULL : session->private[PRIVATE_OFFLINE];

	if (taking == NULL) {
		offline_pass_on(server, dropping->account);
		return STANZA_DONE;
	}
	taking->step = result == RESULT_OK ? STEP_READ : STEP_GIVEN;
	if (result == RESULT_OK) {
		session_look(server, dropping->session);
		session_look_at_rest(server, dropping->session);
	} else {
		log_warn(LOG_ROUTING, "offline messages not dropped", "sid=%s reason=\"%s\"",
		    session->id, result_text(result));
		offline_try_later(taking);
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
bool
offline_ask_to_drop(struct session *session, const struct taking *taking)
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

bool
offline_was_given(const struct session *session, const struct taking *taking)
{
	return (atomic_load(&session->slot->out_acked) >> 1) >= taking->entry;
}

/* --- of a session that has ended --- */

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
	if (offline_ask_to_drop(session, taking))
		taking->step = STEP_DROPPED;
	else
		offline_try_later(taking);
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
	    (taking == NULL || (taking->step == STEP_GIVEN && !offline_was_given(session, taking))))
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
		taking = session->private[PRIVATE_OFFLINE] = offline_take_up(session);
	if (taking->step == STEP_DROPPED || timer_is_armed(&taking->timer))
		return false;
	if (oldest(server, account) <= last) {
		drop_what_was_given(session, taking, last);
		return false;
	}
	atomic_fetch_and(&session->slot->flags, ~(uint32_t)SLOT_TAKES_OFFLINE);
	offline_forget(session);
	offline_pass_on(server, account);
	return true;
}
