/* segments.h -- which files a memory has, and what each must say of itself. */
#pragma once

#include "shm/segment.h"

/* What the segment `instance` says of the others. */
struct segments_shape {
	uint32_t workers;
	uint32_t max_sessions;
	uint64_t instance;
};

#define SEGMENTS_PAGE 4096ull	/* of a header, and what everything is rounded up to */
#define SEGMENTS_NAME_MAX 32

/* Sizes of files, and of the table of an arena's words. */
uint64_t segments_slots_size(uint32_t max_sessions);
uint64_t segments_owners_size(uint32_t blocks);
uint64_t segments_arena_size(uint32_t blocks);
uint64_t segments_effect_size(void);
uint64_t segments_dirty_size(uint32_t max_sessions);

void	segments_name(enum segment_kind kind, uint32_t number, char name[SEGMENTS_NAME_MAX]);

/* Exactly a segment's name: one that was set aside is none. */
bool	segments_is_name(const char *name);

/* What the file of that name must say; without a shape its size and instance may be any. False: no segment's name. */
bool	segments_identity(const char *name, const struct segments_shape *shape,
	    struct segment_identity *identity);

/*
 * Looks at a file without mapping it: type, owner, header, and the counts in its first page. RESULT_NOT_FOUND, or
 * RESULT_LAYOUT with *wrong naming the part. shape NULL: not known.
 */
int	segments_check(const char *directory, const char *name, const struct segments_shape *shape,
	    const char **wrong);

/* The same for `instance`, whose counts are the shape. */
int	segments_read_shape(const char *directory, struct segments_shape *shape, const char **wrong);
