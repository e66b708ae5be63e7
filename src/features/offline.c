/* offline.c -- XEP-0160: keeps messages that no resource may have; offline_give.c gives them to the first that may. */
#include "features/offline.h"

#include <endian.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/result.h"
#include "config/config.h"
#include "features/content.h"
#include "features/push.h"
#include "features/roster_store.h"
#include "routing/pending.h"
#include "shm/limits.h"
#include "shm/registry.h"
#include "stream/server.h"
#include "xml/writer.h"
#include "xmpp/delay.h"

/* Somebody who became available before the commit has found nothing: looks again. */
void
offline_tell_willing(struct server *server, uint64_t account)
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

/* As it will be delivered. */
static struct slice
stamped(struct stanza *stanza)
{
	struct element *message = element_copy(stanza->arena, stanza->element);
	size_t size;
	char *bytes;

	delay_stamp(stanza->arena, message, stanza->to.domain,
	    stanza->stamp_us != 0 ? stanza->stamp_us : clock_wall_us());
	size = writer_write(message, NS_CLIENT, NULL, 0);
	bytes = arena_alloc(stanza->arena, size);
	writer_write(message, NS_CLIENT, bytes, size);
	return slice_of(bytes, size);
}

/* --- quotas --- */

/* The account's queue. */
static struct store_change
add_message(const struct offline_key *key, const struct config *config, struct slice message)
{
	return (struct store_change){ .verb = STORE_QUEUE_ADD,
		.table = STORE_OFFLINE,
		.key = slice_of(key, sizeof(key->account)),
		.value = message,
		.hashes = (uint32_t)config->offline_messages,
		.version = (uint64_t)config->offline_bytes };
}

/* One for each message of a stranger, until the account has taken all it has. */
static struct store_change
add_stranger(const struct offline_key *key, const struct config *config)
{
	return (struct store_change){ .verb = STORE_QUEUE_ADD,
		.table = STORE_OFFLINE,
		.key = slice_of(key, sizeof(*key)),
		.value = SLICE("+"),
		.hashes = (uint32_t)config->offline_strangers,
		.version = UINT32_MAX };
}

static bool
is_stranger(struct stanza *stanza)
{
	struct server *server = router_server(stanza->router);
	struct txn *txn;
	unsigned flags;

	if (slice_equal(stanza->from.bare, stanza->to.bare))
		return false;
	txn = store_read(server->core);
	flags = roster_flags(server, txn, stanza->account, stanza->from.bare);
	txn_end(&txn);
	return (flags & (ROSTER_LISTED | ROSTER_BOTH)) == 0;
}

static struct offline_key
key_of(struct stanza *stanza)
{
	struct offline_key key = { .account = htobe64(stanza->account) };
	struct hash_key secret;
	struct hash128 sender;

	memcpy(&secret, router_server(stanza->router)->secret, sizeof(secret));
	sender = hash128(&secret, stanza->from.bare);
	memcpy(key.sender, &sender, sizeof(key.sender));
	return key;
}

/* The store says only that one of the three was met: it is looked which. */
static void
bite(struct stanza *stanza)
{
	struct server *server = router_server(stanza->router);
	struct offline_key key = key_of(stanza);
	struct txn *txn = store_read(server->msg);
	struct store_queue all, of_sender;
	enum limit limit = LIMIT_OFFLINE_BYTES;

	store_queue(server->msg, txn, STORE_OFFLINE, slice_of(&key, sizeof(key.account)), &all);
	store_queue(server->msg, txn, STORE_OFFLINE, slice_of(&key, sizeof(key)), &of_sender);
	txn_end(&txn);
	if (all.entries >= (uint64_t)server->config->offline_messages)
		limit = LIMIT_OFFLINE;
	else if (of_sender.entries >= (uint64_t)server->config->offline_strangers)
		limit = LIMIT_OFFLINE_STRANGERS;
	limit_bite(server->shm, limit);
}

static int
on_kept(struct stanza *stanza, int result, void *data)
{
	if (result == RESULT_OK) {
		offline_tell_willing(router_server(stanza->router), stanza->account);
		push_notify_kept(stanza);
		return STANZA_DONE;
	}
	if (result == RESULT_FULL)
		bite(stanza);
	else
		log_warn(LOG_ROUTING, "offline message not kept", "account=%llu reason=\"%s\"",
		    (unsigned long long)stanza->account, result_text(result));
	return STANZA_SERVICE_UNAVAILABLE;
}

static int
ask_to_keep(struct stanza *stanza)
{
	const struct server *server = router_server(stanza->router);
	struct offline_key key = key_of(stanza);
	struct store_change changes[2];

	changes[0] = add_message(&key, server->config, stamped(stanza));
	changes[1] = add_stranger(&key, server->config);
	return pending_ask(stanza, STORE_MSG, changes, is_stranger(stanza) ? 2 : 1, on_kept,
	    NULL, 0);
}

/* --- behind what a session leaves --- */

#define LOOK_AGAIN_MS 5

static bool
is_leaving(struct server *server, uint64_t account)
{
	struct txn *txn = registry_read(server->registry);
	bool is_found = registry_is_leaving(server->registry, txn, account, 0);

	txn_end(&txn);
	return is_found;
}

static int keep_in_order(struct stanza *stanza);

static int
look_again(struct stanza *stanza, int result, void *data)
{
	return keep_in_order(stanza);
}

/* While the messages that an ended session leaves are on their way to the store, what is newer waits. */
static int
keep_in_order(struct stanza *stanza)
{
	if (!stanza->is_handed_on && is_leaving(router_server(stanza->router), stanza->account))
		return pending_wait(stanza, LOOK_AGAIN_MS, look_again);
	return ask_to_keep(stanza);
}

static int
offline_on_message(struct stanza *stanza)
{
	if (router_server(stanza->router)->msg == NULL ||
	    !content_is_kept(stanza->type, content_of(stanza->element)))
		return STANZA_PASS;
	return keep_in_order(stanza);
}

static void
offline_on_available(struct session *session)
{
	session_look(session->server, session->ref);
}

static const struct stage_row offline_stages[] = {
	{ STAGE_OFFLINE, "offline", offline_on_message },
	{ 0 }
};

static const char *const offline_vars[] = { "msgoffline", NULL };

/* The queue of its messages, and those of its strangers. */
static const struct kept_row offline_keeps[] = { { STORE_MSG, STORE_OFFLINE, 0, NULL }, { 0 } };

const struct feature offline_feature = {
	.name = "offline",
	.spec = "XEP-0160 1.0.1",
	.about = "Keeps messages while no client may have them, and delivers them to the first that becomes available.",
	.stages = offline_stages,
	.host_vars = offline_vars,
	.keeps = offline_keeps,
	.on_available = offline_on_available,
	.on_look = offline_give,
	.on_unbound = offline_let_go,
	.on_leaving = offline_forget,
};
