/* fsck_registry.c -- checks who is online: sessions against slots both ways, presences, and what is directed. */
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/result.h"
#include "shm/fsck_private.h"
#include "shm/registry_record.h"
#include "shm/registry_resume.h"
#include "shm/slots.h"

struct checker {
	struct fsck	*fsck;
	struct registry *registry;
	const struct shm *shm;
	struct txn	*txn;
	struct store	*core;		/* NULL: accounts are not looked up */
	struct txn	*core_txn;
	bool		 is_in_use;
};

static void
name_session(const struct registry_session *session, char *out, size_t size)
{
	snprintf(out, size, SLICE_FMT "/" SLICE_FMT, SLICE_ARG(session->bare_jid),
	    SLICE_ARG(session->resource));
}

static void
name_key(struct slice key, char *out, size_t size)
{
	snprintf(out, size, "account %llu place %llx",
	    (unsigned long long)session_key_account(key),
	    (unsigned long long)session_key_place(key));
}

/* --- sessions --- */

/* One of the places for resources of that hash. */
static bool
is_at_its_place(const struct checker *checker, struct slice key, struct slice resource)
{
	uint64_t hash = checker->registry->hash(checker->shm, resource);

	if (hash > UINT64_MAX - REGISTRY_PROBES)
		hash -= REGISTRY_PROBES;
	return session_key_place(key) - hash < REGISTRY_PROBES;
}

static bool
leads_back(const struct checker *checker, struct slice key, struct slot_ref session)
{
	uint32_t slot = htobe32(session.slot);
	struct slot_record record;
	struct slice value;

	if (!txn_get(checker->txn, REGISTRY_SLOT, slice_of(&slot, sizeof(slot)), &value) ||
	    value.length != sizeof(record))
		return false;
	memcpy(&record, value.data, sizeof(record));
	return record.epoch == session.epoch &&
	    memcmp(record.session.bytes, key.data, sizeof(record.session.bytes)) == 0;
}

static void
check_account(const struct checker *checker, const struct registry_session *session,
    const char *where)
{
	uint64_t id;

	if (checker->core == NULL)
		return;
	id = store_account_id(checker->core, checker->core_txn, session->bare_jid);
	if (id == 0)
		fsck_find(checker->fsck, FSCK_SESSION_ACCOUNT, where, "there is no such account");
	else if (id != session->account)
		fsck_find(checker->fsck, FSCK_SESSION_ACCOUNT, where,
		    "its account is %llu, that of the address %llu",
		    (unsigned long long)session->account, (unsigned long long)id);
}

/* The slot's words follow the record's; a slot that is just being bound has none yet. */
static void
check_words(const struct checker *checker, const struct slot *slot, struct slice key,
    const struct registry_session *session, const char *where)
{
	uint64_t account = atomic_load(&slot->account);

	if (account != 0 && account != session->account)
		fsck_find(checker->fsck, FSCK_SESSION_WORDS, where,
		    "account %llu in slot %u, %llu in the registry", (unsigned long long)account,
		    session->session.slot, (unsigned long long)session->account);
	if (account != 0 && atomic_load(&slot->resource_hash) != session_key_place(key) &&
	    atomic_load(&slot->resource_hash) != 0)
		fsck_find(checker->fsck, FSCK_SESSION_WORDS, where,
		    "place %llx in slot %u, %llx in the registry",
		    (unsigned long long)atomic_load(&slot->resource_hash), session->session.slot,
		    (unsigned long long)session_key_place(key));
}

static void
check_presence(const struct checker *checker, struct slice key,
    const struct registry_session *session, const char *where)
{
	struct slice presence;
	bool has = txn_get(checker->txn, REGISTRY_PRESENCE, key, &presence);
	bool says = (session->flags & SLOT_AVAILABLE) != 0;

	if (has != says)
		fsck_find(checker->fsck, FSCK_PRESENCE_FLAG, where, "%s",
		    has ? "it has a presence and is not available"
			: "it is available and has no presence");
}

static bool
on_session(void *owner, struct slice key, struct slice value)
{
	struct checker *checker = owner;
	struct registry_session session;
	const struct slot *slot;
	char where[112];

	fsck_count(checker->fsck)->records++;
	name_key(key, where, sizeof(where));
	if (!session_record_read(key, value, &session) || session.bare_jid.length == 0) {
		fsck_find(checker->fsck, FSCK_SESSION_RECORD, where, "it has %zu bytes",
		    value.length);
		return true;
	}
	name_session(&session, where, sizeof(where));
	if (!is_at_its_place(checker, key, session.resource))
		fsck_find(checker->fsck, FSCK_SESSION_RECORD, where, "it stands at place %llx",
		    (unsigned long long)session_key_place(key));
	slot = slot_find(checker->shm, session.session);
	if (slot == NULL) {
		if (checker->is_in_use)
			fsck_find(checker->fsck, FSCK_SESSION_ENDED, where,
			    "slot %u has left epoch %u", session.session.slot,
			    session.session.epoch);
		return true;
	}
	fsck_count(checker->fsck)->sessions++;
	if (!leads_back(checker, key, session.session))
		fsck_find(checker->fsck, FSCK_SESSION_SLOT, where,
		    "the record of slot %u is another's", session.session.slot);
	check_words(checker, slot, key, &session, where);
	check_presence(checker, key, &session, where);
	check_account(checker, &session, where);
	return true;
}

/* --- slots --- */

/* The session of a key, if that names the slot. */
static bool
is_session_of(const struct checker *checker, struct slice key, struct slot_ref session)
{
	struct registry_session found;
	struct slice value;

	return txn_get(checker->txn, REGISTRY_SESSION, key, &value) &&
	    session_record_read(key, value, &found) && found.session.slot == session.slot &&
	    found.session.epoch == session.epoch;
}

static bool
on_slot(void *owner, struct slice key, struct slice value)
{
	struct checker *checker = owner;
	struct slot_record record;
	uint32_t slot;
	char where[32];

	fsck_count(checker->fsck)->records++;
	if (key.length != sizeof(slot) || value.length != sizeof(record)) {
		fsck_find(checker->fsck, FSCK_SLOT_SESSION, "a record", "it has %zu bytes",
		    value.length);
		return true;
	}
	memcpy(&slot, key.data, sizeof(slot));
	memcpy(&record, value.data, sizeof(record));
	slot = be32toh(slot);
	snprintf(where, sizeof(where), "slot %u", slot);
	if (slot >= checker->shm->max_sessions)
		fsck_find(checker->fsck, FSCK_SLOT_SESSION, where, "there are %u slots",
		    checker->shm->max_sessions);
	else if (!is_session_of(checker, session_key_slice(&record.session),
		     (struct slot_ref){ slot, record.epoch }))
		fsck_find(checker->fsck, FSCK_SLOT_SESSION, where,
		    "no session of epoch %u stands where it says", record.epoch);
	return true;
}

/* One that is leaving: what its client did not get is on its way, or its stream still ends. */
static void
check_bound(const struct checker *checker, struct slot_ref ref, const struct slot *slot)
{
	uint32_t key = htobe32(ref.slot);
	struct session_key own =
	    session_key(atomic_load(&slot->account), atomic_load(&slot->resource_hash));
	struct slot_record record = { 0 };
	struct slice value;
	char where[32];

	if (txn_get(checker->txn, REGISTRY_SLOT, slice_of(&key, sizeof(key)), &value) &&
	    value.length == sizeof(record))
		memcpy(&record, value.data, sizeof(record));
	if (record.epoch == ref.epoch || is_session_of(checker, session_key_slice(&own), ref) ||
	    leaving_is_noted(checker->txn, atomic_load(&slot->account), ref))
		return;
	snprintf(where, sizeof(where), "slot %u", ref.slot);
	fsck_find(checker->fsck, FSCK_SLOT_UNBOUND, where,
	    "account %llu has a session there, in epoch %u, that nobody finds",
	    (unsigned long long)atomic_load(&slot->account), ref.epoch);
}

/* --- what hangs on sessions --- */

static bool
on_presence(void *owner, struct slice key, struct slice value)
{
	struct checker *checker = owner;
	struct slice session;
	char where[64];

	(void)value;
	fsck_count(checker->fsck)->records++;
	if (txn_get(checker->txn, REGISTRY_SESSION, key, &session))
		return true;
	name_key(key, where, sizeof(where));
	fsck_find(checker->fsck, FSCK_PRESENCE_SESSION, where, "there is no such session");
	return true;
}

/* One whose slot was given is not believed, and goes with a later change. */
static bool
on_leaving(void *owner, struct slice key, struct slice value)
{
	struct checker *checker = owner;
	struct slot_ref session;
	const struct slot *slot;
	uint64_t account;
	char where[64];

	fsck_count(checker->fsck)->records++;
	if (!leaving_record_read(key, value, &account, &session)) {
		fsck_find(checker->fsck, FSCK_LEAVING_RECORD, "a record",
		    "it has %zu and %zu bytes", key.length, value.length);
		return true;
	}
	slot = slot_find(checker->shm, session);
	snprintf(where, sizeof(where), "account %llu slot %u", (unsigned long long)account,
	    session.slot);
	if (slot != NULL && atomic_load(&slot->account) != account)
		fsck_find(checker->fsck, FSCK_LEAVING_RECORD, where,
		    "the session there is of account %llu",
		    (unsigned long long)atomic_load(&slot->account));
	return true;
}

static bool
on_directed(void *owner, struct slice key, struct slice value)
{
	struct checker *checker = owner;
	uint32_t words[2];
	uint16_t lengths[2];
	struct slot_ref session;
	char where[48];

	fsck_count(checker->fsck)->records++;
	if (key.length != 16 || value.length < sizeof(lengths)) {
		fsck_find(checker->fsck, FSCK_DIRECTED_RECORD, "a record", "it has %zu bytes",
		    value.length);
		return true;
	}
	memcpy(words, key.data, sizeof(words));
	memcpy(lengths, value.data, sizeof(lengths));
	session = (struct slot_ref){ be32toh(words[0]), be32toh(words[1]) };
	snprintf(where, sizeof(where), "slot %u, epoch %u", session.slot, session.epoch);
	if (value.length != sizeof(lengths) + lengths[1] || lengths[0] > lengths[1])
		fsck_find(checker->fsck, FSCK_DIRECTED_RECORD, where, "lengths %u and %u in %zu bytes",
		    lengths[0], lengths[1], value.length);
	else if (checker->is_in_use && !registry_is_live(checker->registry, session))
		fsck_find(checker->fsck, FSCK_DIRECTED_ENDED, where, "presence directed to " SLICE_FMT,
		    (int)lengths[0], value.data + sizeof(lengths));
	return true;
}

/* A record of one that has ended, or ended without a word and was not swept yet, names no slot. */
static bool
on_resume(void *owner, struct slice key, struct slice value)
{
	struct checker *checker = owner;
	struct resumable found;
	const struct slot *slot;
	uint64_t account = 0;
	struct slice id;
	char where[64];

	fsck_count(checker->fsck)->records++;
	if (key.length >= sizeof(account))
		memcpy(&account, key.data, sizeof(account));
	account = be64toh(account);
	snprintf(where, sizeof(where), "a resume id of account %llu", (unsigned long long)account);
	if (key.length != sizeof(account) + RESUME_ID_SIZE || value.length != RESUME_RECORD_SIZE) {
		fsck_find(checker->fsck, FSCK_RESUME_RECORD, where, "it has %zu and %zu bytes",
		    key.length, value.length);
		return true;
	}
	id = slice_after(key, sizeof(account));
	if (!registry_resumable(checker->registry, checker->txn, account, id, &found) ||
	    found.is_over)
		return true;
	slot = slot_find(checker->shm, found.session);
	if (slot != NULL && memcmp(slot->resume_id, id.data, id.length) != 0)
		fsck_find(checker->fsck, FSCK_RESUME_SLOT, where, "slot %u has another id",
		    found.session.slot);
	return true;
}

static void
check_resumable(const struct checker *checker, struct slot_ref ref, const struct slot *slot)
{
	struct resumable found;
	char where[32];

	if ((atomic_load(&slot->flags) & SLOT_RESUMABLE) == 0)
		return;
	if (registry_resumable(checker->registry, checker->txn, atomic_load(&slot->account),
		slice_of(slot->resume_id, RESUME_ID_SIZE), &found) &&
	    !found.is_over && found.session.slot == ref.slot && found.session.epoch == ref.epoch)
		return;
	snprintf(where, sizeof(where), "slot %u", ref.slot);
	fsck_find(checker->fsck, FSCK_RESUME_SLOT, where, "nobody finds it by its id, in epoch %u",
	    ref.epoch);
}

static void
on_live_slot(void *owner, struct slot_ref ref, struct slot *slot)
{
	if (atomic_load(&slot->type) != SLOT_C2S)
		return;
	check_bound(owner, ref, slot);
	check_resumable(owner, ref, slot);
}

void
fsck_registry(struct fsck *fsck, struct registry *registry, struct store *core)
{
	struct checker checker = { .fsck = fsck,
		.registry = registry,
		.shm = registry->shm,
		.txn = registry_read(registry),
		.core = core,
		.core_txn = core == NULL ? NULL : store_read(core),
		.is_in_use = fsck_is_in_use(fsck) };
	const struct {
		int table;
		bool (*each)(void *owner, struct slice key, struct slice value);
	} tables[] = { { REGISTRY_SESSION, on_session }, { REGISTRY_SLOT, on_slot },
		{ REGISTRY_PRESENCE, on_presence }, { REGISTRY_DPRES, on_directed },
		{ REGISTRY_SMID, on_resume }, { REGISTRY_LEAVING, on_leaving } };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		txn_each(checker.txn, tables[i].table, SLICE_EMPTY, SLICE_EMPTY, tables[i].each,
		    &checker);
	slot_each(checker.shm, SHM_NOBODY, on_live_slot, &checker);
	if (txn_error(checker.txn) != RESULT_OK)
		fsck_find(fsck, FSCK_REGISTRY_BROKEN, "registry", "%s",
		    result_text(txn_error(checker.txn)));
	txn_end(&checker.txn);
	if (checker.core_txn != NULL)
		txn_end(&checker.core_txn);
}
