/* segment.h -- files on tmpfs that several processes map: made, checked, grown, given back. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/layout.h"

struct segment {
	void  *memory;		/* the whole size, reserved; not all of it has pages behind it */
	size_t size;
	int    fd;		/* kept, for growing */
};

/* What a segment must say of itself. */
struct segment_identity {
	enum segment_kind kind;
	uint32_t	  number;
	uint32_t	  unit;
	uint64_t	  size;
	uint64_t	  instance;
};

/* RESULT_OK when directory is on tmpfs and ours alone; else logs what and why. */
int	segment_check_directory(const char *directory);

/* The kernel's boot id. */
void	segment_boot_id(uint8_t out[16]);

/*
 * Makes directory/name with its header and `committed` bytes that memory stands behind. An existing file
 * of that name is an error (RESULT_EXISTS). Mode 0600. RESULT_FULL: tmpfs has no room.
 */
int	segment_create(struct segment *segment, const char *directory, const char *name,
	    const struct segment_identity *identity, size_t committed);

/*
 * Maps an existing one; identity->instance 0 and size 0 take what the file says. Names in the log
 * the field that differs: RESULT_LAYOUT. read_only for tools.
 */
int	segment_attach(struct segment *segment, const char *directory, const char *name,
	    const struct segment_identity *identity, bool read_only);
void	segment_detach(struct segment *segment);

/* Which field of a header is not as it must be; NULL: all are. */
const char *segment_wrong_field(const struct segment_header *header,
		    const struct segment_identity *identity, uint64_t file_size);

/* Memory behind [offset, offset + length): posix_fallocate, so that a store can never be a SIGBUS. */
int	segment_commit(struct segment *segment, size_t offset, size_t length);
void	segment_discard(struct segment *segment, size_t offset, size_t length);

/* Bytes that tmpfs has left for all of its files; without an answer: as many as anybody wants. */
uint64_t segment_room(const struct segment *segment);
