/* accounts.c -- makes many accounts with rosters in a data directory that no server uses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/credentials.h"
#include "base/arena.h"
#include "base/result.h"
#include "config/config.h"
#include "features/roster_store.h"
#include "features/turn.h"
#include "shm/store.h"
#include "stream/server.h"

#define JID_SIZE 128
#define ROSTERS_ONCE         \
	(STORE_CHANGES_MAX / \
	 4) /* an item of each is at most so many changes of a request */

static const char usage[] =
    "usage: accounts DATA-DIR HOST USER-PREFIX COUNT PASSWORD [FIRST N CONTACT M ...]\n"
    "Each of the N accounts from FIRST on has the M from CONTACT on as contacts, "
    "subscribed both ways.\n";

/* All share one record and so one salt: the load client derives its keys once. */
static uint8_t record[CREDENTIALS_RECORD_MAX];
static size_t record_length;
static const char *user_prefix;
static const char *host_name;

static bool
make_record(const char *password)
{
	struct credentials credentials = { 0 };

	if (!credentials_derive(&credentials, (1u << SCRAM_HASH_COUNT) - 1,
				slice_from_text(password), SCRAM_ITERATIONS))
		return false;
	record_length = credentials_pack(&credentials, record);
	return true;
}

static struct slice
write_jid(char out[JID_SIZE], int number)
{
	snprintf(out, JID_SIZE, "%s%d@%s", user_prefix, number, host_name);
	return slice_from_text(out);
}

static int
add(struct store *store, int from, int count)
{
	static char jids[STORE_CHANGES_MAX][JID_SIZE];
	struct store_change changes[STORE_CHANGES_MAX];
	uint64_t account;

	for (int i = 0; i < count; i++)
		changes[i] =
		    (struct store_change){ .verb = STORE_ACCOUNT_PUT,
					   .hashes = (1u << SCRAM_HASH_COUNT) - 1,
					   .key = write_jid(jids[i], from + i),
					   .value = slice_of(record, record_length) };
	return store_apply(store, changes, count, &account);
}

/* --- rosters, as the server's own code writes them --- */

static struct config config = { .roster_items = 100000, .roster_requests = 100 };
static struct server server = { .config = &config };

static int
put(struct roster *roster, int number, int contact, struct turn_request *request)
{
	char jid[JID_SIZE], name[32];
	struct roster_item old, new;
	uint64_t account =
	    store_account_id(server.core, roster->txn, write_jid(jid, number));

	roster_read(roster, &server, roster->arena, roster->txn, account);
	if (account == 0 ||
	    roster_find(roster, arena_copy(roster->arena, write_jid(jid, contact)), &old))
		return account == 0 ? RESULT_NOT_FOUND : RESULT_OK;
	new = old;
	snprintf(name, sizeof(name), "Contact %d", contact);
	new.name = arena_copy(roster->arena, slice_from_text(name));
	new.flags = ROSTER_BOTH | ROSTER_LISTED;
	new.group_count = 1;
	new.group[0] = SLICE("Friends");
	return roster_put(roster, &old, &new, request) == ROSTER_OK ? RESULT_OK
								    : RESULT_FULL;
}

/* One contact for many rosters: a request may change each of them once. */
static int
put_all(int first, int count, int contact)
{
	static struct store_change of_one[ROSTER_CHANGES], changes[STORE_CHANGES_MAX];
	struct turn_request request = { of_one, 0, ROSTER_CHANGES };
	struct arena arena;
	struct roster roster = { .arena = &arena };
	uint64_t account;
	int used = 0, rc = RESULT_OK;

	arena_init(&arena);
	roster.txn = store_read(server.core);
	for (int i = 0; i < count && rc == RESULT_OK; i++) {
		request.count = 0;
		rc = put(&roster, first + i, contact, &request);
		memcpy(changes + used, request.change,
		       (size_t)request.count * sizeof(*changes));
		used += request.count;
	}
	txn_end(&roster.txn);
	if (rc == RESULT_OK && used > 0)
		rc = store_apply(server.core, changes, used, &account);
	arena_clear(&arena);
	return rc;
}

static int
make_rosters(int first, int count, int contact, int contacts)
{
	int rc = RESULT_OK;

	for (int i = 0; i < contacts && rc >= 0; i++)
		for (int at = 0; at < count && rc >= 0; at += ROSTERS_ONCE)
			rc =
			    put_all(first + at,
				    count - at < ROSTERS_ONCE ? count - at : ROSTERS_ONCE,
				    contact + i);
	return rc;
}

static void
read_secret(void)
{
	struct txn *txn = store_read(server.core);

	store_secret(server.core, txn, server.secret);
	txn_end(&txn);
}

static int
fill(int count, int words, char **word)
{
	int rc = RESULT_OK;

	for (int i = 0; rc >= 0 && i < count; i += STORE_CHANGES_MAX)
		rc = add(server.core, i,
			 count - i < STORE_CHANGES_MAX ? count - i : STORE_CHANGES_MAX);
	read_secret();
	for (int i = 0; rc >= 0 && i < words; i += 4)
		rc = make_rosters(atoi(word[i]), atoi(word[i + 1]), atoi(word[i + 2]),
				  atoi(word[i + 3]));
	return rc;
}

int
main(int argc, char **argv)
{
	int count, rc;

	if (argc < 6 || (argc - 6) % 4 != 0 || (count = atoi(argv[4])) < 1 ||
	    !make_record(argv[5])) {
		fputs(usage, stderr);
		return 2;
	}
	host_name = argv[2];
	user_prefix = argv[3];
	rc = store_open(argv[1], STORE_CORE, true, &server.core);
	if (rc >= 0)
		rc = fill(count, argc - 6, argv + 6);
	if (rc < 0) {
		fprintf(stderr, "accounts: %s: %s\n", argv[1], result_text(rc));
		return 1;
	}
	store_close(&server.core);
	return 0;
}
