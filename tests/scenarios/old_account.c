/* old_account.c -- makes an account as another server left it: with keys for SCRAM-SHA-1 alone. */
#include <stdio.h>
#include <string.h>

#include "auth/credentials.h"
#include "base/result.h"
#include "shm/store.h"

int
main(int argc, char **argv)
{
	struct credentials credentials = { 0 };
	uint8_t record[CREDENTIALS_RECORD_MAX];
	struct store_change change = { .verb = STORE_ACCOUNT_PUT,
				       .hashes = 1u << SCRAM_SHA_1 };
	struct store *store;
	uint64_t account;
	int rc;

	if (argc != 4 || !credentials_derive(&credentials, change.hashes,
					     slice_from_text(argv[3]), 5000)) {
		fprintf(stderr, "usage: old_account DATA-DIR JID PASSWORD\n");
		return 2;
	}
	change.key = slice_from_text(argv[2]);
	change.value = slice_of(record, credentials_pack(&credentials, record));
	rc = store_open(argv[1], STORE_CORE, true, &store);
	if (rc >= 0) {
		rc = store_apply(store, &change, 1, &account);
		store_close(&store);
	}
	if (rc < 0) {
		fprintf(stderr, "old_account: %s: %s\n", argv[1], result_text(rc));
		return 1;
	}
	return 0;
}
