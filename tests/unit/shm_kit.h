/* shm_kit.h -- a shared memory of its own for a unit test, and the ways tests fill it. */
#pragma once

#include "tests/unit/unit.h"

#include "shm/effect.h"
#include "shm/shm.h"
#include "shm/slots.h"

struct kit {
	char directory[64];
	struct shm *shm; /* joined as worker 0 */
	int log;         /* what was logged since kit_begin() */
};

void kit_directory(struct kit *kit); /* on tmpfs, empty */
void kit_begin(struct kit *kit, uint32_t workers, uint32_t sessions,
	       uint64_t arena_bytes);
void kit_end(struct kit *kit);

/* The same memory as another worker sees it. */
struct shm *kit_worker(struct kit *kit, uint32_t number);

bool kit_logged(struct kit *kit, const char *text);

struct slot_ref kit_slot(struct kit *kit);

/* Drafts one append, or appends; the server is the origin. */
int kit_draft(struct kit *kit, struct slot_ref target, struct slice payload);
int kit_append(struct kit *kit, struct slot_ref target, struct slice payload);

/* Bytes of all sizes that tell where they came from. */
struct slice kit_bytes(size_t length, unsigned seed);

/* A tmpfs of that many bytes at kit->directory, in a mount namespace of this process;
 * skips loudly where it may not. */
void kit_small_tmpfs(struct kit *kit, size_t bytes);
void kit_small_end(struct kit *kit);
bool kit_is_empty(const struct kit *kit); /* no files in the directory */
