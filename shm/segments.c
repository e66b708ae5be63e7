/* segments.c -- which files a memory has, and what each must say of itself. */
#include "shm/segments.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/result.h"
#include "shm/limits_table.h"
#include "shm/ring_record.h"

static uint64_t
round_up(uint64_t value)
{
	return (value + SEGMENTS_PAGE - 1) / SEGMENTS_PAGE * SEGMENTS_PAGE;
}

uint64_t
segments_slots_size(uint32_t max_sessions)
{
	return SEGMENTS_PAGE + round_up((uint64_t)max_sessions * sizeof(struct slot));
}

uint64_t
segments_owners_size(uint32_t blocks)
{
	return round_up((uint64_t)blocks * sizeof(uint32_t));
}

uint64_t
segments_arena_size(uint32_t blocks)
{
	return sizeof(struct arena_header) + segments_owners_size(blocks) +
	    (uint64_t)blocks * BLOCK_SIZE;
}

uint64_t
segments_effect_size(void)
{
	return sizeof(struct effect_header) + EFFECT_STEPS_MAX * sizeof(struct effect_step) +
	    EFFECT_STAGING_MAX;
}

/* Behind a page of the header: summary words (a bit for each word of slots), then a bit a slot. */
uint64_t
segments_dirty_size(uint32_t max_sessions)
{
	uint64_t words = (max_sessions + 63) / 64;
	uint64_t summary = (words + 63) / 64;

	return SEGMENTS_PAGE + round_up((words + summary) * sizeof(uint64_t));
}

/* --- names --- */

static const struct name_row {
	const char	 *name;		/* with a number behind it, or the whole name */
	bool		  is_numbered;
	enum segment_kind kind;
	uint32_t	  unit;
} rows[] = {
	{ "instance", false, SEGMENT_INSTANCE, sizeof(struct process_page) },
	{ "slots", false, SEGMENT_SLOTS, sizeof(struct slot) },
	{ "arena.", true, SEGMENT_ARENA, BLOCK_SIZE },
	{ "effect.", true, SEGMENT_EFFECT, sizeof(struct effect_step) },
	{ "dirty.", true, SEGMENT_DIRTY, sizeof(uint64_t) },
	{ "ring.", true, SEGMENT_RING, RING_UNIT },
	{ "limits", false, SEGMENT_LIMITS, sizeof(struct limits_place) },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

void
segments_name(enum segment_kind kind, uint32_t number, char name[SEGMENTS_NAME_MAX])
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].kind == kind)
			snprintf(name, SEGMENTS_NAME_MAX, rows[i].is_numbered ? "%s%u" : "%s",
			    rows[i].name, number);
}

/* As it is written: without zeros before it, signs or anything behind it. */
static bool
read_number(const char *text, uint32_t *number)
{
	char again[SEGMENTS_NAME_MAX];

	*number = (uint32_t)strtoul(text, NULL, 10);
	snprintf(again, sizeof(again), "%u", *number);
	return strcmp(again, text) == 0;
}

static const struct name_row *
find_row(const char *name, uint32_t *number)
{
	*number = 0;
	for (size_t i = 0; i < ROWS; i++) {
		size_t length = strlen(rows[i].name);

		if (rows[i].is_numbered ? strncmp(name, rows[i].name, length) == 0 &&
			    read_number(name + length, number)
					: strcmp(name, rows[i].name) == 0)
			return &rows[i];
	}
	return NULL;
}

bool
segments_is_name(const char *name)
{
	uint32_t number;

	return find_row(name, &number) != NULL;
}

/* 0: it follows from the segment itself. */
static uint64_t
size_of(enum segment_kind kind, const struct segments_shape *shape)
{
	switch (kind) {
	case SEGMENT_INSTANCE:
		return sizeof(struct instance);
	case SEGMENT_SLOTS:
		return shape == NULL ? 0 : segments_slots_size(shape->max_sessions);
	case SEGMENT_EFFECT:
		return segments_effect_size();
	case SEGMENT_LIMITS:
		return shape == NULL ? 0 : limits_size(shape->max_sessions, shape->workers);
	case SEGMENT_DIRTY:
		return shape == NULL ? 0 : segments_dirty_size(shape->max_sessions);
	default:
		return 0;
	}
}

bool
segments_identity(const char *name, const struct segments_shape *shape,
    struct segment_identity *identity)
{
	uint32_t number;
	const struct name_row *row = find_row(name, &number);

	if (row == NULL)
		return false;
	*identity = (struct segment_identity){ .kind = row->kind,
		.number = number,
		.unit = row->unit,
		.size = size_of(row->kind, shape),
		.instance = shape == NULL ? 0 : shape->instance };
	return true;
}

/* --- looking --- */

/* The start of a segment, as each kind has it. */
struct first_page {
	union {
		struct segment_header header;
		struct arena_header   arena;
		struct effect_header  effect;
		struct {
			struct segment_header header;
			uint32_t	      workers;
			uint32_t	      max_sessions;
		} instance;
		struct {
			struct segment_header header;
			uint32_t	      committed;
		} slots;
		char bytes[SEGMENTS_PAGE];
	};
};
static_assert(offsetof(struct first_page, instance.workers) == offsetof(struct instance, workers) &&
	offsetof(struct first_page, instance.max_sessions) ==
	    offsetof(struct instance, max_sessions),
    "start of instance");

/* The counts in a segment's first page, which others trust. */
static const char *
wrong_count(enum segment_kind kind, const struct first_page *page, uint64_t size,
    const struct segments_shape *shape)
{
	uint32_t blocks;

	switch (kind) {
	case SEGMENT_INSTANCE:
		if (page->instance.workers < 1 || page->instance.workers > WORKERS_MAX)
			return "count of workers";
		return page->instance.max_sessions < 1 || page->instance.max_sessions >= SLOTS_MAX
		    ? "count of sessions"
		    : NULL;
	case SEGMENT_SLOTS:
		return SEGMENTS_PAGE + page->slots.committed * sizeof(struct slot) > size ||
			(shape != NULL && page->slots.committed > shape->max_sessions)
		    ? "count of slots"
		    : NULL;
	case SEGMENT_ARENA:
		blocks = page->arena.count;
		if (blocks > BLOCKS_MAX || segments_arena_size(blocks) != size)
			return "count of blocks";
		return page->arena.committed > blocks ? "blocks in use" : NULL;
	case SEGMENT_EFFECT:
		return page->effect.steps_committed > EFFECT_STEPS_MAX ||
			page->effect.staging_committed > EFFECT_STAGING_MAX
		    ? "memory in use"
		    : NULL;
	case SEGMENT_RING:
		return size <= sizeof(struct ring_header) || size % SEGMENTS_PAGE != 0 ? "size"
										       : NULL;
	default:
		return NULL;
	}
}

static const char *
wrong_file(int directory, const char *name, struct stat *st)
{
	struct stat above;

	if (fstatat(directory, name, st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    fstat(directory, &above) != 0)
		return "file";
	if (!S_ISREG(st->st_mode))
		return "type of file";
	if (st->st_uid != above.st_uid)
		return "owner";
	return (st->st_mode & 0077) != 0 ? "mode" : NULL;
}

static const char *
wrong_page(int fd, uint64_t size, const struct segment_identity *identity,
    const struct segments_shape *shape, struct first_page *page)
{
	const char *wrong;

	if (pread(fd, page->bytes, sizeof(page->bytes), 0) != (ssize_t)sizeof(page->bytes))
		return "size";
	wrong = segment_wrong_field(&page->header, identity, size);
	return wrong != NULL ? wrong : wrong_count(identity->kind, page, size, shape);
}

static int
check_at(int directory, const char *name, const struct segments_shape *shape,
    struct first_page *page, const char **wrong)
{
	struct segment_identity identity;
	struct stat st;
	int fd;

	if (!segments_identity(name, shape, &identity)) {
		*wrong = "name";
		return RESULT_LAYOUT;
	}
	errno = 0;
	*wrong = wrong_file(directory, name, &st);
	if (*wrong != NULL)
		return errno == ENOENT ? RESULT_NOT_FOUND : RESULT_LAYOUT;
	fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	*wrong = fd < 0 ? "access"
			: wrong_page(fd, (uint64_t)st.st_size, &identity, shape, page);
	if (fd >= 0)
		close(fd);
	return *wrong == NULL ? RESULT_OK : RESULT_LAYOUT;
}

static int
check(const char *directory, const char *name, const struct segments_shape *shape,
    struct first_page *page, const char **wrong)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result;

	*wrong = "directory";
	if (fd < 0)
		return RESULT_FAILED;
	result = check_at(fd, name, shape, page, wrong);
	close(fd);
	return result;
}

int
segments_check(const char *directory, const char *name, const struct segments_shape *shape,
    const char **wrong)
{
	struct first_page page;

	return check(directory, name, shape, &page, wrong);
}

int
segments_read_shape(const char *directory, struct segments_shape *shape, const char **wrong)
{
	struct first_page page;
	int result = check(directory, "instance", NULL, &page, wrong);

	if (result == RESULT_OK)
		*shape = (struct segments_shape){ page.instance.workers,
			page.instance.max_sessions, page.header.instance };
	return result;
}
