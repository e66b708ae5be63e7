/* other_layout.c -- makes a data directory as a later version of the server may leave it. */
#include <stdio.h>
#include <string.h>

#include "base/result.h"
#include "shm/lmdb.h"
#include "shm/store_record.h"

int
main(int argc, char **argv)
{
	static const char *const tables[] = { "future" };
	char directory[512];
	struct env_options options = { .directory = directory,
				       .flags = ENV_CREATE,
				       .map_size = 1 << 20,
				       .readers = 8,
				       .tables = tables,
				       .table_count = 1,
				       .layout = STORE_LAYOUT + 1 };
	struct env *env;
	int rc;

	if (argc != 2) {
		fprintf(stderr, "usage: other_layout DATA-DIR\n");
		return 2;
	}
	snprintf(directory, sizeof(directory), "%s/core", argv[1]);
	rc = env_open(&options, &env);
	if (rc < 0) {
		fprintf(stderr, "other_layout: %s: %s\n", directory, result_text(rc));
		return 1;
	}
	env_close(&env);
	return 0;
}
