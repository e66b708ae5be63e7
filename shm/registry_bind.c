/* registry_bind.c -- a resource is bound, and who had it displaced, in one transaction. */
#include "shm/registry.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "base/result.h"
#include "shm/registry_record.h"
#include "shm/slots.h"

#define TOKEN_LENGTH  12
#define INCREMENT_MAX 10000

static void
write_slot(struct txn *txn, const struct session_key *key, struct slot_ref session)
{
	uint32_t slot = htobe32(session.slot);
	struct slot_record record;

	memset(&record, 0, sizeof(record));
	record.epoch = session.epoch;
	record.session = *key;
	txn_put(txn, REGISTRY_SLOT, slice_of(&slot, sizeof(slot)),
	    slice_of(&record, sizeof(record)));
}

/* --- bind --- */

struct bind {
	struct registry		  *registry;
	struct txn		  *txn;
	const struct bind_request *request;
	struct bind_answer	  *answer;
	uint64_t		   place;
	struct session_key	   over[8];	/* records of this account whose sessions have ended */
	struct slot_ref		   over_session[8];
	int			   over_count;
	uint32_t		   live;
	struct session_key	   sleeper;	/* of those that hibernate, the one that is given up first */
	struct slot_ref		   sleeper_session;	/* slot UINT32_MAX: there is none */
	uint64_t		   sleeper_deadline_ms;
};

static void
note_sleeper(struct bind *bind, struct slice key, struct slot_ref session)
{
	struct slot *slot = slot_find(bind->registry->shm, session);
	uint64_t deadline;

	if (slot == NULL || (atomic_load(&slot->flags) & SLOT_HIBERNATING) == 0)
		return;
	deadline = atomic_load(&slot->deadline_ms);
	if (bind->sleeper_session.slot != UINT32_MAX && deadline >= bind->sleeper_deadline_ms)
		return;
	memcpy(bind->sleeper.bytes, key.data, sizeof(bind->sleeper.bytes));
	bind->sleeper_session = session;
	bind->sleeper_deadline_ms = deadline;
}

static bool
on_own_session(void *owner, struct slice key, struct slice value)
{
	struct bind *bind = owner;
	struct registry_session session;
	int i = bind->over_count;

	if (!session_record_read(key, value, &session))
		return true;
	if (registry_is_live(bind->registry, session.session)) {
		bind->live++;
		note_sleeper(bind, key, session.session);
	} else if (i < 8) {
		memcpy(bind->over[i].bytes, key.data, sizeof(bind->over[i].bytes));
		bind->over_session[i] = session.session;
		bind->over_count++;
	}
	return true;
}

/* Counts what lives, and removes some of what does not. */
static void
look_at_account(struct bind *bind)
{
	struct session_key key = session_key(bind->request->account, 0);

	txn_each(bind->txn, REGISTRY_SESSION, slice_of(key.bytes, 8), SLICE_EMPTY,
	    on_own_session, bind);
	for (int i = 0; i < bind->over_count; i++)
		registry_remove(bind->txn, &bind->over[i], bind->over_session[i]);
}

static bool
use(struct bind *bind, struct slice resource)
{
	struct bind_answer *answer = bind->answer;
	struct registry_session session;

	if (registry_place(bind->registry, bind->txn, bind->request->account, resource,
		&bind->place, &session) || bind->place == UINT64_MAX)
		return false;
	memmove(answer->resource, resource.data, resource.length);
	answer->resource[resource.length] = 0;
	answer->resource_length = resource.length;
	return true;
}

static int
use_made(struct bind *bind)
{
	char token[TOKEN_LENGTH + 1];

	do
		random_token(token, TOKEN_LENGTH);
	while (txn_error(bind->txn) == RESULT_OK && !use(bind, slice_of(token, TOKEN_LENGTH)));
	return txn_error(bind->txn);
}

/* name#1, name#2, ...; where that is too long for a resource, one is made. */
static int
use_numbered(struct bind *bind)
{
	struct slice wanted = bind->request->resource;
	char name[REGISTRY_RESOURCE_MAX + 16];

	for (int i = 1; i <= INCREMENT_MAX && txn_error(bind->txn) == RESULT_OK; i++) {
		int length = snprintf(name, sizeof(name), SLICE_FMT "#%d", SLICE_ARG(wanted), i);

		if (length > REGISTRY_RESOURCE_MAX)
			break;
		if (use(bind, slice_of(name, (size_t)length)))
			return RESULT_OK;
	}
	return use_made(bind);
}

static void
displace(struct bind *bind, const struct registry_session *old, uint64_t place)
{
	struct session_key key = session_key(bind->request->account, place);

	if (registry_is_live(bind->registry, old->session)) {
		bind->answer->displaced = old->session;
		bind->live--;
	}
	registry_leave(bind->registry, bind->txn, &key, old->session);
}

/* RFC 6120 7.7.2.2 */
static int
choose_resource(struct bind *bind)
{
	const struct bind_request *request = bind->request;
	struct registry_session old;
	uint64_t place;

	if (request->resource.length == 0)
		return use_made(bind);
	if (use(bind, request->resource))
		return RESULT_OK;
	if (!registry_place(bind->registry, bind->txn, request->account, request->resource,
		&place, &old))
		return txn_error(bind->txn) != RESULT_OK ? txn_error(bind->txn) : RESULT_FULL;
	if (registry_is_live(bind->registry, old.session)) {
		if (request->policy == BIND_KICK_NEW)
			return RESULT_CONFLICT;
		if (request->policy == BIND_RANDOM)
			return use_made(bind);
		if (request->policy == BIND_INCREMENT)
			return use_numbered(bind);
	}
	displace(bind, &old, place);
	return use(bind, request->resource) ? RESULT_OK : RESULT_FAILED;
}

static void
write_bound(struct bind *bind)
{
	const struct bind_request *request = bind->request;
	struct slot *slot = slot_find(bind->registry->shm, request->session);
	struct session_key key = session_key(request->account, bind->place);
	struct registry_session session = {
		.session = request->session,
		.bare_jid = request->bare_jid,
		.resource = slice_of(bind->answer->resource, bind->answer->resource_length),
		.flags = slot == NULL ? 0 : atomic_load(&slot->flags),
		.bound_us = request->now_us,
	};

	session.flags &= ~(uint32_t)SLOT_AVAILABLE;
	registry_write(bind->txn, &key, &session);
	write_slot(bind->txn, &key, request->session);
	bind->answer->resource_hash = bind->place;
}

/* Rather one that nobody is connected to than the one who comes. */
static bool
end_sleeper(struct bind *bind)
{
	struct slot_ref sleeper = bind->sleeper_session;

	if (sleeper.slot == UINT32_MAX || sleeper.slot == bind->answer->displaced.slot)
		return false;
	registry_leave(bind->registry, bind->txn, &bind->sleeper, sleeper);
	bind->answer->outslept = sleeper;
	return true;
}

static int
bind_in(struct bind *bind)
{
	const struct bind_request *request = bind->request;
	struct registry_session own;
	int result;

	if (registry_session_of(bind->registry, bind->txn, request->session, &own))
		return RESULT_EXISTS;
	look_at_account(bind);
	result = choose_resource(bind);
	if (result != RESULT_OK)
		return result;
	if (bind->live >= request->sessions_max && !end_sleeper(bind))
		return RESULT_FULL;
	write_bound(bind);
	return RESULT_OK;
}

int
registry_bind(struct registry *registry, const struct bind_request *request,
    struct bind_answer *answer)
{
	const struct slot_ref none = { UINT32_MAX, 0 };
	struct bind bind = { .registry = registry,
		.request = request,
		.answer = answer,
		.sleeper_session = none };
	int result;

	answer->displaced = answer->outslept = none;
	answer->resource_length = 0;
	if (request->resource.length > REGISTRY_RESOURCE_MAX ||
	    request->bare_jid.length > REGISTRY_JID_MAX)
		return RESULT_INVALID;
	if (env_fill(registry->env) >= REGISTRY_FULL)
		return RESULT_FULL;
	bind.txn = txn_write(registry->env);
	result = bind_in(&bind);
	if (result == RESULT_OK)
		return txn_commit(&bind.txn);
	txn_end(&bind.txn);
	answer->displaced = answer->outslept = none;
	return result;
}
