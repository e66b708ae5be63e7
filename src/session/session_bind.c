/* session_bind.c -- a client has logged in, and binds a resource. */
#include "session/session_private.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "config/config.h"
#include "session/session_map.h"
#include "shm/counters.h"
#include "shm/registry.h"
#include "stream/guard.h"
#include "stream/server.h"
#include "xmpp/jid_prepare.h"

void
session_set_jid(struct session *session, struct slice local, struct slice domain,
    struct slice resource)
{
	size_t size = local.length + domain.length + resource.length + 3;
	char *text = memory_new(size);
	int length = snprintf(text, size, resource.length > 0 ? "%.*s@%.*s/%.*s" : "%.*s@%.*s",
	    SLICE_ARG(local), SLICE_ARG(domain), SLICE_ARG(resource));

	jid_split(slice_of(text, (size_t)length), &session->jid);
	memory_free(session->full_jid_text);
	session->full_jid_text = text;
}

void
session_on_login(void *owner, struct slice username, struct slice host, uint64_t account)
{
	struct session *session = owner;

	session_set_jid(session, username, host, SLICE_EMPTY);
	session->account = account;
	atomic_store(&session->slot->account, account);
	session_show_type(session, SLOT_C2S_UNBOUND);
}

static int
bind_condition(int result)
{
	switch (result) {
	case RESULT_OK:
		return 0;
	case RESULT_CONFLICT:
		return STANZA_CONFLICT;
	case RESULT_FULL:
		return STANZA_RESOURCE_CONSTRAINT;
	default:
		return STANZA_INTERNAL_SERVER_ERROR;
	}
}

static int
bind_policy(const struct config_host *host)
{
	static const enum bind_policy policies[] = { [CONFLICT_KICK_OLD] = BIND_KICK_OLD,
		[CONFLICT_KICK_NEW] = BIND_KICK_NEW,
		[CONFLICT_RANDOM] = BIND_RANDOM,
		[CONFLICT_INCREMENT] = BIND_INCREMENT };

	return policies[host->conflict];
}

/* R16: what cannot be a resource is replaced by one that the server makes. */
static struct slice
wanted_resource(struct arena *arena, struct slice text)
{
	struct slice prepared;

	if (text.length == 0 || !jid_prepare_resource(arena, text, &prepared))
		return SLICE_EMPTY;
	return prepared;
}

static int
bind_in_registry(struct session *session, const struct config_host *host,
    struct slice resource, struct bind_answer *answer)
{
	struct server *server = session->server;
	struct bind_request request = { .session = session->ref,
		.account = session->account,
		.bare_jid = session->jid.bare,
		.policy = bind_policy(host),
		.sessions_max = (uint32_t)server->config->sessions_per_account,
		.now_us = clock_wall_us() };
	struct arena arena;
	int result;

	arena_init(&arena);
	request.resource = wanted_resource(&arena, resource);
	result = registry_bind(server->registry, &request, answer);
	arena_clear(&arena);
	return result;
}

int
session_on_bind(void *owner, struct slice resource, struct slice *full_jid)
{
	struct session *session = owner;
	struct server *server = session->server;
	const struct config_host *host = config_find_host(server->config, session->jid.domain);
	struct bind_answer answer;
	struct slice bare = session->jid.bare;
	int result;

	if (host == NULL || session->ending)
		return STANZA_SERVICE_UNAVAILABLE;
	result = bind_in_registry(session, host, resource, &answer);
	if (result != RESULT_OK) {
		if (result == RESULT_FULL)
			limit_bite(server->shm, LIMIT_SESSIONS_ACCOUNT);
		log_info(LOG_SESSION, "bind refused", "sid=%s jid=" SLICE_FMT " reason=%s",
		    session->id, SLICE_ARG(bare), result_text(result));
		return bind_condition(result);
	}
	session_set_jid(session, session->jid.local, session->jid.domain,
	    slice_of(answer.resource, answer.resource_length));
	session->displaced = answer.displaced;
	if (answer.displaced.slot != UINT32_MAX)
		slot_ask(server->shm, answer.displaced, ORDER_CONFLICT);
	if (answer.outslept.slot != UINT32_MAX)
		slot_ask(server->shm, answer.outslept, ORDER_CONFLICT);
	counter_add(server->shm, COUNTER_BINDS, 1);
	atomic_store(&session->slot->resource_hash, answer.resource_hash);
	atomic_store(&session->slot->bound_us, clock_wall_us());
	session_show_type(session, SLOT_C2S);
	log_info(LOG_SESSION, "bound", "sid=%s jid=" SLICE_FMT, session->id,
	    SLICE_ARG(session->jid.full));
	session_start_output(session);
	server->sessions->events->on_bound(session);
	*full_jid = session->jid.full;
	return 0;
}
