/* registry_change.c -- what is bound is changed, claimed and unbound, each in one transaction. */
#include "shm/registry.h"

#include <endian.h>
#include <string.h>

#include "base/result.h"
#include "shm/registry_record.h"

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

void
registry_write(struct txn *txn, const struct session_key *key,
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
	registry_write(txn, &own->key, &own->session);
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
		registry_write(txn, &own.key, &own.session);
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
	registry_write(txn, &own.key, &own.session);
	return finish(txn, true);
}
