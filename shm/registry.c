/* registry.c -- who is online, and on which worker: opening and reading. */
#include "shm/registry.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/ensure.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/result.h"
#include "shm/registry_record.h"
#include "shm/slots.h"

#define READERS		(PROCESSES_MAX + 56)	/* the server's processes, and tools */
#define MAP_BASE	(64ull << 20)
#define MAP_PER_SESSION (16ull << 10)		/* a session with the greatest presence, and what a change copies */
#define ROUTES_MAX	256

static const char *const table_names[REGISTRY_TABLES] = {
	[REGISTRY_SESSION] = "session",
	[REGISTRY_PRESENCE] = "presence",
	[REGISTRY_SLOT] = "slot",
	[REGISTRY_SMID] = "smid",
	[REGISTRY_DPRES] = "dpres",
	[REGISTRY_ROUTE] = "route",
	[REGISTRY_ROOM] = "room",
	[REGISTRY_LEAVING] = "leaving",
};

static uint64_t
hash_resource(const struct shm *shm, struct slice resource)
{
	struct hash_key key = { { shm->instance->hash_key[0], shm->instance->hash_key[1] } };

	return hash64(&key, resource);
}

int
registry_open(struct shm *shm, bool create, bool read_only, struct registry **out)
{
	struct registry *registry = NEW(struct registry);
	char directory[sizeof(shm->directory) + 16];
	struct env_options options = {
		.directory = directory,
		.flags = ENV_VOLATILE | (create ? ENV_CREATE : 0u) |
		    (read_only ? ENV_READ_ONLY : 0u),
		.map_size = MAP_BASE + MAP_PER_SESSION * shm->max_sessions,
		.readers = READERS,
		.tables = table_names,
		.table_count = REGISTRY_TABLES,
		.layout = REGISTRY_LAYOUT,
	};
	int result;

	snprintf(directory, sizeof(directory), "%s/registry", shm->directory);
	registry->shm = shm;
	registry->hash = hash_resource;
	result = env_open(&options, &registry->env);
	if (result != RESULT_OK) {
		memory_free(registry);
		return result;
	}
	*out = registry;
	return RESULT_OK;
}

void
registry_close(struct registry **pointer)
{
	struct registry *registry = *pointer;

	if (registry == NULL)
		return;
	env_close(&registry->env);
	memory_free(registry);
	*pointer = NULL;
}

struct txn *
registry_read(struct registry *registry)
{
	return txn_read(registry->env);
}

/* --- records --- */

struct session_key
session_key(uint64_t account, uint64_t place)
{
	uint64_t words[2] = { htobe64(account), htobe64(place) };
	struct session_key key;

	memcpy(key.bytes, words, sizeof(words));
	return key;
}

static uint64_t
key_word(struct slice key, size_t offset)
{
	uint64_t word = 0;

	if (key.length >= offset + sizeof(word))
		memcpy(&word, key.data + offset, sizeof(word));
	return be64toh(word);
}

uint64_t
session_key_account(struct slice key)
{
	return key_word(key, 0);
}

uint64_t
session_key_place(struct slice key)
{
	return key_word(key, 8);
}

bool
session_record_read(struct slice key, struct slice value, struct registry_session *session)
{
	struct session_record record;

	if (key.length != sizeof(struct session_key) || value.length < sizeof(record))
		goto corrupt;
	memcpy(&record, value.data, sizeof(record));
	if (value.length != sizeof(record) + record.jid_length + record.resource_length ||
	    record.jid_length > REGISTRY_JID_MAX ||
	    record.resource_length > REGISTRY_RESOURCE_MAX)
		goto corrupt;
	value = slice_after(value, sizeof(record));
	*session = (struct registry_session){
		.session = { record.slot, record.epoch },
		.account = session_key_account(key),
		.bare_jid = slice_of(value.data, record.jid_length),
		.resource = slice_after(value, record.jid_length),
		.priority = record.priority,
		.flags = record.flags,
		.bound_us = record.bound_us,
	};
	return true;
corrupt:
	log_error(LOG_SHM, "corrupt session record", "bytes=%zu", value.length);
	return false;
}

bool
registry_is_live(const struct registry *registry, struct slot_ref session)
{
	return slot_find(registry->shm, session) != NULL;
}

struct place_search {
	struct slice		 resource;
	uint64_t		 first;
	uint32_t		 taken;		/* bit i: place first + i has a record */
	bool			 is_found;
	uint64_t		 place;
	struct registry_session *found;
};

static bool
on_place(void *owner, struct slice key, struct slice value)
{
	struct place_search *search = owner;
	uint64_t place = session_key_place(key);
	struct registry_session session;

	if (place - search->first >= REGISTRY_PROBES)
		return false;
	search->taken |= 1u << (place - search->first);
	if (!session_record_read(key, value, &session) ||
	    !slice_equal(session.resource, search->resource))
		return true;
	search->is_found = true;
	search->place = place;
	*search->found = session;
	return false;
}

/* Resources whose hashes are equal stand one behind the other; a gap may be anywhere, so all places are looked at. */
bool
registry_place(struct registry *registry, struct txn *txn, uint64_t account,
    struct slice resource, uint64_t *place, struct registry_session *found)
{
	uint64_t hash = registry->hash(registry->shm, resource);
	struct place_search search = { .resource = resource, .found = found };
	struct session_key from;
	struct slice value;

	if (hash > UINT64_MAX - REGISTRY_PROBES)
		hash -= REGISTRY_PROBES;
	search.first = hash;
	from = session_key(account, hash);
	*place = hash;
	if (txn_get(txn, REGISTRY_SESSION, session_key_slice(&from), &value) &&
	    session_record_read(session_key_slice(&from), value, found) &&
	    slice_equal(found->resource, resource))
		return true;
	txn_each(txn, REGISTRY_SESSION, slice_of(from.bytes, 8), session_key_slice(&from), on_place,
	    &search);
	if (search.is_found) {
		*place = search.place;
		return true;
	}
	for (uint32_t i = 0; i < REGISTRY_PROBES; i++)
		if ((search.taken & 1u << i) == 0) {
			*place = hash + i;
			return false;
		}
	*place = UINT64_MAX;
	return false;
}

/* --- reading --- */

struct route_search {
	const struct registry *registry;
	struct route	      *found;
	int		       max;
	int		       count;
	uint64_t	       bound_us[ROUTES_MAX];
};

/* Best priority first, then who bound last: RFC 6121 8.5.2.1.1 leaves the choice among equals to us. */
static bool
goes_before(const struct route_search *search, const struct route *route, uint64_t bound_us,
    int place)
{
	const struct route *other = &search->found[place];

	if (route->priority != other->priority)
		return route->priority > other->priority;
	return bound_us > search->bound_us[place];
}

static void
insert_route(struct route_search *search, const struct route *route, uint64_t bound_us)
{
	int i;

	if (search->count < search->max)
		i = search->count++;
	else if (goes_before(search, route, bound_us, search->max - 1))
		i = search->max - 1;
	else
		return;
	for (; i > 0 && goes_before(search, route, bound_us, i - 1); i--) {
		search->found[i] = search->found[i - 1];
		search->bound_us[i] = search->bound_us[i - 1];
	}
	search->found[i] = *route;
	search->bound_us[i] = bound_us;
}

static struct route
route_of(const struct registry_session *session, uint64_t place)
{
	return (struct route){
		.session = session->session,
		.priority = session->priority,
		.flags = session->flags,
		.resource_hash = place,
	};
}

static bool
on_route(void *owner, struct slice key, struct slice value)
{
	struct route_search *search = owner;
	struct registry_session session;
	struct route route;

	if (!session_record_read(key, value, &session) ||
	    !registry_is_live(search->registry, session.session))
		return true;
	route = route_of(&session, session_key_place(key));
	insert_route(search, &route, session.bound_us);
	return true;
}

int
registry_find(struct registry *registry, struct txn *txn, uint64_t account, struct route *found,
    int max)
{
	struct route_search search;
	struct session_key key = session_key(account, 0);

	search.registry = registry;
	search.found = found;
	search.max = max < ROUTES_MAX ? max : ROUTES_MAX;
	search.count = 0;
	if (max > 0)
		txn_each(txn, REGISTRY_SESSION, slice_of(key.bytes, 8), SLICE_EMPTY, on_route,
		    &search);
	return search.count;
}

bool
registry_find_resource(struct registry *registry, struct txn *txn, uint64_t account,
    struct slice resource, struct route *found)
{
	struct registry_session session;
	uint64_t place;

	if (!registry_place(registry, txn, account, resource, &place, &session) ||
	    !registry_is_live(registry, session.session))
		return false;
	*found = route_of(&session, place);
	return true;
}

bool
registry_presence(struct registry *registry, struct txn *txn, uint64_t account,
    uint64_t resource_hash, struct slice *presence)
{
	struct session_key key = session_key(account, resource_hash);

	return txn_get(txn, REGISTRY_PRESENCE, session_key_slice(&key), presence);
}

struct each_session {
	bool (*each)(void *owner, const struct registry_session *session);
	void *owner;
};

static bool
on_session(void *owner, struct slice key, struct slice value)
{
	struct each_session *all = owner;
	struct registry_session session;

	return !session_record_read(key, value, &session) || all->each(all->owner, &session);
}

void
registry_each(struct registry *registry, struct txn *txn,
    bool (*each)(void *owner, const struct registry_session *session), void *owner)
{
	struct each_session all = { each, owner };

	txn_each(txn, REGISTRY_SESSION, SLICE_EMPTY, SLICE_EMPTY, on_session, &all);
}

bool
registry_session_of(struct registry *registry, struct txn *txn, struct slot_ref ref,
    struct registry_session *found)
{
	uint32_t slot = htobe32(ref.slot);
	struct slot_record record;
	struct slice value;

	if (!txn_get(txn, REGISTRY_SLOT, slice_of(&slot, sizeof(slot)), &value) ||
	    value.length != sizeof(record))
		return false;
	memcpy(&record, value.data, sizeof(record));
	return record.epoch == ref.epoch &&
	    txn_get(txn, REGISTRY_SESSION, session_key_slice(&record.session), &value) &&
	    session_record_read(session_key_slice(&record.session), value, found);
}

void
registry_watch(struct registry *registry, struct process_page *page)
{
	env_watch(registry->env, page);
}

struct env *
registry_env(struct registry *registry)
{
	return registry->env;
}
