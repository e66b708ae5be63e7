/* shm_fsck_registry_test.c -- facts about the checker of the registry: each rule, broken alone, is named. */
#include "tests/folder.h"
#include "tests/unit/shm_fsck_kit.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/result.h"
#include "shm/registry_record.h"
#include "shm/registry_resume.h"
#include "shm/slots.h"

#define JID "romeo@localhost"
#define ID  "abcdefghijklmnopqrstuvwx"

/* Two sessions: one with all there can be, one without anything. */
struct online {
	char directory[64];
	struct shm *shm;
	struct registry *registry;
	struct store *core;
	struct slot_ref phone;
	struct slot_ref desk;
	struct session_key phone_key;
	uint64_t account;
};

static void
add_account(struct online *online)
{
	struct store_change change = { .verb = STORE_ACCOUNT_PUT,
				       .key = SLICE(JID),
				       .value = SLICE("keys") };

	assert_int_equal(store_open(online->directory, STORE_CORE, true, &online->core),
			 RESULT_OK);
	assert_int_equal(store_apply(online->core, &change, 1, &online->account), RESULT_OK);
}

static struct slot_ref
bind_one(struct online *online, struct slice resource)
{
	struct bind_request request = { .account = online->account,
					.bare_jid = SLICE(JID),
					.resource = resource,
					.sessions_max = 20,
					.now_us = 1 };
	struct bind_answer answer;
	struct slot *slot;

	assert_int_equal(slot_take(online->shm, &request.session), RESULT_OK);
	assert_int_equal(registry_bind(online->registry, &request, &answer), RESULT_OK);
	slot = slot_find(online->shm, request.session);
	atomic_store(&slot->account, online->account);
	atomic_store(&slot->resource_hash, answer.resource_hash);
	atomic_store(&slot->type, SLOT_C2S);
	return request.session;
}

static void
make_resumable(struct online *online, struct slot_ref session)
{
	struct slot *slot = slot_find(online->shm, session);

	assert_int_equal(
	    registry_resume_keep(online->registry, online->account, SLICE(ID), session),
	    RESULT_OK);
	memcpy(slot->resume_id, ID, RESUME_ID_SIZE);
	atomic_fetch_or(&slot->flags, SLOT_RESUMABLE);
}

static void
make(struct online *online)
{
	struct shm_options options = { online->directory, 1, 10, 1 << 20 };
	struct slot *slot;

	assert_true(folder_make(online->directory, "/dev/shm"));
	assert_int_equal(shm_create(&options, &online->shm), RESULT_OK);
	shm_join(online->shm, 0);
	assert_int_equal(registry_open(online->shm, true, false, &online->registry), RESULT_OK);
	add_account(online);
	online->phone = bind_one(online, SLICE("phone"));
	online->desk = bind_one(online, SLICE("desk"));
	slot = slot_find(online->shm, online->phone);
	online->phone_key =
	    session_key(online->account, atomic_load(&slot->resource_hash));
	assert_int_equal(registry_set_presence(online->registry, online->account,
					       SLICE("phone"), online->phone, 1, 0,
					       SLICE("<presence/>")),
			 RESULT_OK);
	assert_int_equal(registry_direct(online->registry, online->phone, SLICE("a@b"),
					 SLICE("a@b/c"), 10),
			 RESULT_OK);
	make_resumable(online, online->phone);
	assert_int_equal(registry_resume_end(online->registry, online->account,
					     SLICE("zyxwvutsrqponmlkjihgfedc"), 1, 1),
			 RESULT_OK);
}

static void
end(struct online *online)
{
	char command[128];

	store_close(&online->core);
	registry_close(&online->registry);
	shm_detach(&online->shm);
	snprintf(command, sizeof(command), "rm -rf %s", online->directory);
	assert_int_equal(system(command), 0);
}

static void
check(struct online *online, enum fsck_rule rule, bool is_in_use)
{
	struct fsck *fsck = fsck_new(is_in_use);

	fsck_pass(fsck);
	fsck_registry(fsck, online->registry, online->core);
	fsck_end(fsck);
	assert_broken(fsck, rule);
	fsck_free(&fsck);
}

/* --- how --- */

static struct slice
phone_key(struct online *online)
{
	return session_key_slice(&online->phone_key);
}

static void
put(struct online *online, int table, struct slice key, struct slice value)
{
	struct txn *txn = txn_write(registry_env(online->registry));

	if (value.length == 0)
		txn_delete(txn, table, key);
	else
		txn_put(txn, table, key, value);
	assert_int_equal(txn_commit(&txn), RESULT_OK);
}

/* The record of the phone's session, to be changed and written back. */
static struct slice
session_bytes(struct online *online, char *bytes)
{
	struct txn *txn = registry_read(online->registry);
	struct slice value;

	assert_true(txn_get(txn, REGISTRY_SESSION, phone_key(online), &value));
	memcpy(bytes, value.data, value.length);
	txn_end(&txn);
	return slice_of(bytes, value.length);
}

static void
session_cut(struct online *online)
{
	char bytes[4096];
	struct slice value = session_bytes(online, bytes);

	value.length -= 3;
	put(online, REGISTRY_SESSION, phone_key(online), value);
	/* What hangs on it goes too, so that nothing else is broken. */
	put(online, REGISTRY_SLOT,
	    slice_of(&(uint32_t){ htobe32(online->phone.slot) }, 4), SLICE_EMPTY);
}

static void
session_without_address(struct online *online)
{
	struct session_record record = { .slot = online->phone.slot,
					 .epoch = online->phone.epoch };

	put(online, REGISTRY_SESSION, phone_key(online), slice_of(&record, sizeof(record)));
}

/* Everything of the phone's moves to a place where nobody looks for it. */
static void
session_misplaced(struct online *online)
{
	struct slot *slot = slot_find(online->shm, online->phone);
	struct session_key key =
	    session_key(online->account, atomic_load(&slot->resource_hash) ^ 1ull << 40);
	struct slot_record record = { online->phone.epoch, key };
	uint32_t number = htobe32(online->phone.slot);
	char bytes[4096];
	struct slice value = session_bytes(online, bytes);

	put(online, REGISTRY_SESSION, phone_key(online), SLICE_EMPTY);
	put(online, REGISTRY_PRESENCE, phone_key(online), SLICE_EMPTY);
	put(online, REGISTRY_SESSION, session_key_slice(&key), value);
	put(online, REGISTRY_PRESENCE, session_key_slice(&key), SLICE("<presence/>"));
	put(online, REGISTRY_SLOT, slice_of(&number, 4), slice_of(&record, sizeof(record)));
	atomic_store(&slot->resource_hash, session_key_place(session_key_slice(&key)));
}

static void
slot_record_gone(struct online *online)
{
	uint32_t number = htobe32(online->phone.slot);

	put(online, REGISTRY_SLOT, slice_of(&number, 4), SLICE_EMPTY);
}

static void
slot_record_astray(struct online *online)
{
	struct slot_record record = { 1, online->phone_key };
	uint32_t number = htobe32(7);

	put(online, REGISTRY_SLOT, slice_of(&number, 4), slice_of(&record, sizeof(record)));
}

static void
slot_record_beyond(struct online *online)
{
	struct slot_record record = { 1, online->phone_key };
	uint32_t number = htobe32(700);

	put(online, REGISTRY_SLOT, slice_of(&number, 4), slice_of(&record, sizeof(record)));
}

static void
session_over(struct online *online)
{
	slot_give(online->shm, online->desk);
}

static void
leave(struct online *online)
{
	assert_int_equal(registry_unbind(online->registry, online->account, SLICE("desk"),
					 online->desk),
			 RESULT_OK);
}

/* It is nowhere, and nobody says that it is leaving. */
static void
session_unbound(struct online *online)
{
	leave(online);
	registry_left(online->registry, online->account, online->desk);
	assert_int_equal(registry_forget_all_left(online->registry), RESULT_OK);
}

static void
put_leaving(struct online *online, uint64_t account, uint32_t slot, struct slice value)
{
	struct txn *txn = txn_write(registry_env(online->registry));
	struct leaving_key key = leaving_key(account, slot);

	txn_put(txn, REGISTRY_LEAVING, slice_of(&key, sizeof(key)), value);
	assert_int_equal(txn_commit(&txn), RESULT_OK);
}

static void
leaving_cut(struct online *online)
{
	put_leaving(online, online->account, online->desk.slot, SLICE("abc"));
}

static void
leaving_of_another(struct online *online)
{
	put_leaving(online, 99, online->desk.slot,
	    slice_of(&online->desk.epoch, sizeof(online->desk.epoch)));
}

static void
account_other(struct online *online)
{
	atomic_store(&slot_find(online->shm, online->desk)->account, 99);
}

static void
place_other(struct online *online)
{
	atomic_fetch_add(&slot_find(online->shm, online->desk)->resource_hash, 2);
}

static void
account_gone(struct online *online)
{
	struct store_change change = { .verb = STORE_ACCOUNT_DELETE, .key = SLICE(JID) };

	assert_int_equal(store_apply(online->core, &change, 1, NULL), RESULT_OK);
}

static void
account_again(struct online *online)
{
	struct store_change change = { .verb = STORE_ACCOUNT_PUT,
				       .key = SLICE(JID),
				       .value = SLICE("keys") };

	account_gone(online);
	assert_int_equal(store_apply(online->core, &change, 1, NULL), RESULT_OK);
}

static void
presence_of_nobody(struct online *online)
{
	struct session_key key = session_key(online->account, 5);

	put(online, REGISTRY_PRESENCE, session_key_slice(&key), SLICE("<presence/>"));
}

static void
presence_gone(struct online *online)
{
	put(online, REGISTRY_PRESENCE, phone_key(online), SLICE_EMPTY);
}

static void
presence_unsaid(struct online *online)
{
	char bytes[4096];
	struct slice value = session_bytes(online, bytes);
	struct session_record *record = (struct session_record *)(void *)bytes;

	record->flags = 0;
	put(online, REGISTRY_SESSION, phone_key(online), value);
}

static void
directed_cut(struct online *online)
{
	uint32_t key[4] = { htobe32(online->phone.slot), htobe32(online->phone.epoch) };

	put(online, REGISTRY_DPRES, slice_of(key, sizeof(key)), SLICE("\5\0\5\0a@b"));
}

static void
directed_short(struct online *online)
{
	put(online, REGISTRY_DPRES, SLICE("key"), SLICE("value"));
}

static void
directed_over(struct online *online)
{
	uint32_t key[4] = { htobe32(7), htobe32(1) };

	put(online, REGISTRY_DPRES, slice_of(key, sizeof(key)), SLICE("\3\0\3\0a@b"));
}

static void
resume_cut(struct online *online)
{
	char key[8 + RESUME_ID_SIZE] = { 0 };

	put(online, REGISTRY_SMID, slice_of(key, sizeof(key)), SLICE("short"));
}

static void
resume_id_other(struct online *online)
{
	assert_int_equal(registry_resume_keep(online->registry, online->account,
					      SLICE("ABCDEFGHIJKLMNOPQRSTUVWX"),
					      online->phone),
			 RESULT_OK);
}

static void
resume_id_gone(struct online *online)
{
	assert_int_equal(
	    registry_resume_end(online->registry, online->account, SLICE(ID), 1, 1),
	    RESULT_OK);
}

static const struct {
	enum fsck_rule rule;
	void (*breaks)(struct online *online);
} rows[] = {
	{ FSCK_SESSION_RECORD, session_without_address },
	{ FSCK_SESSION_RECORD, session_misplaced },
	{ FSCK_SESSION_SLOT, slot_record_gone },
	{ FSCK_SLOT_SESSION, slot_record_astray },
	{ FSCK_SLOT_SESSION, slot_record_beyond },
	{ FSCK_SESSION_ENDED, session_over },
	{ FSCK_SLOT_UNBOUND, session_unbound },
	{ FSCK_SESSION_WORDS, account_other },
	{ FSCK_SESSION_WORDS, place_other },
	{ FSCK_SESSION_ACCOUNT, account_gone },
	{ FSCK_SESSION_ACCOUNT, account_again },
	{ FSCK_PRESENCE_SESSION, presence_of_nobody },
	{ FSCK_PRESENCE_FLAG, presence_gone },
	{ FSCK_PRESENCE_FLAG, presence_unsaid },
	{ FSCK_DIRECTED_RECORD, directed_cut },
	{ FSCK_DIRECTED_RECORD, directed_short },
	{ FSCK_DIRECTED_ENDED, directed_over },
	{ FSCK_RESUME_RECORD, resume_cut },
	{ FSCK_RESUME_SLOT, resume_id_other },
	{ FSCK_RESUME_SLOT, resume_id_gone },
	{ FSCK_LEAVING_RECORD, leaving_cut },
	{ FSCK_LEAVING_RECORD, leaving_of_another },
};

static void
a_whole_registry_has_no_finding(void **state)
{
	struct online online;

	make(&online);
	check(&online, FSCK_RULES, true);
	check(&online, FSCK_RULES, false);
	end(&online);
}

static void
each_rule_broken_alone_is_named(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct online online;

		make(&online);
		rows[i].breaks(&online);
		check(&online, rows[i].rule, true);
		end(&online);
	}
}

/* The record is broken; so its slot finds none, and is not to be found. */
static void
a_record_that_cannot_be_read_is_named_first(void **state)
{
	const struct fsck_finding *findings;
	struct fsck *fsck = fsck_new(true);
	struct online online;
	size_t more;

	make(&online);
	session_cut(&online);
	fsck_pass(fsck);
	fsck_registry(fsck, online.registry, online.core);
	fsck_end(fsck);
	assert_true(fsck_findings(fsck, &findings, &more) > 0);
	assert_int_equal(findings[0].rule, FSCK_SESSION_RECORD);
	fsck_free(&fsck);
	end(&online);
}

/* With the server down nobody has swept yet. */
static void
records_of_ended_sessions_are_none_while_nobody_sweeps(void **state)
{
	struct online online;

	make(&online);
	session_over(&online);
	directed_over(&online);
	check(&online, FSCK_RULES, false);
	end(&online);
}

/* Its record went to the one that took its resource, and its stream has not ended yet. */
static void
a_displaced_session_is_none(void **state)
{
	struct bind_request request = { .bare_jid = SLICE(JID),
					.resource = SLICE("desk"),
					.sessions_max = 20,
					.now_us = 1 };
	struct bind_answer answer;
	struct online online;
	struct slot *slot;

	make(&online);
	request.account = online.account;
	assert_int_equal(slot_take(online.shm, &request.session), RESULT_OK);
	assert_int_equal(registry_bind(online.registry, &request, &answer), RESULT_OK);
	assert_int_equal(answer.displaced.slot, online.desk.slot);
	slot = slot_find(online.shm, request.session);
	atomic_store(&slot->type, SLOT_C2S);
	check(&online, FSCK_RULES, true);
	end(&online);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_registry_has_no_finding),
		cmocka_unit_test(each_rule_broken_alone_is_named),
		cmocka_unit_test(a_record_that_cannot_be_read_is_named_first),
		cmocka_unit_test(records_of_ended_sessions_are_none_while_nobody_sweeps),
		cmocka_unit_test(a_displaced_session_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
