/* fsck_outbox.h -- walks chains of blocks as they stand at a moment when nobody changes them. */
#pragma once

#include "shm/fsck_private.h"

/* A slot at one moment. */
struct slot_view {
	uint32_t index;
	uint32_t lock;
	uint32_t owner;
	uint32_t epoch;
	uint32_t type;
	uint64_t next;
	uint64_t acked;		/* entries given back */
	uint64_t head;
	uint64_t tail;
	uint64_t last;
	uint64_t bytes;		/* payload that the slot counts as waiting */
};

struct walker {
	struct fsck	 *fsck;
	const struct shm *shm;
	uint8_t		 *reached[WORKERS_MAX];	/* a bit a block: in the chain of its slot */
	uint8_t		 *here[WORKERS_MAX];	/* in the walk under way */
	uint32_t	 *chain;		/* the blocks of it */
	size_t		  length;
	size_t		  room;
	uint64_t	  entries;
	uint64_t	  octets;		/* of all payloads */
	uint64_t	  origin;		/* of the last entry */
	struct fsck_finding broken;		/* the first thing that was wrong with it */
	bool		  is_broken;
};

void	walker_init(struct walker *walker, struct fsck *fsck, const struct shm *shm);
void	walker_clear(struct walker *walker);

/*
 * Reads a slot and walks its outbox, again and again until nothing changed meanwhile: then its blocks count as
 * reached, and what was broken stands in the walker. False: it never stood still.
 */
bool	walker_walk(struct walker *walker, uint32_t index, struct slot_view *view);

/* The walk just made, or one before where all is true, came past the block. */
bool	walker_has(const struct walker *walker, uint32_t block, bool all);
