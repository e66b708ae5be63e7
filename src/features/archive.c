/* archive.c -- XEP-0313 and XEP-0359: messages are kept for both ends, and told what they are called there. */
#include "features/archive.h"

#include <string.h>

#include "base/log.h"
#include "base/memo.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "features/feature.h"
#include "routing/pending.h"
#include "session/session.h"
#include "shm/shm.h"
#include "stream/server.h"
#include "xml/writer.h"

#define STORED_MAX (400u << 10)	/* bytes of a message: a request is at most half a ring */
#define FIRST_ROOM 2048		/* most messages fit at the first try */
#define STEPS	   64		/* an archive's size is looked at so often while it fills up once */
#define SETTLE_AGAIN_MS 1000

static struct archive *
archive_of(const struct stanza *stanza)
{
	return router_server(stanza->router)->archive;
}

/* --- keeping a message --- */

/* What its answer is about. */
struct asked {
	struct archive_end end[ARCHIVE_ENDS];
	uint64_t	   number;	/* of the stanza in its session */
	uint64_t	   id;
};

/* Once, until one is kept again: there may be thousands. */
static void
tell_refusal(struct archive *archive, int result)
{
	if (result < RESULT_OK && !archive->is_refused)
		log_error(LOG_STORE, "messages cannot be archived", "reason=\"%s\"",
		    result_text(result));
	archive->is_refused = result < RESULT_OK;
}

/*
 * The message has been committed, or never will be. For now it was delivered when it was asked for, and h_in had
 * moved, so nobody waits for the commit. With ack = durable somebody does, and this is the place where h_safe of
 * stanza->origin becomes stanza->number: both are here, also when other stanzas of the session have been answered before.
 */
static int
on_kept(struct stanza *stanza, int result, void *data)
{
	struct archive *archive = archive_of(stanza);
	const struct asked *asked = data;
	const struct archive_end *ends = asked->end;

	archive_order_done(&archive->order, asked->id);
	if (stanza->session != NULL)
		session_kept(stanza->session, asked->number);
	tell_refusal(archive, result);
	for (int i = 0; i < ARCHIVE_ENDS && result > RESULT_OK; i++)
		if (ends[i].account != 0)
			archive_trim(stanza, ends[i].account);
	return STANZA_DONE;
}

/* What waits for the answer needs the stanza's name, not its contents. */
static int
ask(struct stanza *stanza, const struct archive_changes *changes,
    const struct archive_record *record, uint64_t id)
{
	struct stanza name = *stanza;
	struct asked asked = { .number = stanza->number, .id = id };
	int verdict;

	memcpy(asked.end, record->end, sizeof(asked.end));
	name.element = element_new(stanza->arena, NS_CLIENT, "message");
	name.payload = NULL;
	name.is_traced = false;
	name.is_aside = true;	/* it was delivered, or kept, in its order */
	verdict = pending_ask_later(&name, STORE_MSG, changes->change, changes->count, on_kept,
	    &asked, sizeof(asked));
	if (verdict == STANZA_LATER && stanza->session != NULL)
		session_keeps(stanza->session, stanza->number);
	return verdict;
}

static int
store(struct stanza *stanza, const struct archive_record *record, uint64_t *id)
{
	struct archive *archive = archive_of(stanza);
	struct store_change change[ARCHIVE_CHANGES_MAX];
	struct archive_changes changes = { change, 0, stanza->arena };
	int verdict;

	*id = archive_order_take(&archive->order);
	archive_put(&changes, *id, record,
	    (uint64_t)archive->server->config->archive_bytes / STEPS);
	verdict = ask(stanza, &changes, record, *id);
	if (verdict == STANZA_LATER)
		return STANZA_PASS;
	archive_order_drop(&archive->order);
	return verdict;
}

/* Written as it stands inside <forwarded/>. */
static struct slice
write_stanza(struct stanza *stanza)
{
	char *bytes = arena_alloc(stanza->arena, FIRST_ROOM);
	size_t size = writer_write(stanza->element, NS_FORWARD, bytes, FIRST_ROOM);

	if (size > FIRST_ROOM) {
		bytes = arena_alloc(stanza->arena, size);
		writer_write(stanza->element, NS_FORWARD, bytes, size);
	}
	return slice_of(bytes, size);
}

static bool
is_last(const struct archive *archive, const struct stanza *stanza)
{
	const struct archive_last *last = &archive->last;

	return stanza->origin.slot != UINT32_MAX && last->origin.slot == stanza->origin.slot &&
	    last->origin.epoch == stanza->origin.epoch && last->number == stanza->number;
}

/* One request for both ends; *id 0: none keeps it. */
static int
keep(struct stanza *stanza, uint64_t sender, uint64_t recipient, uint64_t *id)
{
	struct archive *archive = archive_of(stanza);
	struct archive_record record = { { { sender, 0 }, { recipient, 0 } } };
	int verdict;

	*id = 0;
	if (is_last(archive, stanza) && archive->last.account == recipient) {
		*id = archive->last.id;
		return STANZA_PASS;
	}
	if (sender == recipient)	/* to oneself: one archive, one copy */
		record.end[ARCHIVE_RECIPIENT].account = 0;
	if (sender == 0 && recipient == 0)
		return STANZA_PASS;
	record.end[ARCHIVE_SENDER].peer = archive_peer(&archive->keys, stanza->to.bare);
	record.end[ARCHIVE_RECIPIENT].peer = archive_peer(&archive->keys, stanza->from.bare);
	record.from = stanza->from.full;
	record.to = stanza->to.full;
	record.stanza = write_stanza(stanza);
	if (record.stanza.length > STORED_MAX)
		return STANZA_PASS;
	verdict = store(stanza, &record, id);
	if (verdict == STANZA_PASS)
		archive->last = (struct archive_last){ stanza->origin, stanza->number,
			recipient, sender, *id };
	return verdict;
}

static void
add_id(const struct stanza *stanza, struct element *element, struct slice by, uint64_t account,
    uint64_t id)
{
	char text[ARCHIVE_ID_SIZE];

	archive_id_write(&archive_of(stanza)->keys, account, id, text);
	archive_add_id(stanza->arena, element, by, arena_copy(stanza->arena, slice_from_text(text)));
}

void
archive_name_for_sender(struct stanza *stanza, struct element *copy)
{
	const struct archive *archive = archive_of(stanza);

	if (archive == NULL)
		return;
	archive_strip_ids(stanza->arena, copy, stanza->to.bare);
	if (is_last(archive, stanza) && archive->last.sender != 0)
		add_id(stanza, copy, stanza->from.bare, archive->last.sender, archive->last.id);
}

/* --- on its way --- */

/* Which ends want it, by their owners' preferences; recipient 0: it is no account of ours. */
static void
choose_ends(struct stanza *stanza, uint64_t *sender, uint64_t *recipient)
{
	struct archive *archive = archive_of(stanza);

	*sender = stanza->session == NULL ? 0 : stanza->session->account;
	if (*sender != 0 && !archive_wants(archive, *sender, &stanza->to))
		*sender = 0;
	if (*recipient != 0 && !archive_wants(archive, *recipient, &stanza->from))
		*recipient = 0;
}

/*
 * To another server only the sender's archive is ours. What is for a local account waits for STAGE_INCOMING: both
 * ends in one request, and nothing of what does not get that far.
 */
static int
archive_on_outgoing(struct stanza *stanza)
{
	struct archive *archive = archive_of(stanza);
	uint64_t id, sender, nobody = 0;

	if (archive == NULL || stanza->kind != KIND_MESSAGE)
		return STANZA_PASS;
	archive_strip_ids(stanza->arena, stanza->element, stanza->from.bare);
	if (!archive_is_worthy(stanza) ||
	    config_find_host(archive->server->config, stanza->to.domain) != NULL)
		return STANZA_PASS;
	choose_ends(stanza, &sender, &nobody);
	return keep(stanza, sender, nobody, &id);
}

static int
archive_on_incoming(struct stanza *stanza)
{
	struct archive *archive = archive_of(stanza);
	uint64_t id, sender, recipient = stanza->account;
	int verdict;

	if (archive == NULL || stanza->kind != KIND_MESSAGE)
		return STANZA_PASS;
	archive_strip_ids(stanza->arena, stanza->element, stanza->to.bare);
	if (!archive_is_worthy(stanza))
		return STANZA_PASS;
	choose_ends(stanza, &sender, &recipient);
	verdict = keep(stanza, sender, recipient, &id);
	if (verdict != STANZA_PASS || id == 0 || recipient == 0)
		return verdict;
	add_id(stanza, stanza->element, stanza->to.bare, recipient, id);
	return STANZA_PASS;
}

/* --- start and end --- */

static bool
on_last(void *owner, struct slice key, struct slice value, uint64_t version)
{
	*(uint64_t *)owner = archive_key_id(key);
	return false;
}

static int
on_settled(struct stanza *stanza, int result, void *data)
{
	archive_order_settle(&archive_of(stanza)->order);
	return STANZA_DONE;
}

/* Removes what is not there: its answer comes behind those to all that a dead predecessor had asked for. */
static int
ask_to_settle(struct stanza *stanza, void *context)
{
	struct store_change change = { .verb = STORE_SET,
		.table = STORE_PREFERENCES,
		.version = STORE_ANY_VERSION,
		.key = SLICE("settled") };

	return pending_ask(stanza, STORE_MSG, &change, 1, on_settled, NULL, 0);
}

static void
on_settle(struct timer *timer, void *parameter)
{
	struct archive *archive = parameter;

	if (archive->order.is_settled)
		return;
	router_act(archive->server, slice_from_text(archive->server->config->hosts[0].name),
	    ask_to_settle, NULL);
	timer_start(archive->server->timers, timer, SETTLE_AGAIN_MS, on_settle, archive);
}

static void
archive_start(struct server *server)
{
	struct archive *archive;
	struct txn *txn;
	uint64_t last = 0;

	if (server->msg == NULL)
		return;
	archive = NEW(struct archive);
	archive->server = server;
	archive_keys_init(&archive->keys, server->secret);
	txn = store_read(server->msg);
	store_each_from(server->msg, txn, STORE_STANZA, SLICE_EMPTY, SLICE_EMPTY, true, on_last,
	    &last);
	txn_end(&txn);
	archive->paces = memory_new(server->shm->max_sessions * sizeof(*archive->paces));
	archive_order_init(&archive->order, server, last);
	archive->keeps_all = memo_new();
	server->archive = archive;
	on_settle(&archive->settle, archive);
	archive_sweep_start(archive);
}

static void
archive_stop(struct server *server)
{
	struct archive *archive = server->archive;

	if (archive == NULL)
		return;
	archive_drop_queries(archive);
	timer_stop(server->timers, &archive->sweep);
	timer_stop(server->timers, &archive->settle);
	archive_order_clear(&archive->order);
	memo_free(&archive->keeps_all);
	memory_free(archive->paces);
	memory_free(archive);
	server->archive = NULL;
}

/* XEP-0313 10.1: an archive is its owner's alone. */
static int
archive_on_stranger(struct stanza *stanza)
{
	return STANZA_FORBIDDEN;
}

static const struct iq_row archive_iqs[] = {
	{ NS_MAM, "query", IQ_SET, SCOPE_SELF, archive_on_query },
	{ NS_MAM, "query", IQ_GET, SCOPE_SELF, archive_on_form },
	{ NS_MAM, "metadata", IQ_GET, SCOPE_SELF, archive_on_metadata },
	{ NS_MAM, "prefs", IQ_GET, SCOPE_SELF, archive_on_preferences_get },
	{ NS_MAM, "prefs", IQ_SET, SCOPE_SELF, archive_on_preferences_set },
	{ NS_MAM, "query", IQ_GET | IQ_SET, SCOPE_ACCOUNT, archive_on_stranger },
	{ NS_MAM, "metadata", IQ_GET, SCOPE_ACCOUNT, archive_on_stranger },
	{ NS_MAM, "prefs", IQ_GET | IQ_SET, SCOPE_ACCOUNT, archive_on_stranger },
	{ 0 }
};

static const struct stage_row archive_stages[] = {
	{ STAGE_OUTGOING, "archive", archive_on_outgoing },
	{ STAGE_INCOMING, "archive", archive_on_incoming },
	{ 0 }
};

static const char *const archive_vars[] = { "urn:xmpp:mam:2", "urn:xmpp:mam:2#extended",
	"urn:xmpp:mam:2#groupchat-field", "urn:xmpp:sid:0", NULL };

/* An archive is an account's, and clients should ask there; but many ask the host alone (profanity 0.13, Xabber). */
static const char *const archive_host_vars[] = { "urn:xmpp:mam:2", NULL };

static const struct kept_row archive_keeps[] = {
	{ STORE_MSG, STORE_ARCHIVE, 0, archive_gather },
	{ STORE_MSG, STORE_PREFERENCES, 0, NULL },
	{ 0 }
};

const struct feature archive_feature = {
	.name = "archive",
	.spec = "XEP-0313 1.1.3, XEP-0441 0.2.0, XEP-0359 0.7.0",
	.about = "Keeps the messages of each account for archive_expires, and lets its clients read them again.",
	.iqs = archive_iqs,
	.stages = archive_stages,
	.host_vars = archive_host_vars,
	.account_vars = archive_vars,
	.keeps = archive_keeps,
	.on_start = archive_start,
	.on_stop = archive_stop,
};
