/* fsck.c -- the checker's rules and findings, and the files of a memory. */
#include "shm/fsck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ensure.h"
#include "base/memory.h"
#include "base/result.h"
#include "shm/fsck_private.h"
#include "shm/segments.h"
#include "shm/store_request.h"

const struct fsck_row fsck_rows[FSCK_RULES] = {
#define FSCK_RULE(id, name, about, advice) { name, about, advice },
#include "shm/fsck_rules.def"
#undef FSCK_RULE
};

struct findings {
	struct fsck_finding *all;
	size_t		     count;
	size_t		     room;
	size_t		     more;
};

struct fsck {
	struct findings	 now;		/* of the pass that is under way */
	struct findings	 always;	/* of all before */
	unsigned	 passes;
	bool		 is_passing;
	bool		 is_in_use;
	struct fsck_seen seen;
};

struct fsck *
fsck_new(bool is_in_use)
{
	struct fsck *fsck = NEW(struct fsck);

	fsck->is_in_use = is_in_use;
	return fsck;
}

void
fsck_free(struct fsck **pointer)
{
	struct fsck *fsck = *pointer;

	if (fsck == NULL)
		return;
	memory_free(fsck->now.all);
	memory_free(fsck->always.all);
	memory_free(fsck);
	*pointer = NULL;
}

/* --- passes --- */

static bool
is_same(const struct fsck_finding *a, const struct fsck_finding *b)
{
	return a->rule == b->rule && strcmp(a->where, b->where) == 0 &&
	    strcmp(a->what, b->what) == 0;
}

static bool
has(const struct findings *findings, const struct fsck_finding *wanted)
{
	for (size_t i = 0; i < findings->count; i++)
		if (is_same(&findings->all[i], wanted))
			return true;
	return false;
}

void
fsck_pass(struct fsck *fsck)
{
	ensure(!fsck->is_passing);
	fsck->is_passing = true;
	fsck->now.count = 0;
	fsck->now.more = 0;
	fsck->seen = (struct fsck_seen){ 0 };
}

static void
keep_both(struct findings *always, const struct findings *now)
{
	size_t kept = 0;

	for (size_t i = 0; i < always->count; i++)
		if (has(now, &always->all[i]))
			always->all[kept++] = always->all[i];
	always->count = kept;
	if (now->more < always->more)
		always->more = now->more;
}

void
fsck_end(struct fsck *fsck)
{
	ensure(fsck->is_passing);
	fsck->is_passing = false;
	if (fsck->passes++ == 0) {
		struct findings swap = fsck->always;

		fsck->always = fsck->now;
		fsck->now = swap;
	} else {
		keep_both(&fsck->always, &fsck->now);
	}
}

/* --- findings --- */

void
fsck_find(struct fsck *fsck, enum fsck_rule rule, const char *where, const char *what, ...)
{
	struct findings *now = &fsck->now;
	struct fsck_finding *finding;
	va_list arguments;

	if (now->count == FSCK_FINDINGS_MAX) {
		now->more++;
		return;
	}
	if (now->count == now->room) {
		now->room = now->room == 0 ? 16 : now->room * 2;
		now->all = memory_resize(now->all, now->room * sizeof(*now->all));
	}
	finding = &now->all[now->count++];
	finding->rule = rule;
	snprintf(finding->where, sizeof(finding->where), "%s", where);
	va_start(arguments, what);
	vsnprintf(finding->what, sizeof(finding->what), what, arguments);
	va_end(arguments);
}

static int
compare(const void *left, const void *right)
{
	const struct fsck_finding *a = left, *b = right;

	return a->rule != b->rule ? (a->rule < b->rule ? -1 : 1) : strcmp(a->where, b->where);
}

size_t
fsck_findings(const struct fsck *fsck, const struct fsck_finding **findings, size_t *more)
{
	ensure(!fsck->is_passing);
	if (fsck->always.count > 0)
		qsort(fsck->always.all, fsck->always.count, sizeof(*fsck->always.all), compare);
	*findings = fsck->always.all;
	*more = fsck->always.more;
	return fsck->always.count;
}

const struct fsck_seen *
fsck_seen(const struct fsck *fsck)
{
	return &fsck->seen;
}

struct fsck_seen *
fsck_count(struct fsck *fsck)
{
	return &fsck->seen;
}

/* A chain that is broken ends its session, and what stands halfway is finished; the rest has nobody who would mend it. */
static bool
is_hopeless(enum fsck_rule rule)
{
	switch (rule) {
	case FSCK_SEGMENT_MISSING:
	case FSCK_SEGMENT_BROKEN:
	case FSCK_PROCESS_PAGE:
	case FSCK_SLOT_OWNER:
	case FSCK_SLOT_EPOCH:
	case FSCK_BLOCK_OWNER:
	case FSCK_EFFECT_STATE:
	case FSCK_EFFECT_STEP:
	case FSCK_RING_COUNTS:
	case FSCK_RING_RECORD:
		return true;
	default:
		return false;
	}
}

const struct fsck_finding *
fsck_hopeless(const struct fsck *fsck)
{
	const struct fsck_finding *findings;
	size_t more;
	size_t count = fsck_findings(fsck, &findings, &more);

	for (size_t i = 0; i < count; i++)
		if (is_hopeless(findings[i].rule))
			return &findings[i];
	return NULL;
}

/* --- the files --- */

static bool
check_file(struct fsck *fsck, const char *directory, const char *name,
    const struct segments_shape *shape)
{
	const char *wrong;
	int result = segments_check(directory, name, shape, &wrong);

	fsck->seen.segments++;
	if (result == RESULT_NOT_FOUND)
		fsck_find(fsck, FSCK_SEGMENT_MISSING, name, "there is no such file");
	else if (result != RESULT_OK)
		fsck_find(fsck, FSCK_SEGMENT_BROKEN, name, "wrong: %s", wrong);
	return result == RESULT_OK;
}

static bool
check_worker_files(struct fsck *fsck, const char *directory, uint32_t number,
    const struct segments_shape *shape)
{
	static const enum segment_kind kinds[] = { SEGMENT_ARENA, SEGMENT_EFFECT, SEGMENT_DIRTY };
	bool good = true;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char name[SEGMENTS_NAME_MAX];

		segments_name(kinds[i], number, name);
		good = check_file(fsck, directory, name, shape) && good;
	}
	return good;
}

/* Rings are looked at with the memory: one without stores has none. */
bool
fsck_segments(struct fsck *fsck, const char *directory)
{
	struct segments_shape shape;
	const char *wrong;
	bool good;

	if (!check_file(fsck, directory, "instance", NULL) ||
	    segments_read_shape(directory, &shape, &wrong) != RESULT_OK)
		return false;
	good = check_file(fsck, directory, "slots", &shape);
	good = check_file(fsck, directory, "limits", &shape) && good;
	for (uint32_t i = 0; i < shape.workers; i++)
		good = check_worker_files(fsck, directory, i, &shape) && good;
	return good;
}

/* --- the memory --- */

bool
fsck_is_in_use(const struct fsck *fsck)
{
	return fsck->is_in_use;
}

bool
fsck_is_recovering(const struct shm *shm, uint32_t process)
{
	const struct process_page *page = shm_page(shm, process);

	return atomic_load(&page->kind) == PROCESS_WORKER &&
	    (atomic_load(&page->pid) == 0 || atomic_load(&page->ready) == 0);
}

bool
fsck_is_freeing(const struct shm *shm, uint32_t slot)
{
	for (uint32_t i = 0; i < shm->workers; i++)
		if (atomic_load(&shm_page(shm, i)->freeing) == slot + 1)
			return true;
	return false;
}

void
fsck_memory(struct fsck *fsck, const struct shm *shm)
{
	fsck_processes(fsck, shm);
	fsck_slots(fsck, shm);
	fsck_rings(fsck, shm);
}
