/* accounts.c -- makes many accounts at once in a data directory that no server uses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "auth/credentials.h"
#include "base/result.h"
#include "shm/store.h"

#define JID_SIZE 128

/* All share one record and so one salt: the load client derives its keys once. */
static uint8_t record[CREDENTIALS_RECORD_MAX];
static size_t record_length;

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

static int
add(struct store *store, const char *user, const char *host, int from, int count)
{
	static char jids[STORE_CHANGES_MAX][JID_SIZE];
	struct store_change changes[STORE_CHANGES_MAX];
	uint64_t account;

	for (int i = 0; i < count; i++) {
		snprintf(jids[i], JID_SIZE, "%s%d@%s", user, from + i, host);
		changes[i] =
		    (struct store_change){ .verb = STORE_ACCOUNT_PUT,
					   .hashes = (1u << SCRAM_HASH_COUNT) - 1,
					   .key = slice_from_text(jids[i]),
					   .value = slice_of(record, record_length) };
	}
	return store_apply(store, changes, count, &account);
}

int
main(int argc, char **argv)
{
	struct store *store;
	int count, rc;

	if (argc != 6 || (count = atoi(argv[4])) < 1 || !make_record(argv[5])) {
		fprintf(stderr,
			"usage: accounts DATA-DIR HOST USER-PREFIX COUNT PASSWORD\n");
		return 2;
	}
	rc = store_open(argv[1], STORE_CORE, true, &store);
	for (int i = 0; rc >= 0 && i < count; i += STORE_CHANGES_MAX)
		rc = add(store, argv[3], argv[2], i,
			 count - i < STORE_CHANGES_MAX ? count - i : STORE_CHANGES_MAX);
	if (rc < 0) {
		fprintf(stderr, "accounts: %s: %s\n", argv[1], result_text(rc));
		return 1;
	}
	store_close(&store);
	return 0;
}
