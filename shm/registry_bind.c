/* registry_bind.c -- resources bound, changed and unbound, each in one transaction. */
#include "shm/registry.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/ensure.h"
#include "base/random.h"
#include "base/result.h"
#include "shm/registry_record.h"
#include "shm/slots.h"

#define TOKEN_LENGTH  12
#define INCREMENT_MAX 10000

void
registry_remove(struct txn *txn, const struct session_key *key, struct slot_ref session)
{
	uint32_t slot = htobe32(session.slot);
	struct slice slot_key = slice_of(&slot, sizeof(slot));
	struct slot_record record;
	struct slice value;

	txn_delete(txn, REGISTRY_SESSION, session_key_slice(key));
	txn_delete(txn, REGISTRY_PRESENCE, session_key_slice(key));
	if (!txn_get(txn, REGISTRY_SLOT, slot_key, &value) || value.length != sizeof(record))
		return;
	memcpy(&record, value.data, sizeof(record));
	if (record.epoch == session.epoch)
		txn_delete(txn, REGISTRY_SLOT, slot_key);
}

static void
write_session(struct txn *txn, const struct session_key *key,
    const struct registry_session *session)
{
	struct session_record record = {
		.slot = session->session.slot,
		.epoch = session->session.epoch,
		.bound_us = session->bound_us,
		.flags = session->flags,
		.priority = session->priority,
		.jid_length = (uint16_t)session->bare_jid.length,
		.resource_length = (uint16_t)session->resource.length,
	};
	char bytes[sizeof(record) + REGISTRY_JID_MAX + REGISTRY_RESOURCE_MAX];
	size_t length = sizeof(record);

	memcpy(bytes, &record, sizeof(record));
	memcpy(bytes + length, session->bare_jid.data, session->bare_jid.length);
	length += session->bare_jid.length;
	memcpy(bytes + length, session->resource.data, session->resource.length);
	length += session->resource.length;
	txn_put(txn, REGISTRY_SESSION, session_key_slice(key), slice_of(bytes, length));
}

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
	write_session(bind->txn, &key, &session);
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

/* --- changes of what is bound --- */

/* A session's own record. What is borrowed from the map may move with the first write, so the names are kept here. */
struct own {
	struct session_key	key;
	struct registry_session session;
	char			names[REGISTRY_JID_MAX + REGISTRY_RESOURCE_MAX];
};

static void
keep_names(struct own *own)
{
	struct registry_session *session = &own->session;
	char *resource = own->names + session->bare_jid.length;

	memcpy(own->names, session->bare_jid.data, session->bare_jid.length);
	memcpy(resource, session->resource.data, session->resource.length);
	session->bare_jid.data = own->names;
	session->resource.data = resource;
}

/* The record of the resource where it is this session's. */
static bool
find_own(struct registry *registry, struct txn *txn, uint64_t account, struct slice resource,
    struct slot_ref session, struct own *own)
{
	const struct slot_ref *found = &own->session.session;
	uint64_t place;

	if (!registry_place(registry, txn, account, resource, &place, &own->session) ||
	    found->slot != session.slot || found->epoch != session.epoch)
		return false;
	own->key = session_key(account, place);
	keep_names(own);
	return true;
}

static int
finish(struct txn *txn, bool is_found)
{
	int error = txn_error(txn);

	if (is_found)
		return txn_commit(&txn);
	txn_end(&txn);
	return error != RESULT_OK ? error : RESULT_NOT_FOUND;
}

static int
unbind(struct registry *registry, uint64_t account, struct slice resource,
    struct slot_ref session, bool is_noted)
{
	struct txn *txn = txn_write(registry->env);
	struct own own;
	bool is_found = find_own(registry, txn, account, resource, session, &own);
	int result;

	if (is_found && is_noted)
		registry_leave(registry, txn, &own.key, session);
	else if (is_found)
		registry_remove(txn, &own.key, session);
	if (is_found)
		registry_forget_left(registry, txn);
	result = finish(txn, is_found);
	if (result == RESULT_OK)
		registry->left_count = 0;
	return result;
}

/* Where there is no room for the note it goes without one: what only takes away has room. */
int
registry_unbind(struct registry *registry, uint64_t account, struct slice resource,
    struct slot_ref session)
{
	int result = unbind(registry, account, resource, session, true);

	return result == RESULT_FULL ? unbind(registry, account, resource, session, false)
				     : result;
}

static void
write_presence(struct txn *txn, struct own *own, struct slice presence)
{
	if (presence.length == 0) {
		own->session.priority = 0;
		own->session.flags &= ~(uint32_t)SLOT_AVAILABLE;
		txn_delete(txn, REGISTRY_PRESENCE, session_key_slice(&own->key));
	} else {
		own->session.flags |= SLOT_AVAILABLE;
		txn_put(txn, REGISTRY_PRESENCE, session_key_slice(&own->key), presence);
	}
	write_session(txn, &own->key, &own->session);
}

int
registry_set_presence(struct registry *registry, uint64_t account, struct slice resource,
    struct slot_ref session, int8_t priority, uint32_t flags, struct slice presence)
{
	struct own own;
	struct txn *txn;
	bool is_found;

	if (presence.length > REGISTRY_PRESENCE_MAX)
		return RESULT_FULL;
	txn = txn_write(registry->env);
	is_found = find_own(registry, txn, account, resource, session, &own);
	if (is_found) {
		own.session.priority = priority;
		own.session.flags = flags;
		write_presence(txn, &own, presence);
	}
	return finish(txn, is_found);
}

int
registry_set_flags(struct registry *registry, uint64_t account, struct slice resource,
    struct slot_ref session, uint32_t flags)
{
	struct txn *txn = txn_write(registry->env);
	struct own own;
	bool is_found = find_own(registry, txn, account, resource, session, &own);

	if (is_found) {
		own.session.flags = flags;
		write_session(txn, &own.key, &own.session);
	}
	return finish(txn, is_found);
}

/* --- what one session of an account has alone --- */

struct claim {
	struct registry *registry;
	struct slot_ref	 session;
	uint32_t	 flag;
	bool		 is_taken;
};

static bool
on_rival(void *owner, struct slice key, struct slice value)
{
	struct claim *claim = owner;
	struct registry_session rival;

	if (!session_record_read(key, value, &rival) || (rival.flags & claim->flag) == 0 ||
	    rival.session.slot == claim->session.slot)
		return true;
	claim->is_taken = registry_is_live(claim->registry, rival.session);
	return !claim->is_taken;
}

int
registry_claim(struct registry *registry, uint64_t account, struct slice resource,
    struct slot_ref session, uint32_t flag)
{
	struct claim claim = { registry, session, flag, false };
	struct txn *txn = txn_write(registry->env);
	struct session_key all = session_key(account, 0);
	struct own own;

	txn_each(txn, REGISTRY_SESSION, slice_of(all.bytes, 8), SLICE_EMPTY, on_rival, &claim);
	if (claim.is_taken || registry_is_leaving(registry, txn, account, flag)) {
		txn_end(&txn);
		return RESULT_EXISTS;
	}
	if (!find_own(registry, txn, account, resource, session, &own))
		return finish(txn, false);
	own.session.flags |= flag;
	write_session(txn, &own.key, &own.session);
	return finish(txn, true);
}
