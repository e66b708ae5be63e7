/* account_ids.c -- which account a bare JID names: asked by every stanza, remembered until an account changes. */
#include "routing/account_ids.h"

#include "base/hash.h"
#include "base/memory.h"
#include "shm/store.h"
#include "stream/server.h"

#define PLACES	 4096	/* memory of places nobody came to is never touched */
#define JID_MOST 56	/* longer ones are looked up each time */

struct known {
	uint64_t id;		/* 0: none */
	uint64_t state;		/* of the accounts, taken before they were read */
	uint32_t length;
	char	 bare[JID_MOST];
};

struct account_ids {
	struct server *server;
	struct known   places[PLACES];
};

struct account_ids *
account_ids_new(struct server *server)
{
	struct account_ids *ids = NEW(struct account_ids);

	ids->server = server;
	return ids;
}

void
account_ids_free(struct account_ids **ids)
{
	memory_free(*ids);
	*ids = NULL;
}

static uint64_t
look_up(const struct server *server, struct slice bare)
{
	struct txn *txn = store_read(server->core);
	uint64_t id = store_account_id(server->core, txn, bare);

	txn_end(&txn);
	return id;
}

uint64_t
account_ids_find(struct account_ids *ids, struct slice bare)
{
	uint64_t state = store_changes(ids->server->shm, STORE_CORE, STORE_ACCOUNTS);
	struct known *known = &ids->places[hash64(hash_process_key(), bare) % PLACES];
	uint64_t id;

	if (known->id != 0 && known->state == state &&
	    slice_equal(slice_of(known->bare, known->length), bare))
		return known->id;
	id = look_up(ids->server, bare);
	if (id == 0 || bare.length > JID_MOST)
		return id;
	*known = (struct known){ .id = id, .state = state, .length = (uint32_t)bare.length };
	memcpy(known->bare, bare.data, bare.length);
	return id;
}
