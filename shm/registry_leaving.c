/* registry_leaving.c -- sessions that nobody finds any more, and whose slots still hold what their clients did not get. */
#include <endian.h>
#include <string.h>

#include "base/result.h"
#include "shm/registry_record.h"
#include "shm/slots.h"

static struct slice
key_slice(const struct leaving_key *key)
{
	return slice_of(key, sizeof(*key));
}

struct leaving_key
leaving_key(uint64_t account, uint32_t slot)
{
	return (struct leaving_key){ htobe64(account), htobe32(slot) };
}

bool
leaving_record_read(struct slice key, struct slice value, uint64_t *account,
    struct slot_ref *session)
{
	struct leaving_key words;

	if (key.length != sizeof(words) || value.length != sizeof(session->epoch))
		return false;
	memcpy(&words, key.data, sizeof(words));
	memcpy(&session->epoch, value.data, sizeof(session->epoch));
	*account = be64toh(words.account);
	session->slot = be32toh(words.slot);
	return true;
}

/* --- reading --- */

bool
leaving_is_noted(struct txn *txn, uint64_t account, struct slot_ref session)
{
	struct leaving_key key = leaving_key(account, session.slot);
	struct slice value;

	return txn_get(txn, REGISTRY_LEAVING, key_slice(&key), &value) &&
	    slice_equal(value, slice_of(&session.epoch, sizeof(session.epoch)));
}

struct leaving_search {
	const struct shm *shm;
	uint32_t	  flag;
	bool		  is_found;
};

static bool
on_leaving(void *owner, struct slice key, struct slice value)
{
	struct leaving_search *search = owner;
	struct slot_ref session;
	const struct slot *slot;
	uint64_t account;

	if (!leaving_record_read(key, value, &account, &session))
		return true;
	slot = slot_find(search->shm, session);
	search->is_found = slot != NULL &&
	    (search->flag == 0 || (atomic_load(&slot->flags) & search->flag) != 0);
	return !search->is_found;
}

bool
registry_is_leaving(struct registry *registry, struct txn *txn, uint64_t account, uint32_t flag)
{
	struct leaving_search search = { registry->shm, flag, false };
	uint64_t prefix = htobe64(account);

	txn_each(txn, REGISTRY_LEAVING, slice_of(&prefix, sizeof(prefix)), SLICE_EMPTY, on_leaving,
	    &search);
	return search.is_found;
}

/* --- changing --- */

void
registry_leave(struct registry *registry, struct txn *txn, const struct session_key *key,
    struct slot_ref session)
{
	struct leaving_key leaving =
	    leaving_key(session_key_account(session_key_slice(key)), session.slot);

	registry_remove(txn, key, session);
	if (registry_is_live(registry, session))
		txn_put(txn, REGISTRY_LEAVING, key_slice(&leaving),
		    slice_of(&session.epoch, sizeof(session.epoch)));
}

static void
forget(struct txn *txn, uint64_t account, struct slot_ref session)
{
	struct leaving_key key = leaving_key(account, session.slot);

	if (leaving_is_noted(txn, account, session))
		txn_delete(txn, REGISTRY_LEAVING, key_slice(&key));
}

void
registry_forget_left(struct registry *registry, struct txn *txn)
{
	for (int i = 0; i < registry->left_count; i++)
		forget(txn, registry->left_account[i], registry->left[i]);
}

int
registry_forget_all_left(struct registry *registry)
{
	struct txn *txn;
	int result;

	if (registry->left_count == 0)
		return RESULT_OK;
	txn = txn_write(registry->env);
	registry_forget_left(registry, txn);
	result = txn_commit(&txn);
	if (result == RESULT_OK)
		registry->left_count = 0;
	return result;
}

void
registry_left(struct registry *registry, uint64_t account, struct slot_ref session)
{
	if (registry->left_count == LEFT_MAX &&
	    registry_forget_all_left(registry) != RESULT_OK)
		return;	/* the next sweep finds it */
	registry->left_account[registry->left_count] = account;
	registry->left[registry->left_count++] = session;
}
