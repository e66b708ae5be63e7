/* fsck_messages.c -- checks archived messages against the lists of their ends, and the queues of those kept for later. */
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/fsck_kept.h"
#include "features/archive_record.h"
#include "features/offline.h"

struct checker {
	struct fsck *fsck;
	struct store *msg;
	struct txn *txn;
	const struct fsck_accounts *accounts;
	/* The list being walked, and the number of its last entry. */
	struct archive_end list;
	uint64_t number;
	/* The queue being walked. */
	struct slice name;
	struct store_queue said;
	struct store_queue found;
};

/* --- the archive --- */

/* In its list, where nearly all are, or in the journal still, which is slow to search. */
static bool
has_entry(const struct checker *checker, uint64_t account, uint64_t peer, uint64_t id)
{
	struct archive_end list = { account, peer };
	struct archive_item item;
	char key[ARCHIVE_KEY_SIZE];
	struct slice value;
	uint64_t version;

	archive_key(account, peer, id, key);
	return store_get(checker->msg, checker->txn, STORE_ARCHIVE,
			 slice_of(key, sizeof(key)), &value, &version) ||
	       archive_edge(checker->msg, checker->txn, list, id, id, false, &item);
}

/* An archive that has given a message up has neither entry; a deleted account's go one by one. */
static void
check_end(struct checker *checker, const struct archive_end *end, uint64_t id)
{
	bool in_all, in_peers;
	char where[112];

	if (fsck_accounts_find(checker->accounts, end->account) == NULL)
		return;
	in_all = has_entry(checker, end->account, 0, id);
	in_peers = has_entry(checker, end->account, end->peer, id);
	if (in_all == in_peers)
		return;
	snprintf(where, sizeof(where), "message %" PRIu64, id);
	fsck_find(checker->fsck, FSCK_ARCHIVE_ENTRY, where,
		  "account %" PRIu64 " has it in the list of %s alone", end->account,
		  in_all ? "all messages" : "one contact");
}

static bool
on_message(void *owner, struct slice key, struct slice value, uint64_t version)
{
	struct checker *checker = owner;
	struct archive_record record;
	char where[48];

	(void)version;
	fsck_count(checker->fsck)->messages++;
	snprintf(where, sizeof(where), "message %" PRIu64, archive_key_id(key));
	if (key.length != sizeof(uint64_t) || !archive_unpack(value, &record)) {
		fsck_find(checker->fsck, FSCK_ARCHIVE_RECORD, where, "it has %zu bytes",
			  value.length);
		return true;
	}
	for (int i = 0; i < ARCHIVE_ENDS; i++)
		if (record.end[i].account != 0)
			check_end(checker, &record.end[i], archive_key_id(key));
	return true;
}

static bool
has_message(const struct checker *checker, uint64_t id)
{
	struct slice value;
	uint64_t version;
	char key[8];

	archive_log_key(id, key);
	return store_get(checker->msg, checker->txn, STORE_STANZA, slice_of(key, sizeof(key)),
			 &value, &version);
}

static bool
read_key(struct slice key, struct archive_end *list, uint64_t *id)
{
	uint64_t words[2];

	if (key.length != ARCHIVE_KEY_SIZE)
		return false;
	memcpy(words, key.data, sizeof(words));
	*list = (struct archive_end){ be64toh(words[0]), be64toh(words[1]) };
	*id = archive_key_id(key);
	return true;
}

static void
check_number(struct checker *checker, const struct archive_end *list, uint64_t number,
	     const char *where)
{
	bool is_same = list->account == checker->list.account &&
		       list->peer == checker->list.peer;

	if (is_same && number <= checker->number)
		fsck_find(checker->fsck, FSCK_ARCHIVE_NUMBERS, where,
			  "number %" PRIu64 " behind number %" PRIu64, number,
			  checker->number);
	checker->list = *list;
	checker->number = number;
}

static bool
check_entry(struct checker *checker, struct slice key, const struct store_entry *entry,
	    bool in_list)
{
	struct archive_end list;
	char where[112];
	uint64_t id;

	if (!read_key(key, &list, &id)) {
		fsck_find(checker->fsck, FSCK_ARCHIVE_RECORD, "an entry of a list",
			  "its key has %zu bytes", key.length);
		return true;
	}
	snprintf(where, sizeof(where), "account %" PRIu64 " contact %" PRIx64
		 " message %" PRIu64, list.account, list.peer, id);
	if (!has_message(checker, id))
		fsck_find(checker->fsck, FSCK_ARCHIVE_STANZA, where,
			  "there is no such message");
	if (in_list)
		check_number(checker, &list, entry->number, where);
	return true;
}

static bool
on_entry(void *owner, struct slice key, struct slice value, uint64_t version)
{
	struct checker *checker = owner;
	struct store_entry entry;

	(void)version;
	if (value.length != sizeof(entry)) {
		fsck_find(checker->fsck, FSCK_ARCHIVE_RECORD, "an entry of a list",
			  "it has %zu bytes", value.length);
		return true;
	}
	memcpy(&entry, value.data, sizeof(entry));
	return check_entry(checker, key, &entry, true);
}

/* Those whose numbers have changed stand there twice, or in their list as they were: they are looked at once they have moved. */
static bool
on_journal(void *owner, int table, struct slice key, const struct store_entry *entry)
{
	struct checker *checker = owner;

	return table != STORE_ARCHIVE || check_entry(checker, key, entry, false);
}

/* --- queues --- */

static bool
is_name(struct slice key)
{
	return key.length == sizeof(uint64_t) || key.length == sizeof(struct offline_key);
}

static void
name_queue(struct slice name, char *out, size_t size)
{
	uint64_t account = 0;

	if (name.length >= sizeof(account))
		memcpy(&account, name.data, sizeof(account));
	snprintf(out, size, "%s account %" PRIu64,
		 name.length == sizeof(account) ? "messages for" : "a stranger at",
		 be64toh(account));
}

static void
end_queue(struct checker *checker)
{
	char where[48];

	if (checker->said.entries == checker->found.entries &&
	    checker->said.octets == checker->found.octets)
		return;
	name_queue(checker->name, where, sizeof(where));
	fsck_find(checker->fsck, FSCK_QUEUE_TALLY, where,
		  "it counts %" PRIu64 " of %" PRIu64 " bytes, there are %" PRIu64
		  " of %" PRIu64, checker->said.entries, checker->said.octets,
		  checker->found.entries, checker->found.octets);
}

/* What begins with the name of an account's queue may be a stranger's: the lengths tell. */
static bool
on_kept(void *owner, struct slice key, struct slice value, uint64_t version)
{
	struct checker *checker = owner;

	(void)version;
	if (key.length != checker->name.length + sizeof(uint64_t))
		return true;
	checker->found.entries++;
	checker->found.octets += value.length;
	return true;
}

/* Of a queue that nobody has counted. */
static void
check_kept(struct checker *checker, struct slice key)
{
	size_t length = key.length < sizeof(uint64_t) ? 0 : key.length - sizeof(uint64_t);
	struct slice name = slice_of(key.data, length);
	struct slice value;
	uint64_t version;
	char where[48];

	if (is_name(name) &&
	    store_get(checker->msg, checker->txn, STORE_OFFLINE, name, &value, &version))
		return;
	name_queue(name, where, sizeof(where));
	fsck_find(checker->fsck, FSCK_QUEUE_TALLY, where, "an entry is in no queue");
}

static bool
on_queue(void *owner, struct slice key, struct slice value, uint64_t version)
{
	struct checker *checker = owner;

	(void)value;
	(void)version;
	if (!is_name(key)) {
		check_kept(checker, key);
		return true;
	}
	checker->name = key;
	checker->found = (struct store_queue){ 0 };
	store_queue(checker->msg, checker->txn, STORE_OFFLINE, key, &checker->said);
	store_each(checker->msg, checker->txn, STORE_OFFLINE, key, on_kept, checker);
	end_queue(checker);
	return true;
}

void
fsck_messages(struct fsck *fsck, struct store *msg, struct txn *txn,
	      const struct fsck_accounts *accounts)
{
	struct checker checker = {
		.fsck = fsck, .msg = msg, .txn = txn, .accounts = accounts
	};

	store_each(msg, txn, STORE_STANZA, SLICE_EMPTY, on_message, &checker);
	store_each(msg, txn, STORE_ARCHIVE, SLICE_EMPTY, on_entry, &checker);
	fsck_journal(fsck, txn, on_journal, &checker);
	store_each(msg, txn, STORE_OFFLINE, SLICE_EMPTY, on_queue, &checker);
}
